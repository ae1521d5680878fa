"""What PostgreSQL does for a request to the API: ``python -m benchmarks plans`` writes it to ``docs/QUERY_PLANS.md``.

What belongs here: plans as auto_explain logs them while the API answers real requests, so that they are of the role
that asks, of the statement that the API makes of a request, and of the statements within functions. What does not:
times under load (``endpoints``).
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

from benchmarks.endpoint_requests import REQUESTS, Asker, Request, asker
from benchmarks.report import Figure, console
from benchmarks.served_api import ServedApi, headers, served_api
from benchmarks.served_history import Size
from ingestion.database import connect

DOCUMENT = Path(__file__).parents[1] / "docs" / "QUERY_PLANS.md"
_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_verbose": "on",
    "auto_explain.log_format": "json",
}
_LOGGED_PLAN = re.compile(r"duration: (\d+\.\d+) ms  plan:\n((?:\t.*\n)+)")
_SCHEMAS = frozenset({"marts", "raw"})
_PARTITION = re.compile(r"_\d{8}")
# A function's statement is planned for its arguments five times in each of the API's ten sessions, and may then be
# planned for any.
_CALLS_BEFORE = 60
_LOG_PATIENCE_SECONDS = 0.1


@dataclass(frozen=True)
class Scan:
    """How a table was read: by which index (None: from end to end), and how many of its rows were looked at."""

    table: str
    index: str | None
    rows: int


@dataclass(frozen=True)
class Explained:
    """What a request cost in PostgreSQL: the time of its query, the pages it touched, and the tables it read."""

    milliseconds: float
    pages: int
    scans: tuple[Scan, ...]

    @property
    def read_whole(self) -> set[str]:
        """Tables that were read from end to end."""
        return {scan.table for scan in self.scans if scan.index is None}


def measure() -> list[Figure]:
    """Write the document; nothing of it belongs into ``RESULTS.md``."""
    size = Size()
    with served_api(size) as api, explaining(api.database_url):
        explained = [(request, explain(api, request, asker(size.events))) for request in REQUESTS]
        with connect(api.database_url) as connection:
            version = connection.execute("show server_version").fetchone()
    _write(explained, size, str(version[0] if version else ""))
    return []


@contextmanager
def explaining(database_url: str) -> Iterator[None]:
    """Have the plans of the API's sessions logged that begin within the context."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        for name, value in _SETTINGS.items():
            connection.execute(
                sql.SQL("alter role authenticator in database {} set {} = {}").format(
                    database,
                    sql.SQL(name),
                    sql.Literal(value),
                )
            )
        # Those that the API has open already know nothing of it.
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'authenticator' and datname = current_database()"
        )
        try:
            yield
        finally:
            connection.execute(sql.SQL("alter role authenticator in database {} reset all").format(database))


def explain(api: ServedApi, request: Request, asking: Asker) -> Explained:
    """Ask, and see what PostgreSQL did."""
    with (
        httpx.Client(base_url=api.url, headers=_headers(api, request), trust_env=False) as client,
        psycopg.connect(api.database_url, autocommit=True) as connection,
    ):
        for _ in range(_CALLS_BEFORE if request.endpoint.startswith("rpc/") else 1):
            client.get(request.path(asking)).raise_for_status()
        logged = _settled_log_size(connection)
        client.get(request.path(asking)).raise_for_status()
        return _explained(_log(connection, logged, _settled_log_size(connection)))


def _headers(api: ServedApi, request: Request) -> dict[str, str]:
    """Those of a client that wants the database's answer, not one that the API has kept."""
    return {**headers(api.keys, request.role), "Cache-Control": "no-cache"}


def _settled_log_size(connection: psycopg.Connection[Any]) -> int:
    """The log comes through a collector: what it has for us is there when it no longer grows."""
    size = -1
    while size != (size := int(_value(connection, "select size from pg_stat_file(pg_current_logfile())"))):
        time.sleep(_LOG_PATIENCE_SECONDS)
    return size


def _log(connection: psycopg.Connection[Any], start: int, end: int) -> str:
    return str(_value(connection, "select pg_read_file(pg_current_logfile(), %s, %s)", start, end - start))


def _value(connection: psycopg.Connection[Any], statement: str, *parameters: Any) -> Any:
    row = connection.execute(statement.encode(), parameters).fetchone()
    return row[0] if row else None


def _explained(log: str) -> Explained:
    plans = [(float(duration), json.loads(text)["Plan"]) for duration, text in _LOGGED_PLAN.findall(log)]
    rows: Counter[tuple[str, str | None]] = Counter()
    for _, plan in plans:
        for scan in _scans(plan):
            rows[scan.table, scan.index] += scan.rows
    # The statements within a function are logged, too, and part of the one that calls it.
    milliseconds, outermost = max(plans, key=lambda plan: plan[0])
    return Explained(
        milliseconds,
        outermost["Shared Hit Blocks"] + outermost["Shared Read Blocks"],
        tuple(Scan(table, index, count) for (table, index), count in sorted(rows.items(), key=str)),
    )


def _scans(node: dict[str, Any]) -> Iterator[Scan]:
    if node.get("Schema") in _SCHEMAS and "Relation Name" in node and node["Actual Loops"]:
        looked_at = sum(
            node.get(counted, 0)
            for counted in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        )
        index = next(iter(_index_names(node)), None)
        yield Scan(_of_any_day(node["Relation Name"]), index, round(looked_at * node["Actual Loops"]))
    for child in node.get("Plans", ()):
        yield from _scans(child)


def _index_names(node: dict[str, Any]) -> Iterator[str]:
    """Its own, or of a bitmap's parts."""
    if "Index Name" in node:
        yield _of_any_day(node["Index Name"])
    elif node["Node Type"].startswith("Bitmap"):
        for child in node["Plans"]:
            yield from _index_names(child)


def _of_any_day(name: str) -> str:
    return _PARTITION.sub("", name)


def _write(explained: Sequence[tuple[Request, Explained]], size: Size, version: str) -> None:
    lines = [
        "# Query plans",
        "",
        "What PostgreSQL does for each request that `benchmarks/endpoint_requests.py` has, as its auto_explain told",
        f"while the API answered one client, over {size}.",
        "Statements within functions are included; pages are of 8 KB. An index stands with the rows that were looked",
        "at by it; tables that were read from end to end are in the last column, with all of their rows. Partitions of",
        "one table are taken together.",
        "",
        f"Written by `make bench ARGS=plans` on {datetime.now(UTC):%Y-%m-%d} with PostgreSQL {version}. Times under",
        "load are in [RESULTS.md](../benchmarks/RESULTS.md).",
        "",
        "| endpoint | request | ms | pages | by index | whole |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for request, plans in explained:
        by_index = "<br>".join(f"`{scan.index}` {scan.rows:,}" for scan in plans.scans if scan.index)
        whole = "<br>".join(f"`{scan.table}` {scan.rows:,}" for scan in plans.scans if scan.index is None)
        lines.append(
            f"| {request.endpoint} | {request.what} | {plans.milliseconds:.1f} | {plans.pages:,} "
            f"| {by_index} | {whole} |"
        )
    DOCUMENT.write_text("\n".join([*lines, ""]))
    console.print(f"written to {DOCUMENT}")
