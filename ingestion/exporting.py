"""Takes data out, to Parquet: the observations that raw keeps as deltas, or a mart.

What belongs here: streaming rows into a file. What does not: which rows there are (``raw.observations``, dbt's marts).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from ingestion.errors import UserError

OBSERVATIONS = "observations"
_MARTS = "marts"
_ROWS_AT_ONCE = 20_000

_ARROW_TYPES = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float8": pa.float64(),
    "text": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "_int2": pa.list_(pa.int16()),
}


class ExportError(UserError):
    """There is nothing of that name to export, or the file cannot be written."""


@dataclass(frozen=True)
class Query:
    """One statement of an export, with its parameters."""

    statement: sql.Composed
    parameters: Sequence[Any] = ()


def export(
    connection: psycopg.Connection[Any],
    what: str,
    output: Path,
    *,
    event_ids: Sequence[int] = (),
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write ``observations``, or a mart, to a Parquet file; says how many rows it has.

    ``event_ids`` (none: all), ``from_at`` and ``to_at`` (excluded) bound the observations; a mart is exported whole.
    The file appears when it is complete, in place of one that was there.

    Raises:
        ExportError: see there. psycopg.Error: the database went away.
    """
    if what == OBSERVATIONS:
        queries = _observations(connection, event_ids, from_at, to_at)
    elif event_ids or from_at or to_at:
        raise ExportError(f"a mart is exported whole: --event, --from and --to go with {OBSERVATIONS}")
    else:
        queries = [_mart(connection, what)]
    rows = 0
    with _appearing(output) as aside, connection.transaction():
        writer = None
        try:
            for query in queries:
                for batch in _batches(connection, query):
                    writer = writer or pq.ParquetWriter(aside, batch.schema, compression="zstd")
                    writer.write_batch(batch)
                    rows += len(batch)
                    on_progress(len(batch))
        finally:
            if writer is not None:
                writer.close()
    return rows


def _observations(
    connection: psycopg.Connection[Any], event_ids: Sequence[int], from_at: datetime | None, to_at: datetime | None
) -> list[Query]:
    """A query an event and UTC day, so that a day's books are in memory at a time; its keyframes begin with it."""
    days = connection.execute(
        """
        select s.event_id, greatest(d.day_at, %(from)s), least(d.day_at + interval '1 day', %(to)s)
        from raw.snapshots as s
        cross join lateral (select date_trunc('day', s.captured_at, 'UTC') as day_at) as d
        where
            (%(events)s::bigint[] = '{}' or s.event_id = any(%(events)s))
            and s.captured_at >= coalesce(%(from)s, '-infinity') and s.captured_at < coalesce(%(to)s, 'infinity')
        group by s.event_id, d.day_at
        order by s.event_id, d.day_at
        """,
        {"events": list(event_ids), "from": from_at, "to": to_at},
    ).fetchall()
    if not days:
        raise ExportError(
            "there is nothing to export: no capture of that kind; `ticketmarts track list` shows what there is"
        )
    return [Query(sql.Composed([sql.SQL("select * from raw.observations(%s, %s, %s)")]), day) for day in days]


def _mart(connection: psycopg.Connection[Any], name: str) -> Query:
    marts = connection.execute(
        "select tablename from pg_tables where schemaname = %s order by tablename", (_MARTS,)
    ).fetchall()
    names = [mart for (mart,) in marts]
    if name not in names:
        raise ExportError(f"there is no mart {name}; there are {', '.join([OBSERVATIONS, *names])}")
    return Query(sql.SQL("select * from {}").format(sql.Identifier(_MARTS, name)))


def _batches(connection: psycopg.Connection[Any], query: Query) -> Iterator[pa.RecordBatch]:
    """The rows in pieces; a query without rows gives one empty piece, since its columns are known all the same."""
    with connection.cursor(name="export", binary=True) as cursor:
        cursor.execute(query.statement, query.parameters)
        schema = pa.schema([(column.name, _arrow_type(column)) for column in cursor.description or ()])
        is_first = True
        while (rows := cursor.fetchmany(_ROWS_AT_ONCE)) or is_first:
            is_first = False
            columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
            arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _arrow_type(column: psycopg.Column) -> pa.DataType:
    if column.type_display.startswith("numeric"):
        return pa.decimal128(column.precision or 38, column.scale or 0)
    name = psycopg.adapters.types[column.type_code]
    return _ARROW_TYPES[f"_{name.name}" if column.type_code == name.array_oid else name.name]


@contextmanager
def _appearing(output: Path) -> Iterator[Path]:
    """A file beside ``output`` that takes its place if all goes well, and vanishes if not."""
    aside = output.with_name(f".{output.name}.part")
    try:
        yield aside
        aside.replace(output)
    except OSError as error:
        raise ExportError(f"cannot write {output}: {error}") from error
    finally:
        aside.unlink(missing_ok=True)
