"""One part of a round, for one of several workers; and the whole round's report, once all parts are done.

What belongs here: whose an event is, doing a part once however often it is handed out, and what raw says of a round.
What does not: how parts come to workers (``orchestration``), scraping (``scraping``) and the pace (``shared_pace``).

Workers hand nothing to each other but by way of raw, so none of it is lost with one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zlib import crc32

import psycopg

from ingestion.circuit_breaker import load_breaker
from ingestion.codec.capture import WriteResult
from ingestion.database import Database, connect
from ingestion.failures import FailureKind
from ingestion.loading import LoadResult
from ingestion.scraping import RoundReport, scrape_round
from ingestion.settings import Settings
from ingestion.tracking.cadence import Cadence
from ingestion.tracking.due import EventsToScrape, events_to_scrape
from ingestion.wire_format.known_keys import UnknownKey

_LOCK = "hashtext('ticketmarts.shard'), %s"


@dataclass(frozen=True)
class Round:
    """A round that is shared: whose captures its own are, and when it began, which says what is due in it."""

    run_id: UUID
    began_at: datetime


@dataclass(frozen=True)
class Shard:
    """One of ``count`` parts of the tracked events; ``number`` begins at 1."""

    number: int
    count: int

    def holds(self, event_id: int) -> bool:
        """Whether an event is in this part: by its id alone, so that whoever asks, and when, gets the same answer."""
        return crc32(event_id.to_bytes(8, "big")) % self.count == self.number - 1

    def concurrency(self, of_all: int) -> int:
        """This part's share of the requests that may be under way at the same time; all shares make ``of_all``."""
        return of_all // self.count + (self.number <= of_all % self.count)


def scrape_shard(settings: Settings, database: Database, cadence: Cadence, shard: Shard, of: Round) -> RoundReport:
    """Capture the shard's events that are due in the round and have no capture since it began.

    So what a worker had stored before it was lost is not asked for again. Handed out twice, the second waits for the
    first to end.

    Raises:
        As ``scrape_round``.
    """
    with _alone_on(shard, settings.require_database_url()):
        events = database.run(lambda connection: _events_of(connection, cadence, of))
        due = {event_id: interval for event_id, interval in events.due.items() if shard.holds(event_id)}
        share = {"scraper_max_concurrency": shard.concurrency(settings.scraper_max_concurrency)}
        return scrape_round(settings.model_copy(update=share), database, due, run_id=of.run_id)


def _events_of(connection: psycopg.Connection[Any], cadence: Cadence, of: Round) -> EventsToScrape:
    """What is due in the round and not captured yet."""
    return events_to_scrape(connection, cadence, of.began_at, clock_at=datetime.now(UTC))


@contextmanager
def _alone_on(shard: Shard, database_url: str) -> Iterator[None]:
    """Keep others off this shard for the length of the context: the lock goes with its session, however that ends."""
    with connect(database_url) as connection:
        # A machine that has gone without a word holds its lock for a minute, not for the system's two hours.
        connection.execute("set tcp_keepalives_idle = 30")
        connection.execute("set tcp_keepalives_interval = 10")
        connection.execute("set tcp_keepalives_count = 3")
        connection.execute(f"select pg_advisory_lock({_LOCK})".encode(), (shard.number,))
        yield


def read_report(
    connection: psycopg.Connection[Any], cadence: Cadence, marketplace: str, of: Round
) -> tuple[RoundReport, EventsToScrape]:
    """What all workers together have done in a round, read from raw; and the events that there are."""
    events = _events_of(connection, cadence, of)
    captured, loaded, seconds = _captures(connection, list(events.intervals), of)
    failed: set[int] = set()
    for event_id, kind, message in _failures(connection, of):
        if event_id not in captured:
            failed.add(event_id)
            loaded.failures[kind] += 1
            loaded.failed_events[event_id] = f"{kind}: {message}"
    skipped = events.due.keys() - captured - failed
    breaker = load_breaker(connection, marketplace, datetime.now(UTC))
    report = RoundReport(
        len(captured | failed | skipped), len(skipped), seconds, loaded, breaker.state if breaker.is_open else None
    )
    return report, events


def _captures(
    connection: psycopg.Connection[Any], event_ids: list[int], of: Round
) -> tuple[set[int], LoadResult, float]:
    rows = connection.execute(
        """
        select s.event_id, s.listing_count, s.change_count, s.rejected_count, coalesce(s.body_bytes, 0),
            s.http_status is not distinct from 304, s.captured_at, s.loaded_at
        from unnest(%s::bigint[]) as e (event_id)
        inner join raw.snapshots as s on e.event_id = s.event_id and s.captured_at >= %s
        where s.run_id = %s
        """,
        (event_ids, of.began_at, of.run_id),
    ).fetchall()
    retried = connection.execute(
        """
        select kind, count(*) from raw.scrape_failures
        where attempted_at >= %s and run_id = %s and was_retried group by kind
        """,
        (of.began_at, of.run_id),
    ).fetchall()
    new_keys = connection.execute(
        "select place, key, example from raw.schema_drift where first_seen_at >= %s order by place, key", (of.began_at,)
    ).fetchall()
    loaded = LoadResult(
        WriteResult(len(rows), 0, sum(row[1] for row in rows), sum(row[2] for row in rows)),
        retried=Counter({FailureKind(kind): count for kind, count in retried}),
        unchanged=sum(row[5] for row in rows),
        rejected_tickets=sum(row[3] for row in rows),
        body_bytes=sum(row[4] for row in rows),
        new_keys=[UnknownKey(*row) for row in new_keys],
    )
    seconds = (max(row[7] for row in rows) - min(row[6] for row in rows)).total_seconds() if rows else 0.0
    return {row[0] for row in rows}, loaded, max(seconds, 0.0)


def _failures(connection: psycopg.Connection[Any], of: Round) -> list[tuple[int, FailureKind, str]]:
    """The last of each event's failures in the round, tries that were made again not among them."""
    rows = connection.execute(
        """
        select distinct on (event_id) event_id, kind, message from raw.scrape_failures
        where attempted_at >= %s and run_id = %s and not was_retried
        order by event_id, attempted_at desc
        """,
        (of.began_at, of.run_id),
    )
    return [(event_id, FailureKind(kind), message) for event_id, kind, message in rows]
