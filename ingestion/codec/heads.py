"""The one small row an event that is ever updated: where its history ends and where reading it starts.

What belongs here: locking and saving ``raw.heads``. What does not: deciding what changes in one (``placing``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
import psycopg
from psycopg.types.json import Jsonb

_COLUMNS = "event_id, captured_at, keyframe_at, content_hash, listing_count, changes_since_keyframe, next_listing_key"


@dataclass
class Head:
    """A row of ``raw.heads``; ``captured_at`` is None for an event that has no capture yet."""

    event_id: int
    captured_at: datetime | None
    keyframe_at: datetime | None
    content_hash: int | None
    listing_count: int
    changes_since_keyframe: int
    next_listing_key: int


def lock_heads(connection: psycopg.Connection[Any], event_ids: Iterable[int]) -> dict[int, Head]:
    """Lock the events' heads until the transaction ends, in order of event_id, making those that are missing."""
    wanted = sorted(event_ids)
    connection.execute(
        """
        insert into raw.heads (event_id)
        select w.event_id from unnest(%s::bigint[]) as w (event_id)
        where not exists (select from raw.heads as h where h.event_id = w.event_id)
        on conflict (event_id) do nothing
        """,
        (wanted,),
    )
    return lock_known_heads(connection, wanted)


def lock_known_heads(connection: psycopg.Connection[Any], event_ids: Iterable[int]) -> dict[int, Head]:
    """Lock the heads of those of the events that have one, in order of event_id."""
    rows = connection.execute(
        f"select {_COLUMNS} from raw.heads where event_id = any(%s) order by event_id for update",  # noqa: S608
        (list(event_ids),),
    )
    return {row[0]: Head(*row) for row in rows}


def save_heads(connection: psycopg.Connection[Any], heads: Iterable[Head]) -> None:
    """Write heads back; the caller holds their locks."""
    connection.execute(
        """
        update raw.heads as h
        set captured_at = n.captured_at, keyframe_at = n.keyframe_at, content_hash = n.content_hash,
            listing_count = n.listing_count, changes_since_keyframe = n.changes_since_keyframe,
            next_listing_key = n.next_listing_key
        from jsonb_to_recordset(%s) as n (
            event_id bigint, captured_at timestamptz, keyframe_at timestamptz, content_hash bigint,
            listing_count integer, changes_since_keyframe integer, next_listing_key integer
        )
        where h.event_id = n.event_id
        """,
        (Jsonb([asdict(head) for head in heads], dumps=orjson.dumps),),
    )


def recount_heads(connection: psycopg.Connection[Any], event_ids: Iterable[int]) -> None:
    """Find the newest keyframe, and count the changes since it, of events whose middle has changed."""
    connection.execute(
        """
        update raw.heads as h
        set keyframe_at = k.keyframe_at, changes_since_keyframe = c.changes
        from unnest(%s::bigint[]) as w (event_id)
        cross join lateral (
            select k.captured_at as keyframe_at from raw.keyframes as k
            where k.event_id = w.event_id order by k.captured_at desc limit 1
        ) as k
        cross join lateral (
            select coalesce(sum(s.change_count), 0) as changes from raw.snapshots as s
            where s.event_id = w.event_id and s.captured_at > k.keyframe_at
        ) as c
        where h.event_id = w.event_id
        """,
        (sorted(event_ids),),
    )
