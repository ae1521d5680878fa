"""The storm as it blew: its rounds, what they were served and reported, and the oracle's steps with their instants.

What belongs here: blowing, and what the tests of the tables ask of a storm that is over. What does not: what goes wrong
(``storm``), what must come of it (``oracle``), and the comparison (``test_storm``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx

from ingestion.database import Database
from ingestion.scraping import RoundReport, scrape_round
from ingestion.settings import Settings
from tests.integration.soak import tables
from tests.integration.soak.market import all_events
from tests.integration.soak.oracle import Captured, Oracle, RoundOutcome, Step
from tests.integration.soak.record import Record, Served
from tests.integration.soak.storm import CLOSED, Phase, phases

INTERVAL_SECONDS = 600


@dataclass
class Round:
    """One round: what it reported, what it should have, and what it was served."""

    name: str
    run_id: UUID
    began_at: datetime
    report: RoundReport
    outcome: RoundOutcome
    news: dict[int, list[Served]] = field(repr=False)
    ended_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Storm:
    """A storm that is over: the rounds while the marketplace let us in, and those after it had turned us away."""

    rounds: list[Round]
    closed: list[Round]
    oracle: Oracle
    database: Database
    settings: Settings

    @property
    def marketplace(self) -> str:
        """Its base URL."""
        return self.settings.require_marketplace_base_url()

    @property
    def answers(self) -> list[Served]:
        """Everything that was served while the marketplace let us in."""
        return [served for each in self.rounds for answers in each.news.values() for served in answers]

    def steps(self) -> Iterator[tuple[int, datetime, Step]]:
        """Each step with its event and instant; the tables must have a row for each of them."""
        timeline = tables.timeline(self.database.connection)
        for event_id, steps in sorted(self.oracle.steps.items()):
            rows = timeline.get(event_id, [])
            assert len(rows) == len(steps), (
                f"event {event_id} has {len(rows)} captures and failures instead of {len(steps)}: "
                "test_every_answer_is_a_row_and_every_row_an_answer says which are wrong"
            )
            for row, step in zip(rows, steps, strict=True):
                yield event_id, row.at, step

    def captures(self) -> dict[int, list[tuple[datetime, Step]]]:
        """The steps that are captures, with their instants, by event and in order of both."""
        captures: dict[int, list[tuple[datetime, Step]]] = {}
        for event_id, at, step in self.steps():
            if isinstance(step.row, Captured):
                captures.setdefault(event_id, []).append((at, step))
        return captures


def blow(settings: Settings, database: Database, sandbox: httpx.Client) -> Storm:
    """Scrape all events, round after round, while the sandbox does what the phases say."""
    record, oracle = Record(sandbox), Oracle()

    def rounds_of(phase: Phase) -> Iterator[Round]:
        sandbox.put("/sandbox/faults", json=phase.document()).raise_for_status()
        for number in range(1, phase.rounds + 1):
            run_id, began_at = uuid4(), datetime.now(UTC)
            report = scrape_round(settings, database, dict.fromkeys(all_events(), INTERVAL_SECONDS), run_id=run_id)
            news = record.news()
            name = f"round {number} of {phase.name!r}"
            outcome = oracle.follow(run_id, news, may_be_cut_short=phase is CLOSED)
            yield Round(name, run_id, began_at, report, outcome, news)

    rounds = [each for phase in phases() for each in rounds_of(phase)]
    return Storm(rounds, list(rounds_of(CLOSED)), oracle, database, settings)
