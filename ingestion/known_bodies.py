"""Bodies that the marketplace need not send again, and the captures that follow from its not sending them.

What belongs here: ``raw.known_bodies``, and the book that a 304 stands for. What does not: the request
(``marketplace``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import psycopg

from ingestion.answers import KnownBody, UnchangedCapture
from ingestion.codec.capture import Capture
from ingestion.codec.stored import read_books


def load_known_bodies(
    connection: psycopg.Connection[Any], marketplace: str, event_ids: Iterable[int]
) -> dict[int, KnownBody]:
    """What is known of a marketplace's events; only bodies whose captures are still stored."""
    rows = connection.execute(
        """
        select k.event_id, k.etag, k.captured_at
        from raw.known_bodies as k
        inner join raw.snapshots as s on k.event_id = s.event_id and k.captured_at = s.captured_at
        where k.marketplace = %s and k.event_id = any(%s)
        """,
        (marketplace, list(event_ids)),
    )
    return {event_id: KnownBody(marketplace, etag, captured_at) for event_id, etag, captured_at in rows}


def save_known_bodies(connection: psycopg.Connection[Any], known: Iterable[tuple[int, KnownBody]]) -> None:
    """Remember the newest body of each event, given as (event_id, body)."""
    in_order = sorted(known, key=lambda item: (item[0], item[1].captured_at))
    newest = dict(in_order)
    if not newest:
        return
    connection.execute(
        """
        insert into raw.known_bodies (event_id, marketplace, etag, captured_at)
        select * from unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[])
        on conflict (event_id) do update
        set marketplace = excluded.marketplace, etag = excluded.etag, captured_at = excluded.captured_at
        where known_bodies.captured_at < excluded.captured_at
        """,
        (
            list(newest),
            [body.marketplace for body in newest.values()],
            [body.etag for body in newest.values()],
            [body.captured_at for body in newest.values()],
        ),
    )


def unchanged_captures(
    connection: psycopg.Connection[Any], unchanged: Sequence[UnchangedCapture]
) -> list[tuple[Capture, KnownBody]]:
    """The captures that 304s stand for, each with the body that is known of its event from now on."""
    if not unchanged:
        return []
    same_as = [(item.event_id, item.known.captured_at) for item in unchanged]
    books = read_books(connection, same_as)
    rejected = dict(
        connection.execute(
            """
            select s.event_id, s.rejected_count
            from unnest(%s::bigint[], %s::timestamptz[]) as w (event_id, at)
            inner join raw.snapshots as s on w.event_id = s.event_id and w.at = s.captured_at
            """,
            ([event_id for event_id, _ in same_as], [at for _, at in same_as]),
        ).fetchall()
    )
    return [
        (
            Capture(
                event_id=item.event_id,
                captured_at=item.captured_at,
                book=books[item.event_id].book,
                placements={},  # stored with the capture that it equals
                terms={},
                interval_seconds=item.interval_seconds,
                fetch_ms=item.fetch_ms,
                body_bytes=0,
                http_status=HTTPStatus.NOT_MODIFIED,
                rejected_count=rejected[item.event_id],
                run_id=item.run_id,
            ),
            replace(item.known, captured_at=item.captured_at),
        )
        for item in unchanged
    ]
