"""A served history: three events of the sandbox up to an hour ago, a book made by hand, an event never captured.

The API is the local one (API_SERVER says which server), unless API_URL names another: a hosted project's. Then API_KEY
is its anonymous key; API_SERVICE_KEY and API_JWT_SECRET, where they are set, let tests ask as the other roles; and
API_DATABASE_URL names its database, which must be one that nobody uses: the history is loaded there. Tests that need
what is not set are skipped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ingestion.database import Database
from ingestion.importing import import_recordings
from ingestion.settings import load_settings
from ingestion.tracking import save_production, track
from ingestion.wire_format.productions import parse_production
from orchestration.building import build_marts
from sandbox.catalogue import events_between
from sandbox.marketplace import InventedMarketplace
from sandbox.randomness import DEFAULT_SEED
from sandbox.recording import RecordingPlan, record
from stack.postgres_cluster import PostgresServer
from tests.conftest import ApiServer, migrated_database
from tests.integration.api.serving import Api
from tests.integration.marts.markets import line, ticket

INTERVAL_SECONDS = 1200
HAND_MADE = 77
"""An event with a book that tests know by heart."""
NEVER_CAPTURED = 78
FOLLOWED = (81, 82, 83)
"""Events that are known, and captured by the tests of the feed alone."""


@dataclass(frozen=True)
class History:
    """What is served, and a way to ask PostgreSQL itself what is true."""

    database_url: str
    event_ids: tuple[int, ...]
    from_at: datetime
    to_at: datetime

    def truth(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows by SQL, with the owner's rights, as JSON writes their values."""
        with psycopg.connect(self.database_url, row_factory=dict_row, options="-c timezone=UTC") as connection:
            statement = f"select to_jsonb(truth) as row from ({query}) as truth"
            return [row["row"] for row in connection.execute(statement.encode(), parameters)]


@pytest.fixture(scope="package")
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """One database for all modules here: making the history takes longest."""
    if "API_URL" in os.environ:
        yield _database_elsewhere()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with migrated_database(server) as url:
        yield url


def _database_elsewhere() -> str:
    url = os.environ.get("API_DATABASE_URL") or pytest.skip("API_DATABASE_URL is not set: no history can be loaded")
    with psycopg.connect(url) as connection:
        others = connection.execute(
            "select count(*) from raw.tracked_events where event_id <> all(%s)", (_known_events(datetime.now(UTC)),)
        ).fetchone()
    if others != (0,):
        pytest.exit(
            "API_DATABASE_URL holds events of somebody: these tests write into it, and want a project of their own."
        )
    return url


def _known_events(to_at: datetime) -> list[int]:
    return [*_busy_events(to_at), HAND_MADE, NEVER_CAPTURED, *FOLLOWED]


def _busy_events(at: datetime) -> tuple[int, ...]:
    """Three of some hundred listings each, of which many change within hours, whatever the date of the test."""
    soon = events_between(at + timedelta(days=3), at + timedelta(days=9), at)
    busy = [event for event in soon if not event.is_parking and 450 <= event.peak_listings <= 700 and event.tempo > 0.8]
    return tuple(event.event_id for event in busy[:3])


@pytest.fixture(scope="package")
def history(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> History:
    """Thirty hours in marts."""
    to_at = datetime.now(UTC).replace(minute=40, second=0, microsecond=0) - timedelta(hours=1)
    from_at = to_at - timedelta(hours=30)
    marketplace = InventedMarketplace(DEFAULT_SEED)
    event_ids = _busy_events(to_at)
    recording = tmp_path_factory.mktemp("history") / "recording.jsonl"
    plan = RecordingPlan(event_ids, from_at, to_at, INTERVAL_SECONDS, DEFAULT_SEED)
    lines = [json.loads(text) for text in record(plan)] + _hand_made_lines(to_at)
    recording.write_text("".join(json.dumps(each) + "\n" for each in sorted(lines, key=lambda x: x["captured_at"])))
    with Database(database_url) as database:
        track(database.connection, _known_events(to_at), interval_seconds=INTERVAL_SECONDS)
        for event_id in event_ids:
            document = parse_production(event_id, marketplace.production(event_id, to_at).body)
            save_production(database.connection, event_id, document, to_at)
        save_production(
            database.connection, HAND_MADE, {"id": HAND_MADE, "name": "100% Ünïque_Event", "hidden": False}, from_at
        )
        import_recordings(database, [recording], interval_seconds=INTERVAL_SECONDS)
    build_marts(load_settings(with_running_stack=False, database_url=database_url))
    return History(database_url, event_ids, from_at, to_at)


def _hand_made_lines(to_at: datetime) -> list[dict[str, Any]]:
    """Two captures: prices 10 to 100, one far above, some with fees, two that can be a pair; then one is gone."""
    book = [
        ticket(f"VB{n}", f"{10 * n}.00", m="2" if n in {3, 5} else "1", c="z1" if n <= 4 else "z2", q=str(n))
        for n in range(1, 11)
    ]
    book[2]["aip"] = "36.50"
    book.append(ticket("VB99", "9999.00", m="1", c="z2", q="1"))
    cheaper = [{**each, "p": "45.00"} if each["i"] == "VB5" else each for each in book[1:]]
    return [
        line(HAND_MADE, to_at - timedelta(minutes=40), book),
        line(HAND_MADE, to_at - timedelta(minutes=20), cheaper),
    ]


@pytest.fixture(scope="module")
def api(request: pytest.FixtureRequest) -> Api:
    """The API: over the history, where it is ours."""
    if "API_URL" in os.environ:
        environment = os.environ
        secret = environment.get("API_JWT_SECRET")
        return Api(environment["API_URL"], environment["API_KEY"], environment.get("API_SERVICE_KEY"), secret)
    request.getfixturevalue("history")  # built before the API looks
    server: ApiServer = request.getfixturevalue("api_server")
    return Api(server.url, server.keys.anon_key, server.keys.service_key, server.keys.jwt_secret)
