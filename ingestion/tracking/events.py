"""``raw.tracked_events`` by hand, and as a list to look at.

What belongs here: adding, removing, listing. What does not: rules (``discovery``), and which events are due (``due``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from ingestion.tracking.cadence import is_over
from ingestion.tracking.versions import GONE


@dataclass(frozen=True)
class TrackedEvent:
    """A row of ``raw.tracked_events``, with what the marketplace has told of the event.

    Attributes:
        rule: the rule that found it when the rules were last run.
        interval_seconds: the interval in force in the last round.
        state: on_sale, hidden or gone; None where the marketplace has told nothing.
        moved_from_at: the start before the last move; None where it has never moved.
        moved_at: when that move was seen.
    """

    event_id: int
    is_tracked: bool
    added_by_hand: bool
    removed_by_hand: bool
    rule: str | None
    interval_seconds: int
    name: str | None
    starts_at: datetime | None
    state: str | None
    moved_from_at: datetime | None
    moved_at: datetime | None
    newest_capture_at: datetime | None

    def why_not_scraped(self, now: datetime) -> str | None:
        """Why rounds pass the event over, for people; None where they do not."""
        if self.removed_by_hand:
            return "removed by hand" + (f", though the rule {self.rule} finds it" if self.rule else "")
        if not self.is_tracked:
            return "no rule finds it any more"
        if is_over(self.starts_at, now):
            return "over"
        if self.state == GONE:
            return "gone (404 several times in a row); asked for once an hour"
        return None


def track(connection: psycopg.Connection[Any], event_ids: Sequence[int], interval_seconds: int) -> int:
    """Track events from now on, whatever the rules find; says how many were not tracked before."""
    given = sorted(set(event_ids))
    (already,) = connection.execute(
        """
        with saved as (
            insert into raw.tracked_events (event_id, interval_seconds)
            select unnest(%(event_ids)s::bigint[]), %(interval_seconds)s
            on conflict (event_id) do update
            set is_tracked = true, added_by_hand = true, removed_by_hand = false, left_at = null,
                interval_seconds = excluded.interval_seconds
        )
        select count(*) from raw.tracked_events where is_tracked and event_id = any(%(event_ids)s)
        """,
        {"event_ids": given, "interval_seconds": interval_seconds},
    ).fetchone() or (0,)
    return len(given) - int(already)


def untrack(connection: psycopg.Connection[Any], event_ids: Sequence[int]) -> int:
    """Stop tracking events, whatever the rules find, keeping all that was captured; says how many were tracked."""
    (tracked,) = connection.execute(
        """
        with removed as (
            update raw.tracked_events
            set is_tracked = false, added_by_hand = false, removed_by_hand = true, left_at = coalesce(left_at, %(now)s)
            where event_id = any(%(event_ids)s)
        )
        -- As it was before: a statement does not see what its own parts have changed.
        select count(*) from raw.tracked_events where is_tracked and event_id = any(%(event_ids)s)
        """,
        {"event_ids": list(event_ids), "now": datetime.now(UTC)},
    ).fetchone() or (0,)
    return int(tracked)


def intervals_in_force(connection: psycopg.Connection[Any]) -> dict[int, int]:
    """Seconds between two captures of each event that is or was tracked, by id, as last noted."""
    return dict(connection.execute("select event_id, interval_seconds from raw.tracked_events").fetchall())


def list_tracked(connection: psycopg.Connection[Any], event_ids: Sequence[int] | None = None) -> list[TrackedEvent]:
    """All tracked events, those that start first at the top; or what is known of ``event_ids``, tracked or not.

    The events that a person keeps out though a rule finds them are among them.
    """
    with connection.cursor(row_factory=class_row(TrackedEvent)) as cursor:
        return cursor.execute(
            """
            select
                t.event_id, t.is_tracked, t.added_by_hand, t.removed_by_hand, t.rule, t.interval_seconds,
                newest.name, newest.starts_at, newest.state,
                moved.moved_from_at, moved.observed_at as moved_at,
                h.captured_at as newest_capture_at
            from raw.tracked_events as t
            left join lateral (
                select p.starts_at, p.state, p.document ->> 'name' as name from raw.productions as p
                where p.event_id = t.event_id order by p.observed_at desc limit 1
            ) as newest on true
            left join lateral (
                select p.moved_from_at, p.observed_at from raw.productions as p
                where p.event_id = t.event_id and p.moved_from_at is not null order by p.observed_at desc limit 1
            ) as moved on true
            left join raw.heads as h on t.event_id = h.event_id
            where case
                when %(event_ids)s::bigint[] is not null then t.event_id = any(%(event_ids)s)
                else t.is_tracked or (t.removed_by_hand and t.rule is not null)
            end
            order by newest.starts_at nulls last, t.event_id
            """,
            {"event_ids": None if event_ids is None else list(event_ids)},
        ).fetchall()
