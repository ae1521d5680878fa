"""Have the prices of the whole market moved at once?

What belongs here: the step of the median event. What does not: the moves of single events, which are the product.

One event's prices move by tens of percent in an hour; the median over events does not. If it does, prices are read in
another unit or with other fees: the mistake that looks like data.
"""

from __future__ import annotations

from typing import Any

import psycopg

from ingestion.health.marts import may_read_mart
from ingestion.health.result import CheckResult

NAME = "market_price_step"
LARGEST_STEP = 0.2
"""Of the median event against its day before: fees are 20-30 % of a price, and a confused unit is 10,000 %."""
FEWEST_EVENTS = 5
"""Below, the median is one event's own move."""

_RATIOS = """
    with recent as (
        select
            h.event_id,
            newest.hour,
            newest.price_median
        from raw.heads as h
        cross join lateral (
            select e.hour, e.price_median from marts.event_hourly as e
            where e.event_id = h.event_id and e.price_median is not null order by e.hour desc limit 1
        ) as newest
        where h.captured_at > now() - interval '3 hours' and newest.hour > now() - interval '3 hours'
    ),
    ratios as (
        select r.price_median / nullif(before.price_median, 0) as ratio
        from recent as r
        cross join lateral (
            select percentile_disc(0.5) within group (order by e.price_median) as price_median
            from marts.event_hourly as e
            where e.event_id = r.event_id and e.hour < r.hour and e.hour >= r.hour - interval '24 hours'
        ) as before
    )
    select
        count(r.ratio) as events,
        percentile_cont(0.5) within group (order by r.ratio)::float as ratio
    from ratios as r
    where r.ratio is not null
"""


def check_market_price_step(connection: psycopg.Connection[Any]) -> CheckResult:
    """Compare each event's newest median price with the median of its 24 hours before; then take the median event."""
    has_marts = may_read_mart(connection, "event_hourly")
    events, ratio = (connection.execute(_RATIOS).fetchone() if has_marts else None) or (0, None)
    if ratio is None or events < FEWEST_EVENTS:
        return CheckResult(
            NAME,
            is_ok=True,
            summary=f"{events} events have prices of two recent hours, and {FEWEST_EVENTS} are needed to tell",
            figures={"events_compared": events},
        )
    step = ratio - 1
    is_ok = abs(step) <= LARGEST_STEP
    return CheckResult(
        NAME,
        is_ok=is_ok,
        summary=f"the median price of the median event is {step:+.1%} against its day before ({events} events)",
        problems=() if is_ok else (f"prices of {events} events have moved together by {step:+.1%}",),
        what_to_do=""
        if is_ok
        else "Compare a listing with the marketplace's page: if the price is read wrongly, mend the parser, then "
        "import the recordings or `ticketmarts quarantine retry`, and `ticketmarts build --from` the first wrong hour.",
        figures={"events_compared": events, "step_share": round(step, 4)},
    )
