"""Keys that are not known, in the database: one row each, counted, and new ones told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ingestion.database import connect
from ingestion.schema_drift import save_drift
from ingestion.wire_format.known_keys import UnknownKey

AT = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
FOO = UnknownKey("tickets[]", "foo", '{"x":1}')
SAME_NAME = UnknownKey("sections[]", "foo", "2")


def minutes(count: int) -> datetime:
    return AT + timedelta(minutes=count)


def rows(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select place, key, first_seen_at, last_seen_at, body_count, event_id, example from raw.schema_drift order by 1"
    ).fetchall()


def test_a_key_is_told_once_and_counted_from_then_on(connection: psycopg.Connection[Any]) -> None:
    assert save_drift(connection, [(7, minutes(2), [FOO]), (8, minutes(1), [FOO]), (9, minutes(3), [])]) == [FOO]
    assert save_drift(connection, [(9, minutes(5), [UnknownKey("tickets[]", "foo", "3")])]) == []
    assert rows(connection) == [("tickets[]", "foo", minutes(1), minutes(5), 3, 8, '{"x":1}')]


def test_a_key_of_one_name_elsewhere_is_another(connection: psycopg.Connection[Any]) -> None:
    save_drift(connection, [(7, AT, [FOO])])
    assert save_drift(connection, [(7, minutes(1), [FOO, SAME_NAME])]) == [SAME_NAME]
    assert [row[4] for row in rows(connection)] == [1, 2]


def test_history_that_comes_late_moves_the_beginning_only(connection: psycopg.Connection[Any]) -> None:
    save_drift(connection, [(7, minutes(5), [FOO])])
    save_drift(connection, [(7, minutes(1), [FOO])])
    assert rows(connection)[0][2:5] == (minutes(1), minutes(5), 2)


def test_a_transaction_that_is_rolled_back_leaves_the_key_new(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction(force_rollback=True):
        save_drift(connection, [(7, AT, [FOO])])
    assert save_drift(connection, [(7, AT, [FOO])]) == [FOO]


def test_nothing_unknown_asks_nothing_of_the_database(fresh_database_url: str) -> None:
    with connect(fresh_database_url) as closed:
        pass
    assert save_drift(closed, [(7, AT, []), (8, AT, [])]) == []


def test_two_writers_at_once_tell_a_key_once(fresh_database_url: str) -> None:
    with connect(fresh_database_url) as one, connect(fresh_database_url) as other:
        with one.transaction():
            told = save_drift(one, [(7, AT, [FOO])])
            other.execute("set lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                save_drift(other, [(8, AT, [FOO])])
        assert (told, save_drift(other, [(8, AT, [FOO])])) == ([FOO], [])
