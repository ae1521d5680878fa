"""An evaluation of alerts: the database is asked, Dagster is asked where there is one, people are told.

What belongs here: putting the sources together. What does not: either of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import psycopg
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import SQLAlchemyError

from ingestion.alerts import DATABASE, Evaluation, Problem, channels_of, database_problems, evaluate
from ingestion.database import connect
from ingestion.settings import Settings
from orchestration.alerting.dagster_problems import daemon_problems, dagster_problems, newest_round
from orchestration.storage import DagsterUnavailableError

DAGSTER = "dagster"
"""The source that asks Dagster's instance."""
DAGSTER_STORAGE = "dagster_storage"
"""The source that says whether it can be asked."""


@dataclass(frozen=True)
class DagsterSaid:
    """What an instance tells: problems, and when its newest successful round began and ended (seconds since 1970)."""

    problems: Sequence[Problem]
    newest_round: tuple[float, float] | None


def ask(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition) -> DagsterSaid:
    """Ask an instance about the definitions that it runs, and whether its daemons do."""
    problems = [*dagster_problems(instance, repository), *daemon_problems(instance)]
    return DagsterSaid(problems, newest_round(instance))


def evaluate_alerts(settings: Settings, ask_dagster: Callable[[], DagsterSaid] | None) -> Evaluation:
    """Ask everybody that can be asked; ``ask_dagster`` is None where there is no Dagster.

    Raises:
        SettingsError: a channel is set by half. DatabaseUnavailableError: nothing can be known or kept.
    """
    channels = channels_of(settings)
    said = None
    with connect(settings.require_database_url()) as connection:
        found: dict[str, Sequence[Problem]] = {DATABASE: database_problems(connection, settings)}
        if ask_dagster is not None:
            found[DAGSTER_STORAGE] = []
            try:
                said = ask_dagster()
                found[DAGSTER] = said.problems
            except (
                SQLAlchemyError,
                DagsterPostgresException,
                DagsterUnavailableError,
            ) as error:  # whose text has an address
                found[DAGSTER_STORAGE] = [
                    Problem(
                        "dagster_storage",
                        f"Dagster's own database cannot be asked ({type(error).__name__})",
                        (),
                        "See that DAGSTER_DATABASE_URL is right, and the server up and not full.",
                    )
                ]
        evaluation = evaluate(connection, found, channels)
        if said is not None:
            _note_round(connection, said.newest_round)
    return evaluation


def _note_round(connection: psycopg.Connection[Any], newest: tuple[float, float] | None) -> None:
    """Keep what Dagster said of its newest round: metrics are served where Dagster cannot be asked."""
    began, ended = newest or (None, None)
    connection.execute(
        """
        update raw.alert_evaluations
        set dagster_asked_at = %(now)s, round_ended_at = %(ended_at)s, round_seconds = %(seconds)s
        """,
        {
            "now": datetime.now(UTC),
            "ended_at": None if ended is None else datetime.fromtimestamp(ended, UTC),
            "seconds": None if began is None or ended is None else ended - began,
        },
    )
