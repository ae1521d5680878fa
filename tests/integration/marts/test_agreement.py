"""The marts agree with a second computation to the cent, in every metric: of events, zones, sections and listings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
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
KEYS = {
    "event_hourly": ("event_id", "hour"),
    "zone_hourly": ("event_id", "hour", "zone_id"),
    "event_daily": ("event_id", "day"),
    "section_daily": ("event_id", "day", "section_id"),
    "event_latest": ("event_id",),
    "listing_lifecycle": ("event_id", "source_listing_id"),
}


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

    truth = oracle.truth(lines, starts, INTERVAL_SECONDS)
    for mart, key in KEYS.items():
        rows = {
            tuple(_as_instant(row[column]) for column in key): {
                name: value for name, value in row.items() if name not in key
            }
            for row in warehouse.rows(f"select * from marts.{mart}")
        }
        assert _differences(rows, getattr(truth, mart)) == [], mart


def _as_instant(value: Any) -> Any:
    return datetime.combine(value, datetime.min.time(), UTC) if type(value) is date else value


def _differences(marts: Mapping[Any, dict[str, Any]], truth: Mapping[Any, dict[str, Any]]) -> list[str]:
    found = [f"{key}: only in the marts" for key in marts.keys() - truth.keys()]
    found += [f"{key}: missing in the marts" for key in truth.keys() - marts.keys()]
    for key in sorted(marts.keys() & truth.keys()):
        assert marts[key].keys() == truth[key].keys()
        found += [
            f"{' '.join(str(part) for part in key)} {metric}: marts {marts[key][metric]}, truth {truth[key][metric]}"
            for metric in sorted(marts[key])
            if marts[key][metric] != truth[key][metric]
        ]
    return found[:_DIFFERENCES_SHOWN]
