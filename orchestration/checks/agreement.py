"""Raw and marts are asked the same question on a sample of hours, and must give the same answer to the cent.

What belongs here: asking, and what is shown of the answer. What does not: the question (``dbt_project/checks``).
"""
# No postponed annotations here: Dagster looks at the type of `context` itself and cannot read a string.

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg
import psycopg

from orchestration.dbt_project_files import DBT_FOLDER
from orchestration.pipeline import Pipeline

HOURS_DRAWN = 40
DIFFERENCES_SHOWN = 20
"""In the metadata of a check: a mart that is wrong throughout would fill the event log."""

_QUESTION = DBT_FOLDER / "checks" / "event_hourly_against_raw.sql"


@dataclass(frozen=True)
class ComparedHour:
    """An hour of an event that raw or the mart knows of, and no build is due for.

    ``differences`` has ``[what the mart says, what raw says]`` by metric and is empty where they agree.
    """

    event_id: int
    hour: datetime
    differences: dict[str, list[Any]]


def compare_hours(connection: psycopg.Connection[Any], *, seed: int, draws: int) -> list[ComparedHour]:
    """The hours of a sample, which is the same for the same seed and data; in order of event and hour.

    One draw is one or two hours, and the same hour may be drawn again: the sample has at most twice as many hours as
    there are draws. Hours that wait for a build are left out.
    """
    with psycopg.RawCursor(connection) as cursor:
        rows = cursor.execute(_QUESTION.read_bytes(), (seed, draws)).fetchall()
    return [ComparedHour(event_id, hour, differences or {}) for event_id, hour, differences in rows]


@dg.asset_check(
    asset="event_hourly",
    description="Do raw and marts say the same? Every metric of a sample of hours, computed anew from raw's "
    "observations, must be the mart's to the cent. Hours that wait for a build are left out.",
)
def agrees_with_raw(context: dg.AssetCheckExecutionContext, pipeline: Pipeline) -> dg.AssetCheckResult:
    """Another sample in every run; the seed in the metadata draws it again."""
    seed, began = time.time_ns() // 1_000_000, time.perf_counter()
    with pipeline.database() as database:
        hours = database.run(lambda connection: compare_hours(connection, seed=seed, draws=HOURS_DRAWN))
    wrong = [hour for hour in hours if hour.differences]
    for hour in wrong[:DIFFERENCES_SHOWN]:
        context.log.error("event %s, %s: [mart, raw] %s", hour.event_id, hour.hour, hour.differences)
    return dg.AssetCheckResult(passed=not wrong, metadata=agreement_metadata(hours, seed, time.perf_counter() - began))


def agreement_metadata(hours: list[ComparedHour], seed: int, seconds: float) -> dict[str, dg.MetadataValue]:
    """What a person wants to see of a comparison: of each hour that differs, the metrics in which it does."""
    wrong = [hour for hour in hours if hour.differences]
    return {
        "hours_compared": dg.MetadataValue.int(len(hours)),
        "hours_that_differ": dg.MetadataValue.int(len(wrong)),
        "differences": dg.MetadataValue.json(
            {f"{hour.event_id} {hour.hour.isoformat()}": hour.differences for hour in wrong[:DIFFERENCES_SHOWN]}
        ),
        "seed": dg.MetadataValue.int(seed),
        "compare_seconds": dg.MetadataValue.float(round(seconds, 3)),
    }
