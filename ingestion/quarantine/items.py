"""What came from the marketplace and could not be trusted: what there is of it, and its content.

What belongs here: looking at ``raw.quarantine``. What does not: putting things there (``loading``), giving them
another chance (``retrying``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import zstandard

from ingestion.errors import UserError
from ingestion.failures import FailureKind

BODY = "body"

_CHOSEN = f"""
    (cardinality(%(event_ids)s::bigint[]) = 0 or q.event_id = any(%(event_ids)s))
    and (cardinality(%(kinds)s::text[]) = 0 or q.kind = any(%(kinds)s))
    and (%(is_body)s::boolean is null or (q.item = '{BODY}') = %(is_body)s)
    and q.captured_at >= coalesce(%(from_at)s::timestamptz, '-infinity')
    and q.captured_at < coalesce(%(to_at)s::timestamptz, 'infinity')
"""
# A zstd frame says in its first 18 bytes at most how long its content is.
_FRAME_HEADER_BYTES = 18


_MOST_NAMED = 10


class NotInQuarantineError(UserError):
    """There is no such item in quarantine; the message says what there is."""


@dataclass(frozen=True)
class Selection:
    """Items of some events and kinds (none: all), bodies or tickets (None: both), captured in [from_at, to_at)."""

    event_ids: Sequence[int] = ()
    kinds: Sequence[FailureKind] = ()
    is_body: bool | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What the statements of this selection are given."""
        return {
            "event_ids": list(self.event_ids),
            "kinds": list(self.kinds),
            "is_body": self.is_body,
            "from_at": self.from_at,
            "to_at": self.to_at,
        }


@dataclass(frozen=True)
class QuarantinedItem:
    """A body or ticket in quarantine; ``content_bytes`` is its size unpacked."""

    event_id: int
    captured_at: datetime
    item: str
    kind: str
    reason: str
    content_bytes: int


@dataclass(frozen=True)
class ItemKey:
    """Which item: the key of ``raw.quarantine``, and its size as it is stored."""

    event_id: int
    captured_at: datetime
    item: str
    stored_bytes: int


def list_items(
    connection: psycopg.Connection[Any], selection: Selection, limit: int | None = None
) -> tuple[list[QuarantinedItem], int]:
    """The newest items of a selection, and how many there are in all."""
    (total,) = connection.execute(
        f"select count(*) from raw.quarantine as q where {_CHOSEN}",  # noqa: S608
        selection.parameters,
    ).fetchone() or (0,)
    rows = connection.execute(
        f"""
        select
            q.event_id, q.captured_at, q.item, q.kind, q.reason, substring(q.content from 1 for {_FRAME_HEADER_BYTES})
        from raw.quarantine as q
        where {_CHOSEN}
        order by q.captured_at desc, q.event_id, length(q.item), q.item
        limit %(limit)s
        """,  # noqa: S608  # constants of ours
        {**selection.parameters, "limit": limit},
    )
    items = [
        QuarantinedItem(event_id, captured_at, item, kind, reason, zstandard.frame_content_size(frame))
        for event_id, captured_at, item, kind, reason, frame in rows
    ]
    return items, total


def list_keys(connection: psycopg.Connection[Any], selection: Selection) -> list[ItemKey]:
    """The keys of all items of a selection, by event, and of an event the oldest first."""
    rows = connection.execute(
        f"""
        select q.event_id, q.captured_at, q.item, octet_length(q.content) from raw.quarantine as q
        where {_CHOSEN} order by q.event_id, q.captured_at, length(q.item), q.item
        """,  # noqa: S608  # constants of ours
        selection.parameters,
    )
    return [ItemKey(*row) for row in rows]


def read_item(
    connection: psycopg.Connection[Any], event_id: int, captured_at: datetime, item: str | None
) -> tuple[QuarantinedItem, bytes]:
    """One item with its content, unpacked; ``item`` may be None where there is only one of that instant.

    Raises:
        NotInQuarantineError: see there.
    """
    rows = connection.execute(
        """
        select q.item, q.kind, q.reason, q.content from raw.quarantine as q
        where q.event_id = %s and q.captured_at = %s order by length(q.item), q.item
        """,
        (event_id, captured_at),
    ).fetchall()
    found = {row[0]: row for row in rows}
    where = f"of event {event_id} at {captured_at.isoformat()}"
    if not found:
        raise NotInQuarantineError(
            f"nothing {where} is in quarantine; `ticketmarts quarantine list --event {event_id}` shows what is"
        )
    there_is = ", ".join(list(found)[:_MOST_NAMED]) + (", …" if len(found) > _MOST_NAMED else "")
    if item is not None and item not in found:
        raise NotInQuarantineError(f"{where} there is no {item!r} in quarantine, but {there_is}")
    if item is None and len(found) > 1:
        raise NotInQuarantineError(f"{where} there are {len(found)} items in quarantine, say which: {there_is}")
    wanted, kind, reason, content = found[item or next(iter(found))]
    unpacked = zstandard.decompress(content)
    return QuarantinedItem(event_id, captured_at, wanted, kind, reason, len(unpacked)), unpacked


def columns_of(instants: Iterable[tuple[int, datetime]]) -> tuple[list[int], list[datetime]]:
    """Instants, given as (event_id, captured_at), as the two columns of an ``unnest``."""
    listed = list(instants)
    return [event_id for event_id, _ in listed], [at for _, at in listed]
