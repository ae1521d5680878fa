"""Days are backfilled from the graph: a range in one run, batch by batch, and nobody else waits for its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest

from ingestion.database import Database, connect
from ingestion.importing import import_recordings
from ingestion.settings import load_settings
from orchestration import building
from orchestration.building import build_all_but_the_last_batch, build_marts, only_builder
from orchestration.definitions import build_defs
from orchestration.pools import DBT_POOL, give_way
from sandbox.catalogue import featured_events
from sandbox.randomness import DEFAULT_SEED
from sandbox.recording import RecordingPlan, record

DAYS = ("2026-03-12", "2026-03-13", "2026-03-14")
FROM_AT = datetime(2026, 3, 12, tzinfo=UTC)
_MARTS = """
select 'hour', to_jsonb(h) from marts.event_hourly as h
union all
select 'day', to_jsonb(d) from marts.event_daily as d
"""


@pytest.fixture(scope="module")
def history(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three days of two events, captured every two hours, in marts."""
    to_at = FROM_AT + timedelta(days=3)
    event_ids = tuple(event.event_id for event in featured_events(to_at, 2))
    recording = tmp_path_factory.mktemp("history") / "recording.jsonl"
    recording.write_bytes(b"".join(record(RecordingPlan(event_ids, FROM_AT, to_at, 7200, DEFAULT_SEED))))
    with Database(database_url) as database:
        import_recordings(database, [recording], interval_seconds=7200)
    build_marts(load_settings(with_running_stack=False, database_url=database_url))
    return database_url


@pytest.fixture
def falsified(settings_for_runs: None, history: str) -> Iterator[list[str]]:  # noqa: ARG001
    """What is true, of marts in which every row is wrong or missing; true again in the end."""
    truth = _marts(history)
    with connect(history) as connection:
        connection.execute("update marts.event_hourly set get_in_low = 0.01")
        connection.execute("delete from marts.event_daily where day = '2026-03-13'")
        connection.execute("update marts.event_daily set get_in_low = 0.01")
    yield truth
    assert _marts(history) == truth
    assert _rows(history, "select count(*) from raw.stale_hours") == [(0,)]


def test_a_range_is_rebuilt_in_one_run_and_again_to_the_same(history: str, falsified: list[str]) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = _backfill(instance, DAYS[1], DAYS[2])
        materializations = result.get_asset_materialization_events()
        assert [event.partition for event in materializations if _is(event, "event_hourly")] == [DAYS[1], DAYS[2]]
        claims = {_metadata(event)["hours_rebuilt"] for event in materializations if _is(event, "int_claimed_marks")}
        assert claims == {2 * 2 * 12}
        wrong = {row for row in _marts(history) if row not in falsified}
        assert len(wrong) == 2 * 12 + 2, "the day that was not asked for is as it was"
        assert all(DAYS[0] in row for row in wrong)

        # One mart is asked for, and what it is made of is built, too.
        daily = _backfill(instance, DAYS[0], DAYS[0], "event_daily")
        assert {event.asset_key for event in daily.get_asset_materialization_events()} == {dg.AssetKey("event_daily")}
        assert _marts(history) == falsified
        again = _backfill(instance, DAYS[0], DAYS[2])
    rows = {
        _metadata(event)["rows_written"]
        for event in again.get_asset_materialization_events()
        if _is(event, "event_hourly")
    }
    assert rows == {0}


def test_a_run_that_fails_leaves_its_range_stale_and_the_next_one_builds_it(history: str, falsified: list[str]) -> None:
    with connect(history) as connection:
        connection.execute("alter table marts.event_daily add constraint nothing check (captures < 0) not valid")
    with dg.DagsterInstance.ephemeral() as instance:
        assert not _backfill(instance, DAYS[0], DAYS[2], raise_on_error=False).success
        assert _rows(history, "select count(*) from raw.stale_hours") == [(2 * 3 * 12,)]
        with connect(history) as connection:
            connection.execute("alter table marts.event_daily drop constraint nothing")
        # As the schedule does, which builds what is stale and marks nothing.
        settled = build_defs().resolve_job_def("settle").execute_in_process(instance=instance, partition_key=DAYS[1])
    assert settled.success
    assert falsified


