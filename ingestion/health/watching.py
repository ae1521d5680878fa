"""The events that the checks look at: those that rounds are to capture and that have not begun.

What belongs here: which they are, once, as the head of a query. What does not: what is asked of them.

Once an event has begun its market drains and its pages vanish, and nothing of that is a fault. One that is gone (404
several times in a row) is asked for once an hour, in case it is back; nobody waits for its captures.
"""

from __future__ import annotations

WATCHED = """
    watched as (
        select
            t.event_id,
            t.interval_seconds,
            t.added_at,
            p.starts_at,
            h.captured_at,
            h.listing_count,
            coalesce(p.document ->> 'name', 'without a name') as event_name
        from raw.tracked_events as t
        left join raw.heads as h on t.event_id = h.event_id
        left join lateral (
            select p.starts_at, p.state, p.document from raw.productions as p
            where p.event_id = t.event_id order by p.observed_at desc limit 1
        ) as p on true
        where t.is_tracked and (p.starts_at is null or p.starts_at > now()) and p.state is distinct from 'gone'
    )
"""
"""A common table expression, to follow ``with``."""
