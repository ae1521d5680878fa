"""How many of the last hour's attempts to capture an event gave nothing, and of what kind were they?

What belongs here: failures by kind against captures. What does not: a round's own threshold (``scraping``).
"""

from __future__ import annotations

from typing import Any

import psycopg

from ingestion.health.result import CheckResult
from ingestion.health.watching import WATCHED

NAME = "failure_rate"
LARGEST_SHARE = 0.1
"""A healthy feed fails in a percent or two of all attempts, a feed in trouble in most: there is room between."""
FEWEST_ATTEMPTS = 20
"""Below, one event that fails is a tenth of them all; ``freshness`` names it, if it stays."""

_ATTEMPTS = f"""
    with {WATCHED},
    failures as (
        select
            f.kind,
            count(*) as attempts
        from raw.scrape_failures as f
        inner join watched as w on f.event_id = w.event_id
        where f.attempted_at > now() - interval '1 hour' and f.attempted_at <= now() and not f.was_retried
        group by f.kind
    ),
    captures as (
        select coalesce(sum(s.captures), 0) as captures
        from watched as w
        cross join lateral (
            select count(*) as captures
            from raw.snapshots as s
            where
                s.event_id = w.event_id
                and s.captured_at > now() - interval '1 hour' and s.captured_at <= now()
        ) as s
        where w.captured_at > now() - interval '1 hour'
    )
    select
        (select c.captures::integer from captures as c) as captures,
        (select coalesce(jsonb_object_agg(f.kind, f.attempts), '{{}}') from failures as f) as failures
"""  # noqa: S608  # a constant of ours


def check_failure_rate(connection: psycopg.Connection[Any]) -> CheckResult:
    """The share of failed attempts, those that were made again at once not counted."""
    captures, failures = connection.execute(_ATTEMPTS.encode()).fetchone() or (0, {})
    failed = sum(failures.values())
    attempts = captures + failed
    share = failed / attempts if attempts else 0.0
    by_kind = sorted(failures.items(), key=lambda kind: (-kind[1], kind[0]))
    is_ok = attempts < FEWEST_ATTEMPTS or share <= LARGEST_SHARE
    return CheckResult(
        NAME,
        is_ok=is_ok,
        summary=f"{failed} of {attempts} attempts in the last hour failed ({share:.1%})"
        + "".join(f", {count} {kind}" for kind, count in by_kind),
        problems=() if is_ok else tuple(f"{kind}: {count} attempts" for kind, count in by_kind),
        what_to_do=""
        if is_ok
        else "`ticketmarts quarantine list` shows the bodies that were not trusted; rate_limited wants a lower "
        "SCRAPER_REQUESTS_PER_SECOND; blocked and access_denied want a word with the marketplace. "
        "docs/SYSTEM_DESIGN.md says what each kind means.",
        figures={
            "attempts": attempts,
            "failed": failed,
            "failed_share": round(share, 4),
            **{f"failed_{kind}": count for kind, count in by_kind},
        },
    )
