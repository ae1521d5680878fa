"""The API asked as clients ask it: is it served, is it fresh, and is refused what must be.

What belongs here: the checks and what to do when one fails. What does not: showing them (``stack.commands``), and the
database, which is never asked here: ``ticketmarts status`` and ``ticketmarts migrate --advisors`` do that.

Nothing is changed, also where a write that should be refused is not: every one names an event that there cannot be.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import httpx
import jwt

from ingestion.settings import Settings, SettingsError

OTHER_SCHEMAS = ("raw", "staging", "intermediate", "marts", "aggregates")
INTERVALS_OF_GRACE = 3
"""A capture may fail, and a round take its time; after that nobody can call the data fresh."""

_TIMEOUT_SECONDS = 30
_NO_EVENT = {"event_id": "eq.-1"}
_REFUSALS = frozenset((httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.METHOD_NOT_ALLOWED))
_NO_PRIVILEGE, _NOT_UPDATABLE = "42501", "55000"
_NO_SUCH_SCHEMA = "PGRST106"

_BUILD = "run `ticketmarts build`, which also puts grants and row-level security right; then ask again"
_GRANTS = f"somebody has changed grants by hand: {_BUILD}"


class State(StrEnum):
    """What came of a check."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """One thing that must be so: ``found`` is what the API answered, ``remedy`` what to do where it is not so."""

    name: str
    state: State
    found: str
    remedy: str | None = None


class _FailedError(Exception):
    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.remedy = remedy


class _SkippedError(Exception):
    pass


def run_checks(settings: Settings) -> list[Check]:
    """Ask the API of ``settings`` everything; a check that fails keeps none of the others from being made.

    Raises:
        SettingsError: it is not said where the API is, or with which key to ask.
    """
    if settings.supabase_url is None or settings.supabase_anon_key is None:
        raise SettingsError(
            "no API: SUPABASE_URL and SUPABASE_ANON_KEY are not set and the embedded stack is not running. "
            "Start it with `make up`, or take both from the project's settings (API keys) on Supabase."
        )
    service_key = settings.supabase_service_key
    with httpx.Client(base_url=f"{settings.supabase_url.rstrip('/')}/rest/v1", timeout=_TIMEOUT_SECONDS) as client:
        smoke = _Smoke(client, settings.supabase_anon_key, service_key.get_secret_value() if service_key else None)
        return list(smoke.run())


class _Smoke:
    def __init__(self, client: httpx.Client, anon_key: str, service_key: str | None) -> None:
        self._client = client
        self._anon_key = anon_key
        self._service_key = service_key
        self._event_id: int | None = None

    def run(self) -> Iterator[Check]:
        """Every check; the names are what a reader of the table should know to be true."""
        checks: dict[str, Callable[[], str]] = {
            "anon reads event_live": self._anon_reads_event_live,
            "anon reads aggregated_analytics": self._anon_reads_aggregates,
            "anon calls functions": self._anon_calls_functions,
            "answers say for how long they may be kept": self._says_for_how_long,
            "the newest capture is fresh": self._is_fresh,
            "anon reads no listings": lambda: self._is_refused("/listings_live"),
            "anon reads no operations": lambda: self._is_refused("/pipeline_health"),
            "anon writes nothing": self._anon_writes_nothing,
            "forged tokens are refused": self._forged_tokens_are_refused,
            "other schemas are not served": self._other_schemas_are_not_served,
            "the service key reads operations": self._service_reads_operations,
            "builds keep up with captures": self._builds_keep_up,
        }
        for name, check in checks.items():
            try:
                yield Check(name, State.OK, check())
            except _FailedError as failed:
                yield Check(name, State.FAILED, str(failed), failed.remedy)
            except _SkippedError as skipped:
                yield Check(name, State.SKIPPED, str(skipped))
            except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
                found = f"{type(error).__name__}: {error}"
                yield Check(name, State.FAILED, found, "see that SUPABASE_URL is the API's address without /rest/v1")

    def _anon_reads_event_live(self) -> str:
        rows = self._rows("/event_live", {"select": "event_id,captured_at", "order": "captured_at.desc", "limit": "1"})
        self._event_id = rows[0]["event_id"]
        return f"event {self._event_id}, captured {rows[0]['captured_at']}"

    def _anon_reads_aggregates(self) -> str:
        rows = self._rows(
            "/aggregated_analytics", {"select": "event_id,hour,captures", "order": "hour.desc", "limit": "1"}
        )
        return f"{rows[0]['captures']} captures in the hour {rows[0]['hour']}"

    def _anon_calls_functions(self) -> str:
        if self._event_id is None:
            raise _SkippedError("no event to ask for")
        calls = {
            "event_summary": {"event_id": str(self._event_id)},
            "price_history": {"event_id": str(self._event_id), "granularity": "day"},
            # Reads the book itself, by a function with its owner's rights.
            "cheapest_by_zone": {"event_id": str(self._event_id)},
        }
        for function, arguments in calls.items():
            self._rows(f"/rpc/{function}", arguments, may_be_empty=True)
        return ", ".join(calls)

    def _says_for_how_long(self) -> str:
        kept: str = self._ask("/events", {"limit": "1"}).headers.get("Cache-Control", "")
        if "max-age=" not in kept:
            remedy = "let PostgREST call gateway.before_request (docs/SUPABASE_SETUP.md, step 4)"
            raise _FailedError(f"Cache-Control of /events: {kept or 'none'}", remedy)
        return kept

    def _is_fresh(self) -> str:
        rows = self._rows(
            "/event_live",
            {
                "select": "captured_at,interval_seconds",
                "is_tracked": "is.true",
                "or": f"(starts_at.is.null,starts_at.gt.{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ})",
                "order": "captured_at.desc",
                "limit": "1",
            },
            remedy="no event that is still to come is tracked and captured: `ticketmarts track list` shows which are",
        )
        age_seconds = (datetime.now(UTC) - datetime.fromisoformat(rows[0]["captured_at"])).total_seconds()
        found = f"{age_seconds / 60:,.0f} minutes old, at an interval of {rows[0]['interval_seconds'] / 60:g}"
        if age_seconds > INTERVALS_OF_GRACE * rows[0]["interval_seconds"]:
            remedy = "see in Dagster whether the schedule every_interval is on and what its last round says"
            raise _FailedError(found, remedy)
        return found

    def _anon_writes_nothing(self) -> str:
        for method, path in (("PATCH", "/events"), ("DELETE", "/events"), ("DELETE", "/aggregated_analytics")):
            answer = self._ask(path, _NO_EVENT, method=method, body={"event_id": -1} if method == "PATCH" else None)
            if not (answer.status_code in _REFUSALS or _code(answer) in {_NO_PRIVILEGE, _NOT_UPDATABLE}):
                raise _FailedError(f"{method} {path}: {_said(answer)}", _GRANTS)
        return "PATCH and DELETE are refused"

    def _forged_tokens_are_refused(self) -> str:
        claims = {"role": "service_role", "iss": "supabase", "exp": int(time.time()) + 600}
        forged = {
            "signed by somebody else": jwt.encode(claims, secrets.token_hex(32), algorithm="HS256"),
            "not signed (alg none)": jwt.encode(claims, "", algorithm="none"),
        }
        for what, token in forged.items():
            answer = self._ask("/pipeline_health", {"limit": "1"}, headers={"Authorization": f"Bearer {token}"})
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                remedy = "do not use this project: change its JWT secret, and see what checks tokens before PostgREST"
                raise _FailedError(f"a token {what}: {_said(answer)}", remedy)
        return ", ".join(forged)

    def _other_schemas_are_not_served(self) -> str:
        for schema in OTHER_SCHEMAS:
            answer = self._ask("/event_latest", {"limit": "1"}, headers={"Accept-Profile": schema})
            if _code(answer) != _NO_SUCH_SCHEMA:
                remedy = f"take {schema} out of the exposed schemas (project settings, Data API)"
                raise _FailedError(f"{schema}: {_said(answer)}", remedy)
        return ", ".join(OTHER_SCHEMAS)

    def _service_reads_operations(self) -> str:
        rows = self._rows(
            "/pipeline_health",
            {"select": "event_id,is_tracked", "is_tracked": "is.true", "limit": "1000"},
            key=self._require_service_key(),
            may_be_empty=True,
        )
        return f"{len(rows)} events are tracked" if len(rows) < 1000 else "1,000 events or more are tracked"  # noqa: PLR2004

    def _builds_keep_up(self) -> str:
        query = {
            "select": "stale_since_at,interval_seconds",
            "stale_since_at": "not.is.null",
            "order": "stale_since_at",
            "limit": "1",
        }
        rows = self._rows("/pipeline_health", query, key=self._require_service_key(), may_be_empty=True)
        if not rows:
            return "nothing waits to be rolled up"
        waiting_seconds = (datetime.now(UTC) - datetime.fromisoformat(rows[0]["stale_since_at"])).total_seconds()
        found = f"an hour has waited {waiting_seconds / 60:,.0f} minutes to be rolled up"
        if waiting_seconds > INTERVALS_OF_GRACE * rows[0]["interval_seconds"]:
            raise _FailedError(found, "run `ticketmarts build` and see what it says; Dagster's last round says it, too")
        return found

    def _is_refused(self, path: str) -> str:
        answer = self._ask(path, {"limit": "1"})
        if answer.status_code not in _REFUSALS or _code(answer) != _NO_PRIVILEGE:
            raise _FailedError(_said(answer), _GRANTS)
        return f"refused ({answer.status_code})"

    def _require_service_key(self) -> str:
        if self._service_key is None:
            raise _SkippedError("SUPABASE_SERVICE_KEY is not set")
        return self._service_key

    def _rows(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        key: str | None = None,
        may_be_empty: bool = False,
        remedy: str = _BUILD,
    ) -> list[dict[str, Any]]:
        answer = self._ask(path, query, key=key)
        if answer.status_code == httpx.codes.UNAUTHORIZED and _code(answer) != _NO_PRIVILEGE:
            raise _FailedError(_said(answer), "the key is not this project's: take both from its settings (API keys)")
        if answer.status_code != httpx.codes.OK:
            raise _FailedError(f"{path}: {_said(answer)}", remedy)
        rows: list[dict[str, Any]] = answer.json()
        if not rows and not may_be_empty:
            raise _FailedError(f"{path}: no rows", remedy)
        return rows

    def _ask(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        key: str | None = None,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        apikey = key or self._anon_key
        # A key that is a token says its role to a PostgREST without a gateway, too; the newer ones are none.
        bearer = {"Authorization": f"Bearer {apikey}"} if apikey.count(".") == 2 else {}  # noqa: PLR2004
        return self._client.request(
            method,
            path,
            params=query,
            json=body,
            headers={"Cache-Control": "no-cache", "apikey": apikey, **bearer, **(headers or {})},
        )


def _code(answer: httpx.Response) -> str | None:
    """The error code of an answer, where it has one."""
    try:
        return str(answer.json()["code"])
    except (ValueError, LookupError, TypeError):
        return None


def _said(answer: httpx.Response) -> str:
    """An answer in a few words."""
    try:
        body = answer.json()
        text = body["message"] if isinstance(body, dict) and "message" in body else f"{len(body)} rows"
    except (ValueError, TypeError):
        text = answer.text[:80].strip()
    return f"{answer.status_code} {text}".strip()
