"""The local API keeps what a role may have until it is old or the marts are built anew; many are asked as one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from tests.integration.api.conftest import HAND_MADE, History
from tests.integration.api.serving import Api

pytestmark = pytest.mark.skipif("API_URL" in os.environ, reason="the local API's own")

CLIENTS = 8
_KEPT = {"Cache-Control": ""}
"""What other clients send: nothing that asks for a new answer."""


@pytest.fixture
def database(history: History) -> Iterator[psycopg.Connection]:
    """Where tests change what is served, without a build; nothing is kept before and after."""
    with psycopg.connect(history.database_url, autocommit=True) as connection:
        yield connection


@contextmanager
def _renamed(database: psycopg.Connection, event_id: int) -> Iterator[None]:
    rename = "update marts.dim_events set event_name = %s where event_id = %s"
    before = database.execute("select event_name from marts.dim_events where event_id = %s", (event_id,)).fetchone()
    assert before is not None
    database.execute(rename, ("Another name", event_id))
    try:
        yield
    finally:
        database.execute(rename, (before[0], event_id))
        database.execute("notify ticketmarts_built")


def _ask(api: Api, path: str, role: str = "anon", **headers: str) -> httpx.Response:
    answer = api.ask(path, role=role, headers={**_KEPT, **headers})
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer


def _until_it_says(api: Api, path: str, text: str) -> httpx.Response:
    deadline = time.monotonic() + 30
    while text not in (answer := _ask(api, path)).text:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)
    return answer


def test_an_answer_is_kept_until_the_marts_are_built_anew(api: Api, database: psycopg.Connection) -> None:
    path = f"/events?event_id=eq.{HAND_MADE}&select=event_id,event_name"
    first = _ask(api, path)
    with _renamed(database, HAND_MADE):
        again = _ask(api, path)
        assert (again.text, again.headers["ETag"]) == (first.text, first.headers["ETag"])
        assert {**again.headers, "age": "", "date": ""} == {**first.headers, "age": "", "date": ""}
        assert "Another name" in api.ask(path).text, "who wants a new one is given one"
        database.execute("notify ticketmarts_built")
        _until_it_says(api, path, "Another name")
    assert _until_it_says(api, path, "100%").text == first.text


@pytest.mark.parametrize(
    ("change", "undo", "rows"),
    [
        (
            "alter policy everybody_reads on marts.dim_events using (event_id < 0)",
            "alter policy everybody_reads on marts.dim_events using (true)",
            [],
        ),
        ("revoke select on marts.dim_events from anon", "grant select on marts.dim_events to anon", None),
    ],
    ids=["policy", "grant"],
)
def test_what_was_allowed_before_is_forgotten(
    api: Api, database: psycopg.Connection, change: str, undo: str, rows: list[Any] | None
) -> None:
    path = f"/events?event_id=eq.{HAND_MADE}&select=event_id"
    allowed = [{"event_id": HAND_MADE}]

    def until(expected: list[Any] | None) -> None:
        deadline = time.monotonic() + 30  # half of what an answer of events may be kept
        while (answer := api.ask(path, headers=_KEPT)).is_success != (expected is not None) or (
            expected is not None and answer.json() != expected
        ):
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.05)

    assert _ask(api, path).json() == allowed
    database.execute(change.encode())
    try:
        until(rows)
    finally:
        database.execute(undo.encode())
    until(allowed)


def test_an_answer_is_kept_no_longer_than_it_says(api: Api, database: psycopg.Connection, history: History) -> None:
    path = f"/event_live?event_id=eq.{history.event_ids[0]}&select=event_name"  # five seconds
    name = _ask(api, path).json()[0]["event_name"]
    with _renamed(database, history.event_ids[0]):
        assert _ask(api, path).json()[0]["event_name"] == name
        _until_it_says(api, path, "Another name")


def test_what_a_user_was_answered_is_given_to_others_of_the_role_and_to_nobody_else(
    api: Api, database: psycopg.Connection
) -> None:
    path, now = f"/events?event_id=eq.{HAND_MADE}&select=event_name", int(time.time())

    def ask(user: str, secret: str = api.secret, **claims: Any) -> httpx.Response:
        claims = {"role": "authenticated", "sub": user, "exp": now + 600, **claims}
        token = jwt.encode(claims, secret, algorithm="HS256")
        return api.ask(path, role="authenticated", token=token, headers=_KEPT)

    first = ask("one")
    assert first.status_code == httpx.codes.OK
    with _renamed(database, HAND_MADE):
        other = ask("another")
        assert (other.text, "Age" in other.headers) == (first.text, True)
        assert "Another name" in _ask(api, path, "service_role").text
        for refused in (ask("late", exp=now - 60), ask("forger", secret="0" * 64)):
            assert refused.status_code == httpx.codes.UNAUTHORIZED
        assert ask("owner", role="postgres").status_code != httpx.codes.OK
        without_key = httpx.get(f"{api.url}/rest/v1{path}", headers=_KEPT, trust_env=False)
        assert without_key.text != first.text


def test_forms_of_one_address_are_kept_apart(api: Api) -> None:
    path = f"/events?event_id=eq.{HAND_MADE}&select=event_id"
    for _ in range(2):
        assert _ask(api, path).json() == [{"event_id": HAND_MADE}]
        assert _ask(api, path, Accept="application/vnd.pgrst.object+json").json() == {"event_id": HAND_MADE}
        assert _ask(api, path, Accept="text/csv").text == f"event_id\n{HAND_MADE}"
        assert _ask(api, path, Prefer="count=exact").headers["Content-Range"] == "0-0/1"
        assert _ask(api, path, Origin="http://elsewhere").headers["Access-Control-Allow-Origin"]
        assert api.ask(path, headers={**_KEPT, "apikey": "nonsense"}).status_code == httpx.codes.UNAUTHORIZED


def test_of_many_who_ask_the_same_at_once_one_asks_the_database(api: Api, history: History) -> None:
    path = f"/aggregated_analytics?event_id=eq.{history.event_ids[1]}&limit=7"
    waiting = """
        select count(*) from pg_stat_activity
        where application_name = 'ticketmarts-api' and wait_event_type = 'Lock' and datname = current_database()
    """
    with (
        psycopg.connect(history.database_url) as locking,
        psycopg.connect(history.database_url, autocommit=True) as looking,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        locking.execute("lock table marts.event_hourly in access exclusive mode")
        answers = [clients.submit(_ask, api, path) for _ in range(CLIENTS)]
        deadline = time.monotonic() + 30
        while looking.execute(waiting).fetchone() == (0,):
            assert time.monotonic() < deadline
        time.sleep(0.5)  # for more of them to get there, if they do
        assert looking.execute(waiting).fetchone() == (1,)
        locking.rollback()
        assert len({answer.result().text for answer in answers}) == 1
    assert len(answers[0].result().json()) == 7
