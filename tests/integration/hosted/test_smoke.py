"""`ticketmarts smoke` against a served project: content where all is well, and failing where something is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion.database import Database
from ingestion.importing import import_recordings
from ingestion.settings import Settings, SettingsError, load_settings
from ingestion.tracking import track
from stack import ports, smoke
from stack.api import give_roles_passwords
from stack.keys import make_keys
from stack.smoke import State, run_checks
from tests.conftest import ApiServer, running_api
from tests.integration.hosted.conftest import PIPELINE_ROLES, HostedProject, migrated_project, oldest_version
from tests.integration.marts.markets import line, ticket
from tests.integration.marts.warehouse import DATABASE, Dbt

LOADER, TRANSFORMER, ORCHESTRATOR = PIPELINE_ROLES
EVENT_ID = 31
_PROGRAM = Path(sys.executable).parent / "ticketmarts"
_SCHEMA_IS_SEEN_SECONDS = 10


@dataclass(frozen=True)
class Served:
    """A project with an API over it."""

    project: HostedProject
    api: ApiServer

    def settings(self, **changed: Any) -> Settings:
        """What leads `smoke` to the API."""
        keys = self.api.keys
        own = {
            "supabase_url": self.api.url,
            "supabase_anon_key": keys.anon_key,
            "supabase_service_key": keys.service_key,
        }
        return load_settings(with_running_stack=False, dotenv=Path("none.env"), **{**own, **changed})

    def failed(self, **changed: Any) -> set[str]:
        """Names of the checks that fail."""
        return {check.name for check in run_checks(self.settings(**changed)) if check.state is State.FAILED}

    def sql(self, statement: str) -> list[Any]:
        """Whatever it takes."""
        with psycopg.connect(self.project.superuser_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module", autouse=True)
def _no_proxy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", ports.LOCALHOST)
        for name in ("SUPABASE_URL", "SUPABASE_ANON_KEY", "SUPABASE_SERVICE_KEY"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def project() -> Iterator[HostedProject]:
    """One is enough: what differs between versions is not to be seen from outside."""
    with migrated_project(oldest_version()) as made:
        yield made


@pytest.fixture(scope="module")
def served(project: HostedProject, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One event, captured a moment ago, built and served."""
    now = datetime.now(UTC)
    recording = tmp_path_factory.mktemp("recording") / "recording.jsonl"
    book = [ticket("VB1", "20.00", c="z1"), ticket("VB2", "30.00", c="z2")]
    cheaper = [ticket("VB1", "19.00", c="z1"), ticket("VB2", "30.00", c="z2")]
    lines = [line(EVENT_ID, now - timedelta(minutes=20), book), line(EVENT_ID, now, cheaper)]
    recording.write_text("".join(json.dumps(each) + "\n" for each in lines))
    with Database(project.url(LOADER)) as database:
        track(database.connection, [EVENT_ID], interval_seconds=1200)
        import_recordings(database, [recording], interval_seconds=1200)
    report = dbt.run(project.url(TRANSFORMER), "run")
    assert report.succeeded, report.messages[-5:]
    keys = make_keys()
    give_roles_passwords(project.server, keys)
    with running_api(project.server, DATABASE, keys) as api:
        yield Served(project, api)


def test_a_project_that_is_as_it_should_be_passes(served: Served, tmp_path: Path) -> None:
    keys = served.api.keys
    environment = {
        **os.environ,
        "TICKETMARTS_HOME": str(tmp_path),
        "SUPABASE_URL": served.api.url,
        "SUPABASE_ANON_KEY": keys.anon_key,
        "SUPABASE_SERVICE_KEY": keys.service_key,
    }

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [_PROGRAM, "smoke", *options]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=60)

    passed = run("--json")
    assert passed.returncode == 0, passed.stdout
    checks = json.loads(passed.stdout)
    assert {check["state"] for check in checks} == {"ok"}
    assert len({check["name"] for check in checks}) == 12
    assert keys.service_key not in passed.stdout + passed.stderr

    environment["SUPABASE_ANON_KEY"] = "wrong"
    failed = run()
    assert failed.returncode == 1
    assert "the key is not this project's" in failed.stdout
    assert "checks failed" in failed.stderr


def test_without_the_service_key_two_checks_are_skipped(served: Served) -> None:
    checks = run_checks(served.settings(supabase_service_key=None))
    assert [check.name for check in checks if check.state is not State.OK] == [
        "the service key reads operations",
        "builds keep up with captures",
    ]


