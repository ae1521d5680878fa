"""Rows of a table once more: under other keys, some days earlier.

What belongs here: the statement that copies. What does not: what is copied, and how often (``served_history``,
``builds``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql


def copy_rows(
    connection: psycopg.Connection[Any],
    table: str,
    *,
    chosen: sql.Composable,
    once_for_each: sql.Composable | None = None,
    days_ago: int = 0,
    instead: Mapping[str, str] | None = None,
    left_out: frozenset[str] = frozenset(),
    order: str = "1",
) -> None:
    """Insert the rows ``o`` of a table that ``chosen`` selects again, where they are not there already.

    ``once_for_each`` is a relation beside ``o`` for as many copies as it has rows. Instants and days are ``days_ago``
    days earlier, ``instead`` has an expression for columns that are to be others, those ``left_out`` get their default.
    """
    schema, name = table.split(".")
    columns = connection.execute(
        """
        select column_name, data_type from information_schema.columns
        where table_schema = %s and table_name = %s order by ordinal_position
        """,
        (schema, name),
    ).fetchall()
    values = {
        column: (instead or {}).get(column) or _earlier(column, data_type, days_ago)
        for column, data_type in columns
        if column not in left_out
    }
    connection.execute(
        sql.SQL(
            "insert into {table} ({names}) select {values} from {rows} where {chosen} order by {order} {quietly}"
        ).format(
            table=sql.Identifier(schema, name),
            names=sql.SQL(", ").join(map(sql.Identifier, values)),
            values=sql.SQL(", ").join(sql.SQL(value) for value in values.values()),
            rows=sql.SQL("{table} as o{beside}").format(
                table=sql.Identifier(schema, name),
                beside=sql.SQL(" cross join ") + once_for_each if once_for_each else sql.SQL(""),
            ),
            chosen=chosen,
            order=sql.SQL(order),
            quietly=sql.SQL("on conflict do nothing"),
        )
    )


def _earlier(column: str, data_type: str, days: int) -> str:
    if data_type == "timestamp with time zone":
        return f"o.{column} - interval '{24 * days} hours'"
    return f"o.{column} - {days}" if data_type == "date" else f"o.{column}"
