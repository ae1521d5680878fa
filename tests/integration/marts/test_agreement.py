"""The marts agree with a second computation to the cent, in every metric, hourly and daily."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.marts import oracle
from tests.integration.marts.markets import (
    SUPER_BOWL_ID,
    SUPER_BOWL_STARTS_AT,
    DifficultMarket,
    sandbox_market,
    super_bowl,
)
from tests.integration.marts.warehouse import INTERVAL_SECONDS, Line, Warehouse

_DIFFERENCES_SHOWN = 20


@pytest.mark.parametrize("seed", [1, 2])
def test_a_difficult_market(fresh_warehouse: Warehouse, seed: int) -> None:
    recordings = {
        event_id: list(DifficultMarket(event_id, seed * 100 + event_id, captures=110).lines())
        for event_id in (11, 12, 13)
    }
    lines = sorted(
        (line for recording in recordings.values() for line in recording), key=lambda line: line["captured_at"]
    )
    # One start is unknown, one falls on a capture, and one is past.
    starts = {
        11: None,
        12: datetime.fromisoformat(recordings[12][50]["captured_at"]),
        13: datetime(2026, 3, 20, tzinfo=UTC),
    }

    check_agreement(fresh_warehouse, lines, starts)


def test_the_sandboxs_market(fresh_warehouse: Warehouse) -> None:
    lines, starts = sandbox_market()

    check_agreement(fresh_warehouse, lines, starts)


def test_a_real_market(fresh_warehouse: Warehouse) -> None:
    check_agreement(fresh_warehouse, super_bowl(), {SUPER_BOWL_ID: SUPER_BOWL_STARTS_AT})


def check_agreement(warehouse: Warehouse, lines: list[Line], starts: Mapping[int, datetime | None]) -> None:
    """Bring a recording in, build, and hold every metric against the oracle's."""
    for event_id, starts_at in starts.items():
        if starts_at is not None:
            warehouse.announce(event_id, starts_at=starts_at)
    warehouse.record(lines)
    warehouse.build()

    hours = {(row["event_id"], row["hour"]): row for row in warehouse.rows("select * from marts.event_hourly")}
    days = {
        (row["event_id"], datetime.combine(row["day"], datetime.min.time(), UTC)): row
        for row in warehouse.rows("select * from marts.event_daily")
    }
    true_hours, true_days = oracle.windows(lines, starts, INTERVAL_SECONDS)
    assert _differences(hours, true_hours) == []
    assert _differences(days, true_days) == []


def _differences(marts: Mapping[Any, dict[str, Any]], truth: Mapping[Any, dict[str, Any]]) -> list[str]:
    found = [f"{key}: only in the marts" for key in marts.keys() - truth.keys()]
    found += [f"{key}: missing in the marts" for key in truth.keys() - marts.keys()]
    for key in sorted(marts.keys() & truth.keys()):
        metrics = marts[key].keys() - {"event_id", "hour", "day"}
        assert metrics == truth[key].keys()
        found += [
            f"{key[0]} {key[1]:%F %H:%M} {metric}: marts {marts[key][metric]}, truth {truth[key][metric]}"
            for metric in sorted(metrics)
            if marts[key][metric] != truth[key][metric]
        ]
    return found[:_DIFFERENCES_SHOWN]
