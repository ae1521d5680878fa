"""All checks, in the order in which a person would ask them.

What belongs here: the list, and running it. What does not: any check, and who wants to know.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import psycopg

from ingestion.health import (
    capture_coverage,
    circuit_breaker,
    codec_round_trip,
    disk_forecast,
    failure_rate,
    freshness,
    ledger_age,
    market_price_step,
    zero_inventory,
)
from ingestion.health.result import CheckResult
from ingestion.settings import Settings

BYTES_A_GB = 1e9


@dataclass(frozen=True)
class HealthCheck:
    """A check that can be run: its question for people, and which asset it is about (snapshots or event_hourly)."""

    name: str
    question: str
    about: str
    ask: Callable[[psycopg.Connection[Any], Settings], CheckResult]


_SNAPSHOTS, _MARTS = "snapshots", "event_hourly"

CHECKS = (
    HealthCheck(
        freshness.NAME,
        "Is the newest capture of every event younger than three of its intervals?",
        _SNAPSHOTS,
        lambda connection, _: freshness.check_freshness(connection),
    ),
    HealthCheck(
        capture_coverage.NAME,
        "Do the last closed hours have nine tenths of the captures that they should?",
        _SNAPSHOTS,
        lambda connection, _: capture_coverage.check_capture_coverage(connection),
    ),
    HealthCheck(
        failure_rate.NAME,
        "Have at most a tenth of the last hour's attempts failed?",
        _SNAPSHOTS,
        lambda connection, _: failure_rate.check_failure_rate(connection),
    ),
    HealthCheck(
        circuit_breaker.NAME,
        "Does the marketplace let us in?",
        _SNAPSHOTS,
        lambda connection, settings: circuit_breaker.check_circuit_breaker(connection, settings.marketplace_base_url),
    ),
    HealthCheck(
        zero_inventory.NAME,
        "Has no event lost all its listings within a day?",
        _SNAPSHOTS,
        lambda connection, _: zero_inventory.check_zero_inventory(connection),
    ),
    HealthCheck(
        codec_round_trip.NAME,
        "Does a sample of captures come back value for value?",
        _SNAPSHOTS,
        lambda connection, _: codec_round_trip.check_codec_round_trip(connection),
    ),
    HealthCheck(
        ledger_age.NAME,
        "Do the marts follow raw?",
        _MARTS,
        lambda connection, _: ledger_age.check_ledger_age(connection),
    ),
    HealthCheck(
        market_price_step.NAME,
        "Have the prices of the market not moved all at once?",
        _MARTS,
        lambda connection, _: market_price_step.check_market_price_step(connection),
    ),
    HealthCheck(
        disk_forecast.NAME,
        "Does the disk last for two more weeks?",
        _SNAPSHOTS,
        lambda connection, settings: disk_forecast.check_disk_forecast(
            connection, None if settings.database_disk_gb is None else settings.database_disk_gb * BYTES_A_GB
        ),
    ),
)


def run_checks(
    connection: psycopg.Connection[Any], settings: Settings, *, about: Collection[str] = (_SNAPSHOTS, _MARTS)
) -> list[CheckResult]:
    """The answers of all checks about some assets, in the order of ``CHECKS``."""
    return [check.ask(connection, settings) for check in CHECKS if check.about in about]
