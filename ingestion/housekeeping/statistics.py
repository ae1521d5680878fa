"""What the planner knows of raw's partitioned tables as a whole.

What belongs here: their statistics. What does not: those of each day's partitions, which autovacuum keeps.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg

from ingestion.database import Database

PARTITIONED_TABLES = ("raw.snapshots", "raw.keyframes")
# What joins and groups captures. Those of the arrays help no query, and looking at them means unpacking them.
_COLUMNS = "(event_id, captured_at)"
_HAS_ANALYZE_ONLY = 180_000


@dataclass(frozen=True)
class Analyzed:
    """Tables that were analyzed, or would be, and how long it took in all."""

    tables: tuple[str, ...]
    seconds: float


def analyze_parents(database: Database, *, is_dry_run: bool) -> Analyzed:
    """Analyze the partitioned tables, each in a transaction of its own. Neither readers nor writers wait for it."""
    began = time.perf_counter()
    for table in () if is_dry_run else PARTITIONED_TABLES:
        database.run(partial(_analyze, table=table))
    return Analyzed(PARTITIONED_TABLES, round(time.perf_counter() - began, 3))


def _analyze(connection: psycopg.Connection[Any], table: str) -> None:
    # Before 18 there is no way to leave out the partitions, each of which is sampled for itself, too.
    only = "only" if connection.info.server_version >= _HAS_ANALYZE_ONLY else ""
    connection.execute(f"analyze {only} {table} {_COLUMNS}".encode())
