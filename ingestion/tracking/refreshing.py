"""Asking the marketplace what the tracked events are.

What belongs here: which productions are due, and asking for them. What does not: keeping the answers (``versions``).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ingestion.database import Database
from ingestion.failures import CaptureError, FailureKind
from ingestion.marketplace import Marketplace, MarketplaceClosedError
from ingestion.tracking.cadence import SCRAPING_GRACE
from ingestion.tracking.versions import ProductionChange, note_not_found, save_productions
from ingestion.wire_format.productions import ProductionDocument, parse_production

PRODUCTION_RECHECK_AFTER = timedelta(hours=1)
"""How long what the marketplace said of an event is taken as still true; dates of live events do move."""
OVER_RECHECK_AFTER = timedelta(days=1)
"""An event whose start is past may yet be moved to another day: found by the rules, or by asking once a day."""
_ASKED_AT_ONCE = 50


@dataclass
class ProductionsReport:
    """What a look at the productions found."""

    checked: int = 0
    changes: list[ProductionChange] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)


async def refresh_productions(database: Database, marketplace: Marketplace) -> ProductionsReport:
    """Ask about the tracked events that have not been asked about lately, and keep what changed.

    An event that cannot be had is reported, and what is known of it stays. It is asked about again next time if that
    may go better, else in an hour. While the marketplace turns us away, nothing is asked.
    """
    due = database.run(_due)
    report = ProductionsReport()
    while due:
        count = 1 if marketplace.breaker.is_probing else _ASKED_AT_ONCE
        asked, due = due[:count], due[count:]
        answers = await asyncio.gather(*(_ask(marketplace, event_id) for event_id in asked))
        _keep(database, dict(zip(asked, answers, strict=True)), report)
    return report


def _due(connection: psycopg.Connection[Any]) -> list[int]:
    now = datetime.now(UTC)
    rows = connection.execute(
        """
        select t.event_id from raw.tracked_events as t
        left join lateral (
            select p.starts_at from raw.productions as p
            where p.event_id = t.event_id order by p.observed_at desc limit 1
        ) as newest on true
        where case
            when t.is_tracked then coalesce(
                t.production_checked_at < case
                    when newest.starts_at <= %(over_before)s then %(over_checked_before)s else %(checked_before)s
                end, true
            )
            -- One last look at an event that no rule finds any more: it may have moved, or been hidden.
            else t.left_at is not null and t.production_checked_at is null and not t.removed_by_hand
        end
        order by t.event_id
        """,
        {
            "over_before": now - SCRAPING_GRACE,
            "over_checked_before": now - OVER_RECHECK_AFTER,
            "checked_before": now - PRODUCTION_RECHECK_AFTER,
        },
    )
    return [event_id for (event_id,) in rows]


async def _ask(marketplace: Marketplace, event_id: int) -> ProductionDocument | CaptureError | None:
    """The production, why it cannot be had, or None if nothing was asked."""
    try:
        return parse_production(event_id, await marketplace.fetch_production(event_id))
    except MarketplaceClosedError:
        return None
    except CaptureError as error:
        return error


def _keep(
    database: Database, answers: dict[int, ProductionDocument | CaptureError | None], report: ProductionsReport
) -> None:
    now = datetime.now(UTC)
    documents = {event_id: answer for event_id, answer in answers.items() if isinstance(answer, dict)}
    errors = {event_id: answer for event_id, answer in answers.items() if isinstance(answer, CaptureError)}
    not_found = [event_id for event_id, error in errors.items() if error.kind is FailureKind.NOT_FOUND]
    untold = [
        event_id
        for event_id, error in errors.items()
        if not error.kind.is_transient and error.kind is not FailureKind.NOT_FOUND
    ]

    report.checked += len(documents) + len(errors)
    report.failed |= {event_id: f"{error.kind}: {error}" for event_id, error in errors.items()}
    report.changes += database.run(lambda connection: save_productions(connection, documents, now))
    database.run(lambda connection: note_not_found(connection, not_found, now))
    database.run(
        lambda connection: connection.execute(
            "update raw.tracked_events set production_checked_at = %s where event_id = any(%s)", (now, untold)
        )
    )
