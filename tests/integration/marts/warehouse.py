"""A database with dbt pointed at it: what tests of the marts do to it and ask of it.

What belongs here: driving the real importer and the real dbt. What does not: what should come out (``oracle``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psycopg
from dbt.cli.main import dbtRunner
from psycopg.rows import dict_row

from ingestion.database import Database
from ingestion.importing import import_recordings
from ingestion.settings import PROJECT_FOLDER, libpq_environment
from ingestion.tracking import save_production

DBT_PROJECT = PROJECT_FOLDER / "dbt_project"
INTERVAL_SECONDS = 600
DATABASE = "warehouse"
"""The one name of databases that a parsed project can be run on."""

Line = dict[str, Any]
"""A line of a recording."""


@dataclass
class DbtReport:
    """What one invocation of dbt did: the state of each node by name, and what it said."""

    succeeded: bool
    states: dict[str, str]
    messages: list[str] = field(repr=False)

    def has_said(self, text: str) -> bool:
        """Whether a message contains ``text``."""
        return any(text in message for message in self.messages)


class Dbt:
    """Runs dbt in this process, on databases of one name: the project is parsed once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._manifest: Any = None

    def run(
        self,
        database_url: str,
        *arguments: str,
        session: Mapping[str, str] | None = None,
        on_event: Callable[[Any], None] = lambda _: None,
    ) -> DbtReport:
        """Run one command of dbt, such as ``run --select …``, whose sessions have ``session`` set in libpq's way."""
        with _environment({**libpq_environment(database_url), **(session or {})}):
            if self._manifest is None:
                self._manifest = dbtRunner().invoke(["--quiet", "parse", *self._places()]).result
            messages: list[str] = []
            runner = dbtRunner(self._manifest, [lambda event: messages.append(event.info.msg), on_event])
            outcome = runner.invoke(["--quiet", *arguments, *self._places()])
        if outcome.exception is not None:
            raise outcome.exception
        states = {result.node.name: str(result.status) for result in outcome.result.results}
        return DbtReport(outcome.success, states, messages)

    def _places(self) -> list[str]:
        return [
            f"--project-dir={DBT_PROJECT}",
            f"--profiles-dir={DBT_PROJECT}",
            f"--target-path={self._folder / 'target'}",
            "--log-level-file=none",
        ]


class Warehouse:
    """A migrated database, the importer and dbt."""

    def __init__(self, database_url: str, dbt: Dbt, folder: Path) -> None:
        self.database_url = database_url
        self._dbt = dbt
        self._folder = folder
        self._connection = psycopg.connect(
            database_url, autocommit=True, row_factory=dict_row, options="-c timezone=UTC"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def record(self, lines: Iterable[Line]) -> None:
        """Bring a recording in, as ``ticketmarts import`` does."""
        path = self._folder / "recording.jsonl"
        path.write_text("".join(json.dumps(line, default=str) + "\n" for line in lines))
        with Database(self.database_url) as database:
            report = import_recordings(database, [path], interval_seconds=INTERVAL_SECONDS)
        assert report.loaded.failure_count == 0, report.loaded.failed_events
        assert not report.loaded.snapshots.conflicts

    def announce(
        self, event_id: int, *, starts_at: datetime | None, seen_at: datetime | None = None, **more: Any
    ) -> None:
        """Say what an event is, as the marketplace's production does."""
        document = {"id": event_id, "name": f"Event {event_id}", **more}
        if starts_at is not None:
            document["utcDate"] = starts_at.astimezone(UTC).isoformat()
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            save_production(connection, event_id, document, seen_at or datetime.now(UTC))

    def build(self, *arguments: str, session: Mapping[str, str] | None = None) -> DbtReport:
        """Run every model, as a round does; fails where one fails."""
        report = self.dbt("run", *arguments, session=session)
        assert report.succeeded, report
        return report

    def build_meanwhile(self, model: str, act: Callable[[], None]) -> DbtReport:
        """Run every model, and ``act`` when ``model`` has been built."""

        def on_event(event: Any) -> None:
            if event.info.name == "NodeFinished" and event.data.node_info.node_name == model:
                act()

        report = self._dbt.run(self.database_url, "run", on_event=on_event)
        assert report.succeeded, report
        return report

    def dbt(self, *arguments: str, session: Mapping[str, str] | None = None) -> DbtReport:
        """Run one command of dbt, whatever comes of it."""
        return self._dbt.run(self.database_url, *arguments, session=session)

    def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> None:
        """Run a statement."""
        self._connection.execute(statement, parameters)

    def rows(self, query: str, parameters: Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a query."""
        return self._connection.execute(query, parameters).fetchall()

    def value(self, query: str, parameters: Sequence[Any] | None = None) -> Any:
        """The only value of a query."""
        (row,) = self.rows(query, parameters)
        (value,) = row.values()
        return value

    def stale_hours(self) -> int:
        """Marks in the ledger."""
        return int(self.value("select count(*) from raw.stale_hours"))


@contextmanager
def _environment(variables: Mapping[str, str]) -> Any:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
