"""From the marketplace's answers to a browser's query: real history, real dbt, the real API, the real client.

Holds what clients rely on: the query that they have works as it stands, JSON is as PostgREST gives it, anon reads the
views of the API and nothing else, nobody writes, and a full refresh changes none of that.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from ingestion.database import Database, connect
from ingestion.importing import import_recordings
from ingestion.settings import load_settings
from ingestion.tracking import save_production, track
from ingestion.wire_format.productions import parse_production
from orchestration.building import build_marts
from sandbox.catalogue import featured_events
from sandbox.marketplace import InventedMarketplace
from sandbox.randomness import DEFAULT_SEED
from sandbox.recording import RecordingPlan, record
from stack.migrations import check_advisors
from stack.node import SUPABASE_FOLDER, node_environment, node_program
from tests.conftest import ApiServer

VIEWS = [
    "aggregated_analytics",
    "daily_analytics",
    "event_live",
    "events",
    "performers",
    "section_analytics",
    "zone_analytics",
]
"""What anon reads; views of other roles are held by tests/integration/api."""
TO_AT = datetime(2026, 3, 15, 3, 30, tzinfo=UTC)
FROM_AT = TO_AT - timedelta(hours=6)

# Between the markers stands the query as the clients have it, to the letter.
_CLIENT = """
import { createClient } from '@supabase/supabase-js'
const { URL, KEY, EVENT_ID, START_DATE, END_DATE } = process.env
const supabase = createClient(URL, KEY)
const eventId = Number(EVENT_ID), startDate = START_DATE, endDate = END_DATE
const { data, error } = await
supabase.from('aggregated_analytics').select('*').eq('event_id', eventId).gte('hour', startDate).lte('hour', endDate).order('hour', { ascending: true })
console.log(JSON.stringify({ data, error }))
"""  # noqa: E501


@pytest.fixture(scope="module")
def event_ids(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """Events with six hours of history in marts, over a UTC midnight."""
    marketplace = InventedMarketplace(DEFAULT_SEED)
    events = [event.event_id for event in featured_events(TO_AT, 3)]
    recording = tmp_path_factory.mktemp("history") / "recording.jsonl"
    recording.write_bytes(b"".join(record(RecordingPlan(tuple(events), FROM_AT, TO_AT, 600, DEFAULT_SEED))))
    with Database(database_url) as database:
        track(database.connection, events, interval_seconds=600)
        for event_id in events:
            document = parse_production(event_id, marketplace.production(event_id, TO_AT).body)
            save_production(database.connection, event_id, document, TO_AT)
        import_recordings(database, [recording], interval_seconds=600)
    _build(database_url)
    return events


@pytest.fixture(scope="module")
def served(api_server: ApiServer, event_ids: list[int]) -> ApiServer:  # noqa: ARG001  # built before asked
    """The API, once it has noticed the views: it looks for new ones about every second."""
    deadline = time.monotonic() + 30
    with api_server.client() as client:
        while not all(client.get(f"/{view}", params={"limit": 1}).is_success for view in VIEWS):
            assert time.monotonic() < deadline, "the API does not notice the views"
            time.sleep(0.1)
    return api_server


@pytest.fixture(scope="module")
def api(served: ApiServer) -> Iterator[httpx.Client]:
    """A client with the anonymous key."""
    with served.client() as client:
        yield client


def test_the_query_that_clients_have_works_to_the_letter(
    served: ApiServer, event_ids: list[int], database_url: str
) -> None:
    start, end = "2026-03-14T22:00:00Z", "2026-03-15T01:00:00Z"
    answer = _ask_with_supabase_js(served, event_ids[0], start, end)

    assert answer["error"] is None
    hours = answer["data"]
    assert [row["hour"] for row in hours] == [
        "2026-03-14T22:00:00+00:00",
        "2026-03-14T23:00:00+00:00",
        "2026-03-15T00:00:00+00:00",
        "2026-03-15T01:00:00+00:00",
    ]
    with psycopg.connect(database_url, row_factory=dict_row, options="-c timezone=UTC") as connection:
        stored = connection.execute(
            """
            select h.*, round(extract(epoch from e.starts_at - h.hour) / 86400, 2) as days_to_event
            from marts.event_hourly as h
            inner join marts.dim_events as e using (event_id)
            where h.event_id = %s and h.hour between %s and %s order by h.hour
            """,
            (event_ids[0], start, end),
        ).fetchall()
    assert stored[0]["days_to_event"] > 0
    for hour, row in zip(hours, stored, strict=True):
        assert hour == {**{name: _as_json(value) for name, value in row.items()}, "is_final": True}
    assert isinstance(hours[0]["price_median"], int | float)
    assert hours[0]["captures"] == 6


@pytest.mark.parametrize("view", VIEWS)
def test_anon_reads_each_view_and_counts_it(api: httpx.Client, view: str, database_url: str) -> None:
    answer = api.get(f"/{view}", params={"select": "*", "limit": 1}, headers={"Prefer": "count=exact"})
    assert answer.status_code == httpx.codes.PARTIAL_CONTENT
    with connect(database_url) as connection:
        (count,) = connection.execute(f"select count(*) from public.{view}").fetchone() or (0,)
    assert answer.headers["Content-Range"] == f"0-0/{count}"
    assert _key(view) in answer.json()[0]


def test_a_performer_leads_to_its_events(api: httpx.Client, event_ids: list[int]) -> None:
    found = api.get("/performers", params={"event_ids": f"cs.{{{event_ids[0]}}}", "order": "performer_id"}).json()
    assert found
    assert all(event_ids[0] in performer["event_ids"] for performer in found)
    assert {event_id for performer in found for event_id in performer["event_ids"]} <= set(event_ids)


def test_anon_reads_nothing_but_the_views(api: httpx.Client, database_url: str) -> None:
    assert _readable_by_anon(api, database_url) == VIEWS


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("verb", ["POST", "PATCH", "PUT", "DELETE"])
def test_nobody_writes(served: ApiServer, event_ids: list[int], database_url: str, view: str, verb: str) -> None:
    query = {_key(view): f"eq.{event_ids[0]}"} if verb != "POST" else {}
    before = _contents(database_url, view)
    for key in (served.keys.anon_key, served.keys.service_key):
        with served.client(key) as client:
            answer = client.request(verb, f"/{view}", params=query, json={_key(view): event_ids[0]})
        assert answer.is_client_error or answer.is_server_error, answer.text
        assert answer.json()["code"]
    assert _contents(database_url, view) == before


def test_a_full_refresh_changes_nothing_for_clients(
    api: httpx.Client, served: ApiServer, event_ids: list[int], database_url: str
) -> None:
    before = {view: _contents(database_url, view) for view in VIEWS}
    rights = _rights(database_url)

    _build(database_url, full_refresh=True)

    assert {view: _contents(database_url, view) for view in VIEWS} == before
    assert _rights(database_url) == rights
    assert _readable_by_anon(api, database_url) == VIEWS
    answer = _ask_with_supabase_js(served, event_ids[1], FROM_AT.isoformat(), TO_AT.isoformat())
    assert len(answer["data"]) == 6


def test_the_advisors_have_nothing_to_say(event_ids: list[int], database_url: str) -> None:
    assert event_ids
    check_advisors(database_url)


def _build(database_url: str, *, full_refresh: bool = False) -> None:
    build_marts(load_settings(with_running_stack=False, database_url=database_url), full_refresh=full_refresh)


def _ask_with_supabase_js(api_server: ApiServer, event_id: int, start: str, end: str) -> Any:
    wanted = {"EVENT_ID": str(event_id), "START_DATE": start, "END_DATE": end}
    asked = subprocess.run(
        [node_program(), "--input-type=module", "--eval", _CLIENT],
        cwd=SUPABASE_FOLDER,
        env={**node_environment(), "URL": api_server.url, "KEY": api_server.keys.anon_key, **wanted},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


def _as_json(value: Any) -> Any:
    """How PostgREST writes a value of PostgreSQL: numbers as numbers, instants in ISO 8601 with an offset."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        digits = f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""
        return f"{value:%Y-%m-%dT%H:%M:%S}{digits}+00:00"
    return value


