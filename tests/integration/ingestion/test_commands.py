"""``ticketmarts track``, ``scrape``, ``snapshot`` and ``status`` as people and programs run them, on the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ingestion.snapshots import read_snapshot
from tests.integration.ingestion.conftest import Finished
from tests.integration.ingestion.marketplaces import RememberingSandbox, listings_of

Run = Callable[..., Finished]
UNKNOWN = 1
"""Nobody's id."""


def lines(output: bytes) -> list[Any]:
    return [json.loads(line) for line in output.splitlines()]


def newest_capture_at(connection: psycopg.Connection[Any], event_id: int) -> Any:
    return connection.execute("select captured_at from raw.heads where event_id = %s", (event_id,)).fetchall()[0][0]


def test_track_scrape_snapshot_and_status(
    ticketmarts: Run,
    sandbox: RememberingSandbox,
    sandbox_url: str,
    connection: psycopg.Connection[Any],
    event_ids: list[int],
) -> None:
    added = ticketmarts("track", "add", *event_ids, UNKNOWN, marketplace=sandbox_url)
    assert added.returncode == 1
    first, second = added.stderr.decode().splitlines()
    assert first == "tracking 4 more events, a capture every 10 minutes"
    assert second.startswith(
        f"event {UNKNOWN} is tracked, but the marketplace does not tell what it is: "
        "not_found: the marketplace answered with status 404: "
    )
    listed = json.loads(ticketmarts("track", "list", "--json").stdout)
    assert {event["event_id"] for event in listed} == {*event_ids, UNKNOWN}
    assert [event["starts_at"] for event in listed[:3]] == sorted(event["starts_at"] for event in listed[:3])
    assert (listed[3]["event_id"], listed[3]["name"], listed[3]["starts_at"]) == (UNKNOWN, None, None)
    assert [event["interval_seconds"] for event in listed] == [600] * 4

    scraped = ticketmarts("scrape", "--json", marketplace=sandbox_url)
    assert scraped.returncode == 0, scraped.stderr
    report = json.loads(scraped.stdout)
    assert (report["answers"], report["captured"], report["failures"]) == (4, 3, {"not_found": 1})
    failures = connection.execute("select event_id, kind, http_status from raw.scrape_failures").fetchall()
    assert failures == [(UNKNOWN, "not_found", 404)]
    seating = connection.execute("select event_id from raw.seating order by 1").fetchall()
    assert seating == [(event_id,) for event_id in sorted(event_ids)]

    for event_id in event_ids:
        (body,) = sandbox.served[event_id]
        captured_at = newest_capture_at(connection, event_id)
        expected = [{"captured_at": captured_at, **listing} for listing in listings_of(body)]
        assert read_snapshot(connection, event_id, captured_at + timedelta(seconds=1)) == expected
    printed = ticketmarts("snapshot", event_id, captured_at.isoformat())
    assert printed.returncode == 0
    assert lines(printed.stdout) == [{**row, "captured_at": captured_at.isoformat()} for row in expected]

    status = json.loads(ticketmarts("status", "--json").stdout)
    # The unknown one has never been captured, but was only tracked a moment ago.
    assert (status["events_tracked"], status["events_overdue"], status["captures_last_hour"]) == (4, 0, 3)
    assert (status["failures_last_hour"], status["stale_hours"]) == ({"not_found": 1}, 3)
    assert status["raw_bytes"] > 0

    removed = ticketmarts("track", "remove", event_ids[0], 999)
    assert (removed.returncode, removed.stderr) == (0, b"1 of 2 events are no longer tracked\n")
    table = ticketmarts("track", "list", COLUMNS="200").stdout.decode()
    assert str(event_ids[1]) in table
    assert str(event_ids[0]) not in table


def test_status_and_list_of_an_empty_database(ticketmarts: Run) -> None:
    status = ticketmarts("status", COLUMNS="200")
    assert status.returncode == 0
    for said in ("none yet", "events tracked", "waiting since", "none"):
        assert said in status.stdout.decode()
    assert b"`ticketmarts track add EVENT` starts" in ticketmarts("track", "list").stderr


def test_scraping_one_event_keeps_its_own_interval(
    ticketmarts: Run, sandbox_url: str, connection: psycopg.Connection[Any], event_ids: list[int]
) -> None:
    ticketmarts("track", "add", event_ids[0], marketplace=sandbox_url, SCRAPER_INTERVAL_MINUTES="20")
    scraped = ticketmarts("scrape", "--event", event_ids[0], "--event", event_ids[1], marketplace=sandbox_url)
    assert scraped.returncode == 0
    (last,) = scraped.stderr.decode().splitlines()[-1:]
    assert last.startswith("2 captures with ")
    assert dict(connection.execute("select event_id, interval_seconds from raw.snapshots").fetchall()) == {
        event_ids[0]: 1200,
        event_ids[1]: 600,
    }


def test_a_marketplace_that_is_down(ticketmarts: Run, connection: psycopg.Connection[Any]) -> None:
    scraped = ticketmarts("scrape", "--event", 7, "--event", 8)
    assert scraped.returncode == 1
    said = scraped.stderr.decode()
    assert "0 captures with 0 observations" in said
    assert "event 7: connection: no answer: ConnectError(" in said
    failures = connection.execute(
        "select event_id, kind, http_status from raw.scrape_failures where not was_retried order by 1"
    ).fetchall()
    assert failures == [(7, "connection", None), (8, "connection", None)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["snapshot", "7", "now"], "error: event 7 has never been captured"),
        (["import", "none.jsonl"], "error: there is no file none.jsonl"),
    ],
)
def test_what_fails_is_one_line_and_status_1(ticketmarts: Run, arguments: list[str], said: str) -> None:
    failed = ticketmarts(*arguments)
    assert failed.returncode == 1
    assert failed.stdout == b""
    assert failed.stderr.decode().startswith(said)
    assert len(failed.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": "postgresql://someone:secret@127.0.0.1:1/none"},
        {"MARKETPLACE_HEADERS": "authorization: secret"},
    ],
)
def test_wrong_settings_are_status_1_without_a_secret(ticketmarts: Run, variables: dict[str, str]) -> None:
    failed = ticketmarts("status", **variables)
    assert failed.returncode == 1
    said = failed.stderr.decode()
    assert said.startswith("error: ")
    assert "secret" not in said
    assert "unforeseen" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["snapshot", "7", "yesterday"],
        ["scrape", "--event", str(2**63)],
    ],
)
def test_wrong_use_is_status_2(ticketmarts: Run, arguments: list[str]) -> None:
    failed = ticketmarts(*arguments)
    assert (failed.returncode, failed.stdout) == (2, b"")
    assert b"Traceback" not in failed.stderr
