"""Everything that keeps the tracked events true, in the order in which it is done.

What belongs here: the flow and its report. What does not: each of its steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ingestion.database import Database
from ingestion.marketplace import Marketplace
from ingestion.tracking.discovery import DiscoveryReport, Left, discover, is_discovery_due, let_go_what_is_over
from ingestion.tracking.refreshing import ProductionsReport, refresh_productions
from ingestion.tracking.tracking_file import Plan
from ingestion.tracking.versions import GONE, HIDDEN, ON_SALE, ProductionChange, note_gone_and_back


@dataclass
class TrackingReport:
    """What was noticed of the tracked events; ``discovery`` is None where the rules were not due."""

    discovery: DiscoveryReport | None = None
    productions: ProductionsReport = field(default_factory=ProductionsReport)
    over: list[Left] = field(default_factory=list)
    gone_and_back: list[ProductionChange] = field(default_factory=list)

    @property
    def changes(self) -> list[ProductionChange]:
        """Every new version of a production."""
        found = self.discovery.changes if self.discovery else []
        return [*found, *self.productions.changes, *self.gone_and_back]

    @property
    def left(self) -> list[Left]:
        """Every event that is no longer tracked."""
        return [*(self.discovery.left if self.discovery else []), *self.over]

    @property
    def moved(self) -> list[ProductionChange]:
        """Versions in which a known start has moved, or is unknown again."""
        return [change for change in self.changes if change.moved_from_at is not None]

    def turned(self, state: str) -> list[ProductionChange]:
        """Versions in which an event has become hidden, gone, or on sale again; the first that is on sale is none."""
        return [
            change
            for change in self.changes
            if change.state == state != change.previous_state and (state != ON_SALE or change.previous_state)
        ]


async def update_tracking(
    database: Database, marketplace: Marketplace, plan: Plan, *, discover_now: bool = False
) -> TrackingReport:
    """Run the rules if they are due, ask about the productions that are, and notice who is over, gone or back."""
    report = TrackingReport()
    now = datetime.now(UTC)
    if discover_now or database.run(lambda connection: is_discovery_due(connection, plan, now)):
        report.discovery = await discover(database, marketplace, plan, now)
    report.productions = await refresh_productions(database, marketplace)
    report.over = database.run(lambda connection: let_go_what_is_over(connection, datetime.now(UTC)))
    report.gone_and_back = database.run(lambda connection: note_gone_and_back(connection, datetime.now(UTC)))
    return report


async def rehearse_discovery(database: Database, marketplace: Marketplace, plan: Plan) -> TrackingReport:
    """What running the rules now would do; nothing is kept."""
    discovery = await discover(database, marketplace, plan, datetime.now(UTC), is_rehearsal=True)
    return TrackingReport(discovery)


def describe(report: TrackingReport) -> Iterator[str]:
    """What was noticed, a line each, for people."""
    for event in report.discovery.entered if report.discovery else []:
        yield f"event {event.event_id} entered ({event.name or 'no name yet'}): the rule {event.rule} finds it"
    for left in report.left:
        yield f"event {left.event_id} left ({left.name or 'no name known'}): {left.why}"
    for change in report.moved:
        to = change.starts_at or "no day known"
        yield f"event {change.event_id} moved ({change.name}): from {change.moved_from_at} to {to}"
    for state, words in ((HIDDEN, "is hidden"), (GONE, "is gone"), (ON_SALE, "is back")):
        for change in report.turned(state):
            yield f"event {change.event_id} {words} ({change.name or 'no name known'})"
    for rule, problem in (report.discovery.problems if report.discovery else {}).items():
        yield f"the rule {rule} was not answered in full, so no event leaves: {problem}"
    for event_id, reason in report.productions.failed.items():
        yield f"the marketplace does not tell what event {event_id} is: {reason}"
