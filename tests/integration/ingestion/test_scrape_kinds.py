"""A round against a marketplace that does everything wrong: kinds, requests, quarantine, and the good ones unhurt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
import zstandard
from pydantic import SecretStr

from ingestion.circuit_breaker import OPENING_KINDS, CircuitBreaker
from ingestion.database import Database
from ingestion.failures import CaptureError, FailureKind
from ingestion.marketplace import ATTEMPTS, Marketplace
from ingestion.pacing import Pace
from ingestion.scraping import RoundReport, scrape_round
from ingestion.settings import Settings
from tests.integration.ingestion.marketplaces import Reply, ScriptedMarketplace, serving
from tests.unit.ingestion.bodies import changed, listings_body, ticket, tickets

RUN = UUID(int=7)
HTML = b"<!DOCTYPE html><title>Just a moment...</title>"
BUSY, DOWN = Reply(429, b"slow down"), Reply(500, b"oops")


def good(event_id: int) -> bytes:
    return listings_body(event_id=event_id)


# event: (replies, kind of failure or None, requests, whether the body is in quarantine)
SCRIPT: dict[int, tuple[list[Reply], FailureKind | None, int, bool]] = {
    1: ([Reply(body=good(1))], None, 1, False),
    2: ([BUSY, Reply(body=good(2))], None, 2, False),
    3: ([DOWN, BUSY, Reply(body=good(3))], None, 3, False),
    4: ([Reply(body=HTML)], FailureKind.BLOCKED, 1, True),
    5: ([Reply(403, HTML)], FailureKind.BLOCKED, 1, True),
    6: ([Reply(403, b"{}")], FailureKind.ACCESS_DENIED, 1, False),
    7: ([Reply(401, b"{}")], FailureKind.ACCESS_DENIED, 1, False),
    8: ([Reply(404, b"{}")], FailureKind.NOT_FOUND, 1, False),
    9: ([DOWN], FailureKind.SERVER_ERROR, ATTEMPTS, False),
    10: ([BUSY], FailureKind.RATE_LIMITED, ATTEMPTS, False),
    11: ([Reply(503, HTML)], FailureKind.SERVER_ERROR, ATTEMPTS, False),
    12: ([Reply(body=good(12), breaks_off=True)], FailureKind.CONNECTION, ATTEMPTS, False),
    13: ([Reply(302, headers={"location": "/"})], FailureKind.BAD_PAYLOAD, 1, False),
    14: ([Reply(body=b"\x00garbage\xff")], FailureKind.BAD_PAYLOAD, 1, True),
    15: ([Reply(body=good(15)[:-9])], FailureKind.BAD_PAYLOAD, 1, True),
    16: ([Reply(body=good(99))], FailureKind.WRONG_PRODUCTION, 1, True),
    17: ([Reply(body=listings_body(event_id=17, listingCount="833"))], FailureKind.COUNT_MISMATCH, 1, True),
    18: ([Reply(body=listings_body([], event_id=18, listingCount="5"))], FailureKind.EMPTY_UNEXPECTED, 1, True),
    19: ([Reply(body=changed(good(19), i18n={"to": "CAD"}))], FailureKind.WRONG_CURRENCY, 1, True),
}


@pytest.fixture
def scripted() -> ScriptedMarketplace:
    return ScriptedMarketplace()


def scrape(
    scripted: ScriptedMarketplace,
    settings_for: Callable[[str], Settings],
    database: Database,
    event_ids: Iterable[int] | None = None,
) -> RoundReport:
    wanted = scripted.events if event_ids is None else event_ids
    with serving(scripted.app) as url:
        return scrape_round(settings_for(url), database, dict.fromkeys(wanted, 600), run_id=RUN)


def test_every_failure_is_of_its_kind_and_hurts_nobody_else(
    scripted: ScriptedMarketplace, settings_for: Callable[[str], Settings], database: Database
) -> None:
    for event_id, (replies, *_) in SCRIPT.items():
        scripted.set_replies(event_id, *replies)
    # Three that turn us away in one round would open the circuit breaker: each has a round of its own.
    turned_away = [event_id for event_id, (_, kind, *_) in SCRIPT.items() if kind in OPENING_KINDS]
    alone = [scrape(scripted, settings_for, database, [event_id]) for event_id in turned_away]
    report = scrape(scripted, settings_for, database, SCRIPT.keys() - set(turned_away))
    failed_events = {k: v for each in (*alone, report) for k, v in each.loaded.failed_events.items()}

    failures = {
        event_id: row
        for event_id, *row in database.connection.execute(
            "select event_id, kind, http_status, body_bytes, run_id from raw.scrape_failures where not was_retried"
        ).fetchall()
    }
    quarantined = {
        event_id: (item, kind, reason, zstandard.decompress(content), run_id)
        for event_id, item, kind, reason, content, run_id in database.connection.execute(
            "select event_id, item, kind, reason, content, run_id from raw.quarantine"
        ).fetchall()
    }
    captured = {
        event_id for (event_id,) in database.connection.execute("select event_id from raw.snapshots").fetchall()
    }
    for event_id, (replies, kind, requests, is_kept) in SCRIPT.items():
        last = replies[-1]
        assert scripted.requests[event_id] == requests, event_id
        assert (event_id in captured) == (kind is None)
        assert (event_id in failures) == (kind is not None)
        assert (event_id in quarantined) == is_kept
        if kind is not None:
            # Of a transient failure there is no body to count, of a broken connection no status either.
            status = None if kind is FailureKind.CONNECTION else last.status
            size = None if kind.is_transient else len(last.body)
            assert failures[event_id] == [kind, status, size, RUN]
        if is_kept:
            item, its_kind, reason, content, run_id = quarantined[event_id]
            assert (item, its_kind, content, run_id) == ("body", kind, last.body, RUN)
            assert failed_events[event_id] == f"{kind}: {reason}"
    asked = len(SCRIPT) - len(turned_away)
    assert (report.event_count, report.captured_count) == (asked, 3)
    assert report.loaded.failure_count == asked - 3
    assert report.failed_share == pytest.approx((asked - 3) / asked)
    assert [each.failed_share for each in alone] == [1.0] * len(turned_away)
    retried = database.connection.execute(
        "select event_id, array_agg(kind order by attempted_at) from raw.scrape_failures where was_retried group by 1"
    )
    assert dict(retried.fetchall()) == {
        2: ["rate_limited"],
        3: ["server_error", "rate_limited"],
        9: ["server_error"] * 2,
        10: ["rate_limited"] * 2,
        11: ["server_error"] * 2,
        12: ["connection"] * 2,
    }
    assert report.loaded.retried.total() == 11


def test_single_tickets_go_to_quarantine_and_the_rest_is_captured(
    scripted: ScriptedMarketplace, settings_for: Callable[[str], Settings], database: Database
) -> None:
    listed = [*tickets(2), ticket(i="bad", p="NaN"), {"i": "worse", "p": {}}]
    scripted.set_replies(7, Reply(body=listings_body(listed, event_id=7)))
    report = scrape(scripted, settings_for, database)
    rows = database.connection.execute(
        "select item, kind, reason, content from raw.quarantine order by item"
    ).fetchall()
    assert [(item, kind) for item, kind, _, _ in rows] == [("ticket 2", "bad_payload"), ("ticket 3", "bad_payload")]
    assert [reason for _, _, reason, _ in rows] == [
        "'NaN' is no price",
        "Expected `bool | int | float | str | null`, got `object` - at `$.p`",
    ]
    assert [zstandard.decompress(content) for *_, content in rows][1] == b'{"i":"worse","p":{}}'
    snapshot = database.connection.execute(
        "select listing_count, rejected_count, http_status, run_id from raw.snapshots"
    )
    assert snapshot.fetchall() == [(2, 2, 200, RUN)]
    assert report.loaded.rejected_tickets == 2


def test_what_is_asked(
    scripted: ScriptedMarketplace, settings_for: Callable[[str], Settings], database: Database
) -> None:
    scripted.set_replies(7, Reply(body=good(7), delay_seconds=0.2))
    with serving(scripted.app) as url:
        settings = settings_for(url + "/").model_copy(update={"marketplace_headers": {"Authorization": "Bearer x"}})
        scrape_round(settings, database, {7: 600})
    assert scripted.queries == [{"productionId": "7", "currency": "USD", "localizeCurrency": "false"}]
    assert scripted.headers[0]["authorization"] == "Bearer x"
    assert scripted.headers[0]["user-agent"].startswith("ticketmarts/")
    (fetch_ms,) = database.connection.execute("select fetch_ms from raw.snapshots").fetchone() or (None,)
    assert fetch_ms is not None
    assert 200 <= fetch_ms < 5000


@pytest.mark.parametrize(
    ("more", "authorization", "user_agent"),
    [
        ({}, None, "ticketmarts/"),
        ({"marketplace_token": SecretStr("x")}, "Bearer x", "ticketmarts/"),
        ({"marketplace_headers": {"User-Agent": "data team of example.org"}}, None, "data team of example.org"),
        (
            {"marketplace_token": SecretStr("x"), "marketplace_headers": {"AUTHORIZATION": "Token y"}},
            "Token y",
            "ticketmarts/",
        ),
    ],
)
def test_who_asks(
    scripted: ScriptedMarketplace,
    settings_for: Callable[[str], Settings],
    database: Database,
    *,
    more: dict[str, Any],
    authorization: str | None,
    user_agent: str,
) -> None:
    scripted.set_replies(7, Reply(body=good(7)))
    with serving(scripted.app) as url:
        scrape_round(settings_for(url).model_copy(update=more), database, {7: 600})
    assert scripted.headers[0].get("authorization") == authorization
    assert scripted.headers[0]["user-agent"].startswith(user_agent)
    assert {"gzip", "zstd"} <= set(scripted.headers[0]["accept-encoding"].split(", "))


def test_the_time_of_a_fetch_is_that_of_the_request_that_was_answered(
    scripted: ScriptedMarketplace, settings_for: Callable[[str], Settings], database: Database
) -> None:
    scripted.set_replies(7, Reply(500, delay_seconds=0.5), Reply(body=good(7)))
    scrape(scripted, settings_for, database)
    assert database.connection.execute("select fetch_ms < 500 from raw.snapshots").fetchall() == [(True,)]


def test_an_answer_that_does_not_come_is_waited_for_and_asked_for_again(scripted: ScriptedMarketplace) -> None:
    scripted.set_replies(7, Reply(body=good(7), delay_seconds=0.5))

    async def ask(url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=0.1) as client:
            await Marketplace(client, Pace(1000), CircuitBreaker("here", None, datetime.now(UTC))).fetch_listings(7)

    with serving(scripted.app) as url, pytest.raises(CaptureError) as raised:
        asyncio.run(ask(url))
    assert raised.value.kind is FailureKind.TIMEOUT
    assert scripted.requests[7] == ATTEMPTS


def test_a_round_of_many_events_is_stored_in_several_batches(
    scripted: ScriptedMarketplace, settings_for: Callable[[str], Settings], database: Database
) -> None:
    for event_id in range(1, 151):
        scripted.set_replies(event_id, Reply(body=good(event_id)))
    heard: list[int] = []
    with serving(scripted.app) as url:
        report = scrape_round(
            settings_for(url), database, dict.fromkeys(scripted.events, 300), on_progress=heard.append
        )
    assert heard == [64, 64, 22]
    assert report.loaded.snapshots.written == 150
    assert database.connection.execute("select count(*), min(interval_seconds) from raw.snapshots").fetchall() == [
        (150, 300)
    ]
