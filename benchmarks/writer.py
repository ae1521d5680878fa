"""How fast parsed captures become committed deltas, how small they are, and how fast a past book is read.

What belongs here: writer and reader on a durable PostgreSQL of their own, and plain COPY of every observation beside
them in the same run. What does not: HTTP and parsing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import psycopg

from benchmarks.market import CAPTURES_A_DAY, rounds
from benchmarks.report import Figure, console, show
from ingestion.codec import copy_format
from ingestion.codec.capture import Capture
from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from stack.migrations import apply_migrations
from stack.throw_away_postgres import throw_away_postgres

EVENTS = 50
CAPTURES = 2 * CAPTURES_A_DAY
_NAME = "writer"
_CODEC_TABLES = ("snapshots", "keyframes", "placements", "terms")
_OTHER_TABLES = ("heads", "stale_hours")
_READS = 200


def measure() -> list[Figure]:
    """All figures of this benchmark."""
    with throw_away_postgres(is_durable=True) as server:
        url = server.url("postgres")
        apply_migrations(url)
        with connect(url) as connection:
            return [show(figure) for figure in _measure(connection)]


def _measure(connection: psycopg.Connection[Any]) -> Iterable[Figure]:
    observations = 0
    warm_seconds = 0.0
    console.print(f"{_NAME}: {EVENTS} events, {CAPTURES} captures each, 500 listings a capture")
    writer = SnapshotWriter(connection)
    for number, captures in enumerate(rounds(EVENTS, CAPTURES)):
        seconds = _seconds(partial(writer.write, captures))
        observations += sum(len(capture.book) for capture in captures)
        warm_seconds += seconds if number else 0  # an event's first capture is no delta
        first = captures[0]
        last_captures = captures
    warm_observations = observations - EVENTS * len(first.book)
    yield Figure(_NAME, "written warm", f"{warm_observations / warm_seconds:,.0f} observations/s", "≥ 1,000,000")
    yield Figure(_NAME, "stored", f"{_codec_bytes(connection) / observations:.2f} bytes an observation", "≤ 2.8")
    yield from _read(connection, last_captures)

    _truncate(connection)
    cold_seconds = cold_observations = copy_seconds = 0.0
    connection.execute(_PLAIN_TABLE)
    for number, captures in enumerate(rounds(EVENTS, CAPTURES_A_DAY // 2)):
        seconds = _seconds(partial(SnapshotWriter(connection).write, captures))
        copy_seconds += _seconds(partial(_copy_plain, connection, captures))
        if number:
            cold_seconds += seconds
            cold_observations += sum(len(capture.book) for capture in captures)
    plain_rows = cold_observations + EVENTS * len(first.book)
    plain_bytes = _scalar(connection, "select pg_total_relation_size('plain_observations')")
    yield Figure(_NAME, "written cold", f"{cold_observations / cold_seconds:,.0f} observations/s", "≥ 300,000")
    yield Figure(_NAME, "plain COPY of every row, same run", f"{plain_rows / copy_seconds:,.0f} observations/s")
    yield Figure(_NAME, "plain rows, same run", f"{plain_bytes / plain_rows:.1f} bytes an observation")


def _read(connection: psycopg.Connection[Any], captures: list[Capture]) -> Iterable[Figure]:
    instants = connection.execute(
        "select event_id, captured_at from raw.snapshots order by md5(event_id || captured_at::text) limit %s",
        (_READS,),
    ).fetchall()
    milliseconds = [1000 * _seconds(partial(_read_book, connection, wanted)) for wanted in instants]
    percentiles = statistics.quantiles(milliseconds, n=100)
    yield Figure(
        _NAME,
        f"reading any past book of {len(captures[0].book)} listings",
        f"{percentiles[49]:.1f} ms median, {percentiles[98]:.1f} ms p99",
        "≤ 20 ms",
    )


def _read_book(connection: psycopg.Connection[Any], wanted: tuple[int, datetime]) -> list[tuple[Any, ...]]:
    return connection.execute("select * from raw.listings_at(%s, %s)", wanted).fetchall()


_PLAIN_TABLE = """
    create table plain_observations (
        event_id bigint, captured_at timestamptz, source_listing_id text, placement_id bigint, terms_id bigint,
        quantity smallint, price_cents integer, all_in_cents integer
    )
"""
_ID_BYTES = 13
_PLAIN_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("event_length", ">i4"), ("event", ">i8"),
        ("at_length", ">i4"), ("at", ">i8"),
        ("id_length", ">i4"), ("id", f"S{_ID_BYTES}"),
        ("placement_length", ">i4"), ("placement", ">i8"),
        ("terms_length", ">i4"), ("terms", ">i8"),
        ("quantity_length", ">i4"), ("quantity", ">i2"),
        ("price_length", ">i4"), ("price", ">i4"),
        ("all_in_length", ">i4"), ("all_in", ">i4"),
    ]
)  # fmt: skip


def _copy_plain(connection: psycopg.Connection[Any], captures: Iterable[Capture]) -> None:
    """The rival at its best: binary rows made by numpy, no key, no index, no repetition looked for."""
    with (
        connection.transaction(),
        connection.cursor() as cursor,
        cursor.copy("copy plain_observations from stdin (format binary)") as copy,
    ):
        copy.write(copy_format.HEADER)
        for capture in captures:
            copy.write(_plain_rows(capture))
        copy.write(copy_format.TRAILER)


def _plain_rows(capture: Capture) -> bytes:
    book = capture.book
    rows = np.empty(len(book), dtype=_PLAIN_ROW)
    rows["fields"] = 8
    for name in ("event", "at", "placement", "terms"):
        rows[f"{name}_length"] = 8
    rows["id_length"], rows["quantity_length"], rows["price_length"], rows["all_in_length"] = _ID_BYTES, 2, 4, 4
    rows["event"] = capture.event_id
    rows["at"] = int.from_bytes(copy_format.timestamptz(capture.captured_at)[4:], "big", signed=True)
    rows["id"] = book.source_listing_id.astype(f"S{_ID_BYTES}")
    rows["placement"], rows["terms"] = book.placement_id, book.terms_id
    rows["quantity"], rows["price"], rows["all_in"] = book.quantity, book.price_cents, book.all_in_cents
    return rows.tobytes()


def _codec_bytes(connection: psycopg.Connection[Any]) -> int:
    """Everything the codec keeps, indexes and TOAST included."""
    return _scalar(
        connection,
        f"""
        select sum(pg_total_relation_size(c.oid))::bigint from pg_class as c
        where c.relnamespace = 'raw'::regnamespace and c.relkind = 'r'
            and regexp_replace(c.relname, '_\\d{{8}}$', '') in {_CODEC_TABLES}
        """,
    )


def _truncate(connection: psycopg.Connection[Any]) -> None:
    tables = ", ".join(f"raw.{table}" for table in (*_CODEC_TABLES, *_OTHER_TABLES))
    connection.execute(f"truncate {tables}".encode())


def _scalar(connection: psycopg.Connection[Any], statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
    if row is None:
        raise AssertionError(statement)
    return int(row[0])


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
