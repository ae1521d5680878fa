"""Joins tickets in quarantine to the captures that they were left out of, with the parser as it is now.

What belongs here: which tickets join which captures, in one transaction a batch. What does not: what is stored of an
amended capture (``codec.amending``), which items are retried (``retrying``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from itertools import groupby
from typing import Any

import psycopg
import zstandard

from ingestion.codec.capture import Amendment
from ingestion.codec.heads import lock_known_heads
from ingestion.codec.writer import SnapshotWriter
from ingestion.quarantine.items import ItemKey, columns_of
from ingestion.side_tables import release
from ingestion.wire_format.listings import SingleTickets, parse_tickets

_Instant = tuple[int, datetime]


@dataclass
class Joining:
    """What became of a batch of tickets: the keys of those that have joined their captures, and why others have not."""

    joined: list[tuple[int, datetime, str]] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    amended_captures: int = 0


def join_tickets(connection: psycopg.Connection[Any], batch: Sequence[ItemKey], *, is_dry_run: bool) -> Joining:
    """Join the tickets of a batch that can be read now, and take them out of quarantine, in one transaction.

    A batch holds all tickets of a capture that are retried. A dry run changes nothing.

    Raises:
        ContentCollisionError, psycopg.Error: see ``SnapshotWriter.write``.
    """
    joining = Joining()
    # A dry run does it all and takes it back: what it says is what a retry would do.
    with connection.transaction(force_rollback=is_dry_run):
        lock_known_heads(connection, {key.event_id for key in batch})
        read = _read_tickets(connection, batch)  # with the lock held: another retry may have been here
        amendments = _amendments(connection, {instant: tickets for instant, (_, tickets) in read.items()})
        amended = SnapshotWriter(connection).amend(amendments)
        refused = {(r.event_id, r.captured_at, r.source_listing_id): r.reason for r in amended.refused}
        for instant, (items, tickets) in read.items():
            joining.rejected.update(tickets.reasons.values())
            for position, listing_id in tickets.listing_ids.items():
                reason = refused.get((*instant, listing_id))
                if reason is None:
                    joining.joined.append((*instant, items[position]))
                else:
                    joining.rejected[reason] += 1
        joining.amended_captures = len(amended.captures)
        release(connection, joining.joined)
    return joining


def _read_tickets(
    connection: psycopg.Connection[Any], batch: Sequence[ItemKey]
) -> dict[_Instant, tuple[list[str], SingleTickets]]:
    """For each capture the tickets that it has in quarantine, in their order in the body: their items, and they."""
    rows = connection.execute(
        """
        select q.event_id, q.captured_at, q.item, q.content
        from unnest(%s::bigint[], %s::timestamptz[], %s::text[]) with ordinality
            as w (event_id, captured_at, item, position)
        inner join raw.quarantine as q
            on w.event_id = q.event_id and w.captured_at = q.captured_at and w.item = q.item
        order by w.position
        """,
        (*columns_of((key.event_id, key.captured_at) for key in batch), [key.item for key in batch]),
    ).fetchall()
    read = {}
    for instant, of_capture in groupby(rows, key=lambda row: row[:2]):
        tickets = list(of_capture)
        contents = [zstandard.decompress(content) for *_, content in tickets]
        read[instant] = [item for _, _, item, _ in tickets], parse_tickets(contents)
    return read


def _amendments(connection: psycopg.Connection[Any], read: dict[_Instant, SingleTickets]) -> list[Amendment]:
    """What joins each capture, and those that were made of the same body because the marketplace sent no other."""
    readable = {instant: tickets for instant, tickets in read.items() if len(tickets.book)}
    rows = connection.execute(
        """
        select w.event_id, w.captured_at, same.captured_at
        from unnest(%s::bigint[], %s::timestamptz[]) as w (event_id, captured_at)
        inner join raw.snapshots as s on w.event_id = s.event_id and w.captured_at = s.captured_at
        left join lateral (
            select n.captured_at from raw.snapshots as n
            where
                n.event_id = s.event_id and n.captured_at > s.captured_at
                and (n.http_status is distinct from %s or n.content_hash <> s.content_hash)
            order by n.captured_at limit 1
        ) as another on true
        inner join raw.snapshots as same
            on s.event_id = same.event_id and s.captured_at < same.captured_at
            and same.captured_at < coalesce(another.captured_at, 'infinity')
        """,
        (*columns_of(readable), HTTPStatus.NOT_MODIFIED),
    ).fetchall()
    joining = {(event_id, same_at): readable[event_id, at] for event_id, at, same_at in rows} | readable
    return [
        Amendment(event_id, captured_at, tickets.book, tickets.placements, tickets.terms)
        for (event_id, captured_at), tickets in joining.items()
    ]
