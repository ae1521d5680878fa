"""Does what was captured come back, value for value, by both of the ways in which it is read?

What belongs here: a sample of captures, read by ingestion's decoder and by the SQL functions, held against each other
and against the hash that was stored with the capture. What does not: proving the codec, which tests do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import psycopg

from ingestion.codec.book import NO_ALL_IN, Book
from ingestion.codec.capture import utc_hour
from ingestion.codec.content import Placement, Terms, placement_id, terms_id
from ingestion.codec.stored import read_books
from ingestion.health.result import CheckResult

NAME = "codec_round_trip"
CAPTURES_DRAWN = 3
"""A sample: at 10 ms a book it costs nothing, and in a day of rounds it comes to hundreds of captures."""

# Another sample every minute, the same within one: whoever looks at a failure can look again.
_SAMPLE = """
    with seed as (select floor(extract(epoch from now()) / 60)::bigint as seed),
    events as (
        select h.event_id, h.captured_at
        from raw.heads as h
        cross join seed
        where h.captured_at is not null
        order by h.captured_at < now() - interval '1 day', hashint8extended(h.event_id, seed.seed)
        limit %s
    )
    select s.event_id, s.captured_at, s.content_hash, s.listing_count, s.ticket_count
    from events as e
    cross join seed
    cross join lateral (
        select c.captured_at from raw.snapshots as c
        where c.event_id = e.event_id and c.captured_at > e.captured_at - interval '1 day'
            and c.captured_at <= e.captured_at
        order by hashint8extended(extract(epoch from c.captured_at)::bigint, seed.seed)
        limit 1
    ) as drawn
    inner join raw.snapshots as s on e.event_id = s.event_id and drawn.captured_at = s.captured_at
"""
_BY_SQL = """
    select
        l.source_listing_id, l.section, l.seat_row, l.zone_id, l.section_id, l.splits, l.delivery, l.notes,
        l.face_value_cents, l.seat_low, l.seat_high, l.quantity, l.price_cents, l.all_in_cents
    from raw.listings_at(%s, %s) as l
"""
_HOUR_BY_SQL = """
    with observed as (
        select o.captured_at, count(*) as listings, sum(o.quantity) as tickets
        from raw.observations(%(event_id)s, %(from_at)s, %(to_at)s) as o
        group by o.captured_at
    )
    select count(*)
    from raw.snapshots as s
    left join observed as o on s.captured_at = o.captured_at
    where
        s.event_id = %(event_id)s and s.captured_at >= %(from_at)s and s.captured_at < %(to_at)s
        and (s.listing_count, s.ticket_count) is distinct from (coalesce(o.listings, 0), coalesce(o.tickets, 0))
"""

_Listing = tuple[str, int, int, str | None, str | None, int, int, int]


def check_codec_round_trip(connection: psycopg.Connection[Any], captures: int = CAPTURES_DRAWN) -> CheckResult:
    """Read ``captures`` captures of as many events, drawn among those of their last day."""
    # One state of the database: a capture may be written anew meanwhile, when another is put before it.
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        sample = connection.execute(_SAMPLE, (captures,)).fetchall()
        problems = [
            f"event {event_id} at {captured_at.isoformat()}: {difference}"
            for event_id, captured_at, *stored in sample
            for difference in _differences(connection, event_id, captured_at, tuple(stored))
        ]
    return CheckResult(
        NAME,
        is_ok=not problems,
        summary=f"{len(sample)} captures read back by both ways, {len(problems)} differences"
        if sample
        else "there is no capture to read back",
        problems=tuple(problems),
        what_to_do="Stop scraping (ticketmarts down), keep a copy of the database, and compare `ticketmarts snapshot` "
        "of that event and instant with the captures around it: a disk, a restore, or the codec is at fault."
        if problems
        else "",
        figures={"captures_read": len(sample), "differences": len(problems)},
    )


def _differences(
    connection: psycopg.Connection[Any], event_id: int, captured_at: datetime, stored: tuple[int, int, int]
) -> Iterable[str]:
    read = read_books(connection, [(event_id, captured_at)]).get(event_id)
    if read is None:
        yield "no keyframe to read it from"
        return
    book = read.book
    if (book.content_hash, len(book), book.ticket_count) != stored:
        yield (
            f"hash, listings and tickets are {stored} in raw.snapshots, and "
            f"{(book.content_hash, len(book), book.ticket_count)} of the book that is read"
        )
    by_sql = {_listing(row) for row in connection.execute(_BY_SQL, (event_id, captured_at))}
    if by_sql != _listings(book):
        yield f"{len(by_sql ^ _listings(book))} listings differ between raw.listings_at and ingestion's decoder"
    hour_at = utc_hour(captured_at)
    hour = {"event_id": event_id, "from_at": hour_at, "to_at": hour_at + timedelta(hours=1)}
    (wrong,) = connection.execute(_HOUR_BY_SQL, hour).fetchone() or (0,)
    if wrong:
        yield f"{wrong} captures of its hour have other counts by raw.observations than in raw.snapshots"


def _listing(row: tuple[Any, ...]) -> _Listing:
    """A row of ``raw.listings_at``; what is shared goes by the name that its content gives it."""
    source_id, section, seat_row, zone_id, section_id, splits, delivery, notes, face_value, low, high, *rest = row
    quantity, price, all_in = rest
    return (
        source_id,
        placement_id(Placement(section, seat_row, zone_id, section_id)),
        terms_id(Terms(tuple(splits), delivery, notes, face_value)),
        low,
        high,
        quantity,
        price,
        NO_ALL_IN if all_in is None else all_in,
    )


def _listings(book: Book) -> set[_Listing]:
    return set(
        zip(
            book.source_listing_id.tolist(),
            book.placement_id.tolist(),
            book.terms_id.tolist(),
            book.seat_low.tolist(),
            book.seat_high.tolist(),
            book.quantity.tolist(),
            book.price_cents.tolist(),
            book.all_in_cents.tolist(),
            strict=True,
        )
    )
