"""Does the marketplace let us in?

What belongs here: the stored state of the breaker. What does not: the breaker (``ingestion.circuit_breaker``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg

from ingestion.health.result import CheckResult

NAME = "circuit_breaker"


def check_circuit_breaker(connection: psycopg.Connection[Any], marketplace: str | None) -> CheckResult:
    """Whether the breaker of ``marketplace`` (its base URL; of any, where it is not known) is open.

    It counts as open until the marketplace has let somebody in, also while it is being tried.
    """
    rows = connection.execute(
        """
        select b.kind, b.message, b.opened_at, b.open_until, b.times_opened from raw.circuit_breakers as b
        where %(marketplace)s::text is null or b.marketplace = %(marketplace)s
        order by b.opened_at
        """,
        {"marketplace": marketplace},
    ).fetchall()
    return CheckResult(
        NAME,
        is_ok=not rows,
        summary="the circuit breaker is open: the marketplace turned us away"
        if rows
        else "the circuit breaker is closed",
        problems=tuple(
            f"since {_minute(opened_at)}, opened {times_opened} times in a row, next try at {_minute(open_until)}: "
            f"{kind}: {message}"
            for kind, message, opened_at, open_until, times_opened in rows
        ),
        what_to_do="Ask the marketplace whether access has changed (MARKETPLACE_TOKEN, MARKETPLACE_HEADERS, pace). "
        "Nothing is scraped meanwhile; it is tried again by itself."
        if rows
        else "",
        figures={"open_breakers": len(rows)},
    )


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
