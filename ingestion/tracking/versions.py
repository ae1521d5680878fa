"""``raw.productions``: a version of what is known of an event whenever it changes, and what the change means.

What belongs here: keeping versions, and the states on sale, hidden and gone. What does not: asking the marketplace
(``refreshing``).

One 404 is not a dead event: live ones have answered 404 and been back on the next try. An event is gone after several
in a row, of its listings, or of its production unless its listings have been captured since: a path of the API that has
moved must not stop all scraping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ingestion.codec.content import content_hash
from ingestion.wire_format.productions import ProductionDocument, is_hidden, starts_at

NOT_FOUND_TO_BE_GONE = 3
"""So many 404s in a row: half an hour of listings at ten minutes, three hours of productions."""
ON_SALE, HIDDEN, GONE = "on_sale", "hidden", "gone"

_DOCUMENTS_AT_ONCE = 200


@dataclass(frozen=True)
class ProductionChange:
    """A new version: what the event is now, what it was (None: unknown until now), and whence its start moved."""

    event_id: int
    name: str | None
    state: str
    previous_state: str | None
    starts_at: datetime | None
    moved_from_at: datetime | None


class _Version(NamedTuple):
    event_id: int
    starts_at: datetime | None
    content_hash: int
    document: ProductionDocument
    state: str


def save_production(
    connection: psycopg.Connection[Any], event_id: int, document: ProductionDocument, observed_at: datetime
) -> bool:
    """Keep a version of a production if it differs from the newest; says whether it does."""
    return bool(save_productions(connection, {event_id: document}, observed_at))


def save_productions(
    connection: psycopg.Connection[Any],
    documents: Mapping[int, ProductionDocument],
    observed_at: datetime,
) -> list[ProductionChange]:
    """Keep a version of each production that differs from its newest, and say what changed.

    Where a start has moved, the next build sees it and rebuilds the hours whose sales estimates that changes.
    """
    versions = [
        _Version(event_id, starts_at(document), content_hash(document), document, _state_said(document))
        for event_id, document in documents.items()
    ]
    changes = []
    for first in range(0, len(versions), _DOCUMENTS_AT_ONCE):
        some = versions[first : first + _DOCUMENTS_AT_ONCE]
        with connection.transaction():
            lock_versions(connection)
            connection.execute(
                """
                update raw.tracked_events
                set production_checked_at = %s, production_not_found_streak = 0, production_not_found_since_at = null
                where event_id = any(%s)
                """,
                (observed_at, [version.event_id for version in some]),
            )
            changes += _add_changed(connection, some, observed_at)
    return changes


def note_not_found(connection: psycopg.Connection[Any], event_ids: Sequence[int], checked_at: datetime) -> None:
    """The marketplace has answered 404 about these productions, once more."""
    connection.execute(
        """
        update raw.tracked_events
        set production_checked_at = %(at)s,
            production_not_found_streak = production_not_found_streak + 1,
            production_not_found_since_at = coalesce(production_not_found_since_at, %(at)s)
        where event_id = any(%(event_ids)s)
        """,
        {"at": checked_at, "event_ids": list(event_ids)},
    )


def note_gone_and_back(connection: psycopg.Connection[Any], observed_at: datetime) -> list[ProductionChange]:
    """Keep a version of each tracked event that is gone now, or back; its document is the last that was known."""
    with connection.transaction():
        lock_versions(connection)
        rows = connection.execute(
            """
            with judged as (
                select
                    t.event_id, newest.state, newest.starts_at, newest.content_hash, newest.document,
                    raw.not_found_streak(t.event_id) >= %(streak)s
                    or (
                        t.production_not_found_streak >= %(streak)s
                        and coalesce(h.captured_at < t.production_not_found_since_at, true)
                    ) as is_gone
                from raw.tracked_events as t
                left join raw.heads as h on t.event_id = h.event_id
                left join lateral (
                    select p.state, p.starts_at, p.content_hash, p.document from raw.productions as p
                    where p.event_id = t.event_id order by p.observed_at desc limit 1
                ) as newest on true
                where t.is_tracked
            )
            select event_id, is_gone, starts_at, content_hash, document from judged
            where is_gone <> (coalesce(state, '') = 'gone')
            """,
            {"streak": NOT_FOUND_TO_BE_GONE},
        ).fetchall()
        versions = []
        for event_id, is_gone, start, digest, document in rows:
            known = {"id": event_id} if document is None else document
            known_hash = content_hash(known) if digest is None else digest
            versions.append(_Version(event_id, start, known_hash, known, GONE if is_gone else _state_said(known)))
        return _add_changed(connection, versions, observed_at, is_judged=True)


def lock_versions(connection: psycopg.Connection[Any]) -> None:
    """Let nobody else write versions until the transaction ends: two that compare with one would both add theirs.

    To be taken before any lock on ``raw.tracked_events``, as everybody here does.
    """
    connection.execute("select pg_advisory_xact_lock(hashtext('raw.productions'))")


def _state_said(document: ProductionDocument) -> str:
    return HIDDEN if is_hidden(document) else ON_SALE


def _add_changed(
    connection: psycopg.Connection[Any], versions: Sequence[_Version], observed_at: datetime, *, is_judged: bool = False
) -> list[ProductionChange]:
    """Add the versions that differ from the newest. Unless ``is_judged``, 404s of the listings outweigh the state."""
    with connection.cursor(row_factory=class_row(ProductionChange)) as cursor:
        return cursor.execute(
            """
            with given as (
                select g.event_id, g.starts_at, g.content_hash, g.document,
                    case
                        when not %(is_judged)s and raw.not_found_streak(g.event_id) >= %(streak)s then 'gone'
                        else g.state
                    end as state
                from unnest(
                    %(event_ids)s::bigint[], %(starts)s::timestamptz[], %(hashes)s::bigint[],
                    %(documents)s::jsonb[], %(states)s::text[]
                ) as g (event_id, starts_at, content_hash, document, state)
            ),
            compared as (
                select g.*, newest.state as previous_state,
                    case
                        when g.starts_at is distinct from newest.starts_at
                            and g.starts_at is distinct from known.starts_at
                        then known.starts_at
                    end as moved_from_at
                from given as g
                left join lateral (
                    select p.state, p.content_hash, p.starts_at from raw.productions as p
                    where p.event_id = g.event_id order by p.observed_at desc limit 1
                ) as newest on true
                left join lateral (
                    select p.starts_at from raw.productions as p
                    where p.event_id = g.event_id and p.starts_at is not null order by p.observed_at desc limit 1
                ) as known on true
                where newest.state is null or (newest.state, newest.content_hash) <> (g.state, g.content_hash)
            ),
            added as (
                insert into raw.productions
                    (event_id, observed_at, starts_at, content_hash, document, state, moved_from_at)
                select event_id, %(observed_at)s, starts_at, content_hash, document, state, moved_from_at from compared
            )
            select event_id, document ->> 'name' as name, state, previous_state, starts_at, moved_from_at from compared
            order by event_id
            """,
            {
                "is_judged": is_judged,
                "streak": NOT_FOUND_TO_BE_GONE,
                "event_ids": [version.event_id for version in versions],
                "starts": [version.starts_at for version in versions],
                "hashes": [version.content_hash for version in versions],
                "documents": [Jsonb(version.document) for version in versions],
                "states": [version.state for version in versions],
                "observed_at": observed_at,
            },
        ).fetchall()