_IS_TRACKED = f"""
    update raw.tracked_events set is_tracked = {{0}};
    update marts.dim_events set is_tracked = {{0}} where event_id = {EVENT_ID}
"""
_OPENED = "alter view public.{0} rename to kept; create {1} as select 1::bigint as event_id; grant all on {0} to anon"
_CLOSED = "drop {1} public.{0}; alter view public.kept rename to {0}"
_SILENT = """
    alter function gateway.keep_for rename to kept;
    create function gateway.keep_for(integer) returns void language sql as ''
"""
_BREAKS = {
    "grant gone": (
        "revoke select on public.event_live from anon",
        "grant select on public.event_live to anon",
        {"anon reads event_live", "the newest capture is fresh"},
    ),
    "policy changed": (
        "alter policy everybody_reads on marts.event_hourly to service_role",
        "alter policy everybody_reads on marts.event_hourly to anon, authenticated, service_role",
        {"anon reads aggregated_analytics"},
    ),
    "function below a function": (
        "revoke execute on function aggregates.prices_at from anon",
        "grant execute on function aggregates.prices_at to anon",
        {"anon calls functions"},
    ),
    "nobody says for how long": (
        _SILENT,
        "drop function gateway.keep_for; alter function gateway.kept rename to keep_for",
        {"answers say for how long they may be kept"},
    ),
    "stale": (
        "update marts.event_latest set captured_at = captured_at - interval '61 minutes'",
        "update marts.event_latest set captured_at = captured_at + interval '61 minutes'",
        {"the newest capture is fresh"},
    ),
    "nothing tracked": (
        _IS_TRACKED.format("false"),
        _IS_TRACKED.format("true"),
        {"the newest capture is fresh"},
    ),
    "listings for everybody": (
        _OPENED.format("listings_live", "view public.listings_live"),
        _CLOSED.format("listings_live", "view"),
        {"anon reads no listings"},
    ),
    "operations for everybody": (
        "alter view public.pipeline_health set (security_invoker = false); grant select on pipeline_health to anon",
        "alter view public.pipeline_health set (security_invoker = true); revoke select on pipeline_health from anon",
        # Whether a token is refused cannot be told from what everybody may read.
        {"anon reads no operations", "forged tokens are refused"},
    ),
    "operations for nobody": (
        "revoke select on public.pipeline_health from service_role",
        "grant select on public.pipeline_health to service_role",
        {"the service key reads operations", "builds keep up with captures"},
    ),
    "no builds": (
        f"insert into raw.stale_hours values ({EVENT_ID}, now(), default, now() - interval '61 minutes')",
        "delete from raw.stale_hours",
        {"builds keep up with captures"},
    ),
    "writable": (
        _OPENED.format("events", "table public.events"),
        _CLOSED.format("events", "table"),
        {"anon writes nothing", "anon calls functions"},
    ),
}


@pytest.mark.parametrize("what", _BREAKS)
def test_what_is_broken_is_found(served: Served, what: str) -> None:
    broken, mended, names = _BREAKS[what]
    served.sql(broken)
    try:
        # The local API, as PostgREST, hears of another schema a moment later.
        deadline = time.monotonic() + _SCHEMA_IS_SEEN_SECONDS
        while (failed := served.failed()) != names and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        served.sql(mended)
    assert failed == names
    deadline = time.monotonic() + _SCHEMA_IS_SEEN_SECONDS
    while served.failed() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert served.failed() == set()


def test_every_failure_says_what_to_do(served: Served) -> None:
    checks = run_checks(served.settings(supabase_url=f"http://{ports.LOCALHOST}:1"))
    failed = [check for check in checks if check.state is State.FAILED]
    assert len(failed) == 11  # without an event there is none to call functions for
    assert all(check.remedy and "ConnectError" in check.found for check in failed)


def test_a_token_that_should_be_refused_and_is_not(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the API took any signature: the check happens to sign with the right secret."""
    monkeypatch.setattr(smoke.secrets, "token_hex", lambda _: served.api.keys.jwt_secret)
    assert served.failed() == {"forged tokens are refused"}


def test_a_schema_that_is_served_and_should_not_be(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "OTHER_SCHEMAS", ("public",))
    assert served.failed() == {"other schemas are not served"}


def test_without_an_address_it_says_what_to_set(served: Served) -> None:
    with pytest.raises(SettingsError, match="SUPABASE_URL and SUPABASE_ANON_KEY"):
        run_checks(served.settings(supabase_anon_key=None))
