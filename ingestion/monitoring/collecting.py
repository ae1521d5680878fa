"""A scrape: the database is asked, not too often.

What belongs here: asking, remembering for a moment, and what is said when nobody answers. What does not: HTTP.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from threading import Lock

import psycopg
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingestion.database import DatabaseUnavailableError, connect
from ingestion.monitoring.families import families
from ingestion.monitoring.reading import Numbers, read_numbers
from ingestion.settings import Settings

REMEMBERED_SECONDS = 10.0
"""However many Prometheus servers and people ask, the database is asked so often; the usual scrape is every 15-60 s."""

LONGEST_STATEMENT_MS = 20_000
"""Behind a table that is locked a scrape fails, and those that follow do not pile up."""

_logger = logging.getLogger(__name__)


class PipelineCollector(Collector):
    """Reads the numbers when it is asked for them, so that they are true whatever else has died."""

    def __init__(self, settings: Settings, remembered_seconds: float = REMEMBERED_SECONDS) -> None:
        self._settings = settings
        self._remembered_seconds = remembered_seconds
        self._lock = Lock()
        self._read_at = float("-inf")
        self._families: list[GaugeMetricFamily] = []

    def collect(self) -> Iterable[Metric]:
        """The metrics of now, or of a moment ago."""
        with self._lock:
            if time.monotonic() - self._read_at >= self._remembered_seconds:
                self._families = list(families(self._read()))
                self._read_at = time.monotonic()
            return self._families

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return ()

    def _read(self) -> Numbers | None:
        try:
            with connect(self._settings.require_database_url()) as connection:
                connection.execute(f"set statement_timeout = {LONGEST_STATEMENT_MS}".encode())
                return read_numbers(connection, self._settings)
        except (DatabaseUnavailableError, psycopg.Error) as error:
            _logger.warning("the database cannot be asked for metrics: %s", error)
            return None
