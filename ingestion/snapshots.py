"""Past books, read back for people and programs.

What belongs here: reading one book. What does not: reading for writers (``codec.stored``), metrics (``dbt_project``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ingestion.errors import UserError


class NoSnapshotError(UserError):
    """There is no capture of the event at or before the instant; the message says what there is."""


def read_snapshot(connection: psycopg.Connection[Any], event_id: int, at: datetime) -> list[dict[str, Any]]:
    """The listings of an event as its newest capture at or before ``at`` saw them, cheapest first.

    Each is a row of ``raw.listings_at``: prices in cents, ``captured_at`` the capture's instant. A book without
    listings is an empty list.

    Raises:
        NoSnapshotError: see there.
    """
    first, newest = connection.execute(
        "select min(captured_at), max(captured_at) from raw.snapshots where event_id = %s", (event_id,)
    ).fetchone() or (None, None)
    if first is None or newest is None:
        raise NoSnapshotError(f"event {event_id} has never been captured; `ticketmarts track list` shows what is")
    if at < first:
        raise NoSnapshotError(
            f"event {event_id} has no capture at or before {at.isoformat()}: "
            f"its captures are from {first.isoformat()} to {newest.isoformat()}"
        )
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from raw.listings_at(%s, %s)", (event_id, at)).fetchall()
