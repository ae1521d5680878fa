"""Keys that the marketplace has begun to send: counted in ``raw.schema_drift``, and new ones given back to be told.

What belongs here: the counting. What does not: which keys are known and where they are looked for
(``wire_format.known_keys``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeAlias

import orjson
import psycopg
from psycopg.types.json import Jsonb

from ingestion.wire_format.known_keys import UnknownKey

SeenKeys: TypeAlias = tuple[int, datetime, Iterable[UnknownKey]]
"""event_id, captured_at, and the unknown keys of that body."""

# In order of key, as locks go. A row that this statement has inserted has no xmax.
_SAVE = """
    with seen as (
        select * from jsonb_to_recordset(%s)
        as s (place text, key text, captured_at timestamptz, event_id bigint, example text)
    ),
    counted as (
        select distinct on (s.place, s.key)
            s.place, s.key, s.captured_at, s.event_id, s.example,
            max(s.captured_at) over same_key as last_seen_at, count(*) over same_key as body_count
        from seen as s
        window same_key as (partition by s.place, s.key)
        order by s.place, s.key, s.captured_at, s.event_id
    )
    insert into raw.schema_drift as d (place, key, first_seen_at, last_seen_at, body_count, event_id, example)
    select c.place, c.key, c.captured_at, c.last_seen_at, c.body_count, c.event_id, c.example
    from counted as c
    order by c.place, c.key
    on conflict (place, key) do update set
        first_seen_at = least(d.first_seen_at, excluded.first_seen_at),
        last_seen_at = greatest(d.last_seen_at, excluded.last_seen_at),
        body_count = d.body_count + excluded.body_count
    returning place, key, example, xmax = 0
"""


def save_drift(connection: psycopg.Connection[Any], seen: Iterable[SeenKeys]) -> list[UnknownKey]:
    """Count the unknown keys of a batch of bodies; no statement where there are none.

    Returns:
        those seen for the first time, which ``str`` puts into words: to be told once the transaction has committed.
    """
    rows = [
        {"place": key.place, "key": key.key, "captured_at": at, "event_id": event_id, "example": key.example}
        for event_id, at, keys in seen
        for key in keys
    ]
    if not rows:
        return []
    saved = connection.execute(_SAVE, [Jsonb(rows, dumps=orjson.dumps)]).fetchall()
    return [UnknownKey(place, key, example) for place, key, example, is_new in saved if is_new]