def _readable_by_anon(api: httpx.Client, database_url: str) -> list[str]:
    """Of all relations of all our schemas, those that anon gets an answer from, whatever profile it names."""
    with connect(database_url) as connection:
        relations = connection.execute(
            """
            select n.nspname, c.relname from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
            where c.relkind in ('r', 'v', 'm', 'p', 'f') and n.nspname !~ '^(pg_|information_schema)'
                and not c.relispartition
            """
        ).fetchall()
    readable = set()
    for schema, name in relations:
        for profile in ({}, {"Accept-Profile": schema}):
            if api.get(f"/{name}", params={"limit": 1}, headers=profile).is_success:
                readable.add(name)
    return sorted(readable)


def _key(view: str) -> str:
    return "performer_id" if view == "performers" else "event_id"


def _contents(database_url: str, view: str) -> list[tuple[Any, ...]]:
    with connect(database_url) as connection:
        return connection.execute(f"select v::text from public.{view} as v order by 1").fetchall()


def _rights(database_url: str) -> list[tuple[Any, ...]]:
    """Grants, row-level security and policies of everything that a client's query touches."""
    with connect(database_url) as connection:
        return connection.execute(
            """
            select c.oid::regclass::text, c.relacl::text, c.relrowsecurity, c.reloptions::text, p.polname::text
            from pg_class as c left join pg_policy as p on p.polrelid = c.oid
            where c.relnamespace in ('public'::regnamespace, 'marts'::regnamespace) and c.relkind in ('r', 'v')
            order by 1
            """
        ).fetchall()