def test_a_scheduled_run_marks_nothing(settings_for_runs: None, history: str) -> None:  # noqa: ARG001
    with dg.DagsterInstance.ephemeral() as instance:
        result = build_defs().resolve_job_def("settle").execute_in_process(instance=instance, partition_key=DAYS[1])
    claims = [event for event in result.get_asset_materialization_events() if _is(event, "int_claimed_marks")]
    assert [_metadata(event)["hours_rebuilt"] for event in claims] == [0]


def test_between_two_batches_another_builder_comes_in(
    settings_for_runs: None,  # noqa: ARG001
    history: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(building, "batch_hours", lambda: 30)
    built_between: list[int] = []

    def build_something_else() -> None:
        with only_builder(history):
            built_between.append(_rows(history, "select count(*) from raw.stale_hours")[0][0])

    # dbt's own limit stays, so one run clears all; what is tested is that the lock is free after it.
    rebuilt = build_all_but_the_last_batch(load_settings(), FROM_AT, FROM_AT + timedelta(days=3), build_something_else)
    assert (rebuilt, built_between) == (2 * 3 * 12, [0])


def test_a_long_run_gives_its_slot_to_who_waits_and_comes_back() -> None:
    order: list[str] = []
    with dg.instance_for_test() as instance:
        storage = instance.event_log_storage
        storage.set_concurrency_slots(DBT_POOL, 1)

        def round_waits() -> None:
            while not storage.claim_concurrency_slot(DBT_POOL, "round", "dbt_models").is_claimed:
                pass
            order.append("round")
            storage.free_concurrency_slot_for_step("round", "dbt_models")

        # Dagster reads annotations itself, and cannot read those of this module, which are texts.
        @dg.asset(pool=DBT_POOL)
        def backfill(context) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            waiting = threading.Thread(target=round_waits)
            waiting.start()
            while not storage.get_concurrency_info(DBT_POOL).pending_step_count:
                pass
            order.append("first batch")
            give_way(context)
            order.append("second batch")
            waiting.join()
            assert storage.get_concurrency_info(DBT_POOL).active_run_ids == {context.run.run_id}

        assert dg.materialize([backfill], instance=instance).success
        assert order == ["first batch", "round", "second batch"]
        assert storage.get_concurrency_info(DBT_POOL).active_slot_count == 0


def test_one_who_begins_to_wait_while_the_slot_is_freed_is_not_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.instance_for_test() as instance:
        storage = instance.event_log_storage
        storage.set_concurrency_slots(DBT_POOL, 1)

        @dg.asset(pool=DBT_POOL)
        def backfill(context) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            # What it reads of the slot is of before another's end, what it writes is of after it.
            looks = iter((False,))
            look = storage.has_unassigned_slots
            monkeypatch.setattr(storage, "has_unassigned_slots", lambda key: next(looks, look(key)))
            give_way(context)
            assert next(looks, None) is None
            assert storage.get_concurrency_info(DBT_POOL).active_run_ids == {context.run.run_id}

        assert dg.materialize([backfill], instance=instance).success
        assert storage.get_concurrency_info(DBT_POOL).pending_step_count == 0


def _backfill(
    instance: dg.DagsterInstance, first: str, last: str, *assets: str, raise_on_error: bool = True
) -> dg.ExecuteInProcessResult:
    """As the UI launches it: one run, with the range in its tags."""
    defs = build_defs()
    selection = [dg.AssetKey(name) for name in assets] or [
        key for key in defs.resolve_asset_graph().get_all_asset_keys() if _is_partitioned(defs, key)
    ]
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=selection,
        tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
        raise_on_error=raise_on_error,
    )


def _is_partitioned(defs: dg.Definitions, key: dg.AssetKey) -> bool:
    return defs.resolve_asset_graph().get(key).partitions_def is not None


def _is(event: dg.DagsterEvent, asset: str) -> bool:
    return event.asset_key == dg.AssetKey(asset)


def _metadata(event: dg.DagsterEvent) -> dict[str, Any]:
    return {name: value.value for name, value in event.materialization.metadata.items()}


def _marts(database_url: str) -> list[str]:
    return sorted(str(row) for row in _rows(database_url, _MARTS))


def _rows(database_url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(statement.encode()).fetchall()
