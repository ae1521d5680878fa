"""What must be true of ``raw`` at every instant, asked of the tables as they are.

What belongs here: the invariants, and saying legibly what breaks them. What does not: what was captured
(``comparison``). Nothing of ``ingestion.codec`` decodes here: deltas are replayed on dictionaries, as the migration
explains them; only the hash of a book is the codec's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeAlias

import psycopg
from psycopg.rows import namedtuple_row

from ingestion.codec.book import BookError, build_book
from ingestion.database import connect

_MOST_TOLD = 10
_ARRAYS = (
    "listing_key, quantity, price_cents, all_in_cents, source_listing_id, placement_id, terms_id, seat_low, seat_high"
)
BROKEN_IN_SQL = {
    "the head is not the newest capture": """
        select event_id, h.captured_at as head_at, s.captured_at as newest_at, h.content_hash, s.content_hash,
            h.listing_count, s.listing_count
        from raw.heads as h
        full join (
            select distinct on (event_id) event_id, captured_at, content_hash, listing_count from raw.snapshots
            order by event_id, captured_at desc
        ) as s using (event_id)
        where (h.captured_at, h.content_hash, h.listing_count)
            is distinct from (s.captured_at, s.content_hash, s.listing_count)
            and not (
                s.captured_at is null
                and exists (
                    select from raw.dropped_captures as d
                    where d.event_id = h.event_id and d.dropped_until_at = h.captured_at
                )
            )
    """,
    "the head does not know its newest keyframe, or the changes since": """
        select h.event_id, h.keyframe_at, k.newest_at, h.changes_since_keyframe, c.changes
        from raw.heads as h
        cross join lateral (
            select max(k.captured_at) as newest_at from raw.keyframes as k where k.event_id = h.event_id
        ) as k
        cross join lateral (
            select coalesce(sum(s.change_count), 0) as changes from raw.snapshots as s
            where s.event_id = h.event_id and s.captured_at > k.newest_at
        ) as c
        where (h.keyframe_at, h.changes_since_keyframe) is distinct from (k.newest_at, c.changes)
            and exists (select from raw.snapshots as s where s.event_id = h.event_id)
    """,
    "a listing key was used that the head would give again": """
        select h.event_id, h.next_listing_key, max(l.listing_key)
        from raw.heads as h
        inner join raw.snapshots as s using (event_id) cross join unnest(s.listing_key) as l (listing_key)
        group by h.event_id, h.next_listing_key having max(l.listing_key) >= h.next_listing_key
    """,
    "a capture's hour is not in the ledger, or one without captures is": """
        select event_id, hour_at, s.captured_at, l.mark
        from (
            select event_id, date_trunc('hour', captured_at, 'UTC') as hour_at, min(captured_at) as captured_at
            from raw.snapshots group by 1, 2
        ) as s full join raw.stale_hours as l using (event_id, hour_at)
        where s.captured_at is null or l.mark is null
    """,
    "a capture has no place in the feed, or a place has no capture": """
        select event_id, captured_at, l.load_number
        from raw.snapshots as s full join raw.loads as l using (event_id, captured_at)
        where s.listing_count is null or l.load_number is null
    """,
    "a placement is referred to that is not there": """
        select distinct p.placement_id
        from (
            select placement_id from raw.snapshots union all select placement_id from raw.keyframes
        ) as s cross join unnest(s.placement_id) as p (placement_id)
        where not exists (select from raw.placements as r where r.placement_id = p.placement_id)
    """,
    "terms are referred to that are not there": """
        select distinct t.terms_id
        from (select terms_id from raw.snapshots union all select terms_id from raw.keyframes) as s
        cross join unnest(s.terms_id) as t (terms_id)
        where not exists (select from raw.terms as r where r.terms_id = t.terms_id)
    """,
    "the first capture of a UTC day has no keyframe": """
        select event_id, s.captured_at
        from (
            select event_id, min(captured_at) as captured_at from raw.snapshots
            group by event_id, date_trunc('day', captured_at, 'UTC')
        ) as s left join raw.keyframes as k using (event_id, captured_at)
        where k.listing_key is null
    """,
    "a keyframe is of no capture": """
        select event_id, k.captured_at
        from raw.keyframes as k left join raw.snapshots as s using (event_id, captured_at)
        where s.content_hash is null
    """,
    "a capture is more than three books of changes away from its keyframe": """
        with of_keyframe as (
            select s.*, k.event_id is not null as is_keyframe,
                count(k.event_id) over (partition by s.event_id order by s.captured_at) as keyframe_number
            from raw.snapshots as s left join raw.keyframes as k
                on s.event_id = k.event_id and s.captured_at = k.captured_at
        ),
        away as (
            select event_id, captured_at, listing_count, keyframe_number,
                sum(change_count) filter (where not is_keyframe)
                    over (partition by event_id, keyframe_number order by captured_at) as changes
            from of_keyframe
        )
        select event_id, captured_at, listing_count, changes from away
        where keyframe_number = 0 or changes > 3 * greatest(listing_count, 32)
    """,
}


class _Listing(NamedTuple):
    source_listing_id: str
    placement_id: int
    terms_id: int
    seat_low: str | None
    seat_high: str | None
    quantity: int
    price_cents: int
    all_in_cents: int


_State: TypeAlias = dict[int, _Listing]


def broken_invariants(database_url: str) -> list[str]:
    """What is not as it must be, a line each; all of it is of one instant of the database."""
    with connect(database_url) as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        return broken_invariants_in(connection)


def broken_invariants_in(connection: psycopg.Connection[Any]) -> list[str]:
    """The same of what a connection sees."""
    found: list[str] = []
    for what, statement in BROKEN_IN_SQL.items():
        found += [f"{what}: {row}" for row in connection.execute(statement.encode()).fetchall()]
    found += _broken_captures(connection)
    return found if len(found) <= _MOST_TOLD else [*found[:_MOST_TOLD], f"… and {len(found) - _MOST_TOLD} more"]


def failures_and_quarantine(database_url: str) -> list[str]:
    """What is said to have failed, or not to be trusted."""
    with connect(database_url) as connection:
        return [
            f"{table}: {row}"
            for table in ("scrape_failures", "quarantine")
            for row in connection.execute(f"select * from raw.{table} limit 5".encode()).fetchall()
        ]


def _broken_captures(connection: psycopg.Connection[Any]) -> Iterator[str]:
    rows = _rows(connection, f"select event_id, captured_at, {_ARRAYS} from raw.keyframes")
    keyframes = {(row.event_id, row.captured_at): row for row in rows}
    figures = "event_id, captured_at, content_hash, listing_count, ticket_count, change_count"
    rows = _rows(connection, f"select {figures}, {_ARRAYS} from raw.snapshots order by event_id, captured_at")
    for event_id, captures in groupby(rows, key=attrgetter("event_id")):
        state: _State = {}
        for capture in captures:
            where = f"event {event_id} at {capture.captured_at}"
            yield from (f"{where}: {problem}" for problem in _apply(state, capture))
            yield from (f"{where}: {problem}" for problem in _wrong_figures(state, capture))
            keyframe = keyframes.get((event_id, capture.captured_at))
            if keyframe is not None:
                whole: _State = {}
                yield from (f"{where}, keyframe: {problem}" for problem in _apply(whole, keyframe))
                if whole != state:
                    yield f"{where}: the keyframe is another book than the deltas amount to"


def _rows(connection: psycopg.Connection[Any], statement: str) -> list[Any]:
    with connection.cursor(binary=True, row_factory=namedtuple_row) as cursor:
        return list(cursor.execute(statement.encode()))


def _apply(state: _State, row: Any) -> Iterator[str]:
    """Change ``state`` as a row's arrays say; yields what of that makes no sense."""
    new_count, valued_count = len(row.source_listing_id), len(row.quantity)
    if not (len(row.price_cents) == len(row.all_in_cents) == valued_count <= len(row.listing_key)):
        yield "the arrays of values are not of one length"
        return
    if not (len(row.placement_id) == len(row.terms_id) == new_count <= valued_count):
        yield "the arrays that describe new listings are not of one length"
        return
    seat_low, seat_high = row.seat_low or [None] * new_count, row.seat_high or [None] * new_count
    for n, key in enumerate(row.listing_key):
        if (key in state) is (n < new_count):
            problem = "new, and was there before" if key in state else "changed or gone, and was not there"
            yield f"listing key {key} is {problem}"
        elif n < new_count:
            fixed = (row.source_listing_id[n], row.placement_id[n], row.terms_id[n], seat_low[n], seat_high[n])
            state[key] = _Listing(*fixed, row.quantity[n], row.price_cents[n], row.all_in_cents[n])
        elif n < valued_count:
            state[key] = _Listing(*state[key][:5], row.quantity[n], row.price_cents[n], row.all_in_cents[n])
        else:
            del state[key]


def _wrong_figures(state: _State, capture: Any) -> Iterator[str]:
    figures = {
        "listing_count": (capture.listing_count, len(state)),
        "ticket_count": (capture.ticket_count, sum(listing.quantity for listing in state.values())),
        "change_count": (capture.change_count, len(capture.listing_key)),
        "content_hash": (capture.content_hash, _content_hash(tuple(sorted(state.values(), key=itemgetter(0))))),
    }
    yield from (f"{what} is {said}, decoded {found}" for what, (said, found) in figures.items() if said != found)


@lru_cache(maxsize=100_000)
def _content_hash(listings: tuple[_Listing, ...]) -> int | str:
    columns = zip(*listings, strict=True) if listings else ((),) * len(_Listing._fields)
    try:
        book, _ = build_book(**dict(zip(_Listing._fields, map(list, columns), strict=True)))
    except BookError as error:
        return str(error)
    return book.content_hash
