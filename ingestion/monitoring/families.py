"""What is measured: every metric by its name, and the samples of a scrape.

What belongs here: names, units, labels. What does not: where numbers come from (``reading``). The dashboard in
``deploy/grafana`` and the table in ``docs/OPERATIONS.md`` are held against this by a test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily

from ingestion.health.result import Figure
from ingestion.monitoring.reading import OLDEST_EVENTS, Numbers

PREFIX = "ticketmarts_"
METRICS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "database_up": ("1 if the database answered, else 0 and no other metric is there.", ()),
    "check_ok": ("1 if the check is content, 0 if it fails.", ("check",)),
    "events_tracked": ("Events that rounds are to capture and that have not begun.", ()),
    "events_overdue": ("Of these, events whose newest capture is older than three intervals.", ()),
    "events_gone": ("Tracked events that answer 404.", ()),
    "capture_age_seconds": (
        "Age of the newest capture, over events: half, nine tenths, all are younger.",
        ("quantile",),
    ),
    "event_capture_age_seconds": (
        f"Age of the newest capture of the {OLDEST_EVENTS} events that wait longest.",
        ("event_id", "event_name"),
    ),
    "captures_last_hour": ("Captures of the last 60 minutes.", ()),
    "failures_last_hour": ("Failed attempts of the last 60 minutes, without those made again at once.", ("kind",)),
    "capture_coverage_ratio": ("Captures over those expected, in the last closed hours.", ()),
    "scrape_seconds": ("Seconds of the newest round, from its first capture to the last one stored.", ()),
    "round_seconds": ("Seconds of the newest successful run of the job round, marts included.", ()),
    "round_ended_timestamp_seconds": ("When that run ended.", ()),
    "stale_hours": ("Hours of events that wait to be rolled up.", ()),
    "oldest_mark_age_seconds": ("For how long the oldest of them has been waiting.", ()),
    "marts_behind_seconds": ("Age difference of the newest capture in raw and in the marts, at most over events.", ()),
    "market_price_step_ratio": ("Move of the median event's price against its day before; 0 is none.", ()),
    "database_size_bytes": ("Bytes of the database, by schema; other is all else.", ("part",)),
    "database_growth_bytes_per_day": ("Bytes that a day adds, by the last week.", ()),
    "disk_free_bytes": ("Bytes that the database may still take.", ()),
    "disk_days_left": ("Days until they are taken.", ()),
    "circuit_breakers_open": ("1 while the marketplace turns us away.", ()),
    "alerts_open": ("Problems that people have been, or are to be, told of.", ("source",)),
    "alerts_untold": ("Of these, and of recoveries, those that a channel has not been told of yet.", ("channel",)),
    "alerts_evaluated_timestamp_seconds": ("When alerts were last evaluated.", ()),
}
"""Name without the prefix, to what it is and its labels."""

_QUANTILES = (0.5, 0.9, 1.0)
_PARTS = ("raw", "marts", "intermediate")
_Samples = Mapping[tuple[str, ...], Figure]


def families(numbers: Numbers | None) -> Iterator[GaugeMetricFamily]:
    """The metrics of a scrape; None where the database did not answer. A number that is not known is left out."""
    for name, samples in (_samples(numbers) if numbers else {"database_up": {(): 0}}).items():
        about, labels = METRICS[name]
        family = GaugeMetricFamily(PREFIX + name, about, labels=labels)
        for values, number in samples.items():
            if isinstance(number, int | float):
                family.add_metric(values, number)
        yield family


def _samples(numbers: Numbers) -> dict[str, _Samples]:
    status, evaluated = numbers.status, numbers.evaluated
    found = {check.name: check.figures for check in status.checks}
    disk = found["disk_forecast"]
    sizes = {part: int(disk.get(f"{part}_bytes") or 0) for part in _PARTS}
    sizes["other"] = int(disk["database_bytes"] or 0) - sum(sizes.values())
    ended_at = evaluated.round_ended_at if evaluated else None
    return {
        "database_up": {(): 1},
        "check_ok": {(check.name,): int(check.is_ok) for check in status.checks},
        "events_tracked": {(): status.events_tracked},
        "events_overdue": {(): status.events_overdue},
        "events_gone": {(): status.events_gone},
        "capture_age_seconds": _quantiles([age.age_seconds for age in numbers.ages]),
        "event_capture_age_seconds": {
            (str(age.event_id), age.event_name): age.age_seconds for age in numbers.ages[:OLDEST_EVENTS]
        },
        "captures_last_hour": {(): status.captures_last_hour},
        "failures_last_hour": {(kind,): count for kind, count in status.failures_last_hour.items()},
        "capture_coverage_ratio": {(): found["capture_coverage"]["coverage_share"]},
        "scrape_seconds": {(): numbers.scrape_seconds},
        "round_seconds": {(): evaluated.round_seconds if evaluated else None},
        "round_ended_timestamp_seconds": {(): ended_at.timestamp() if ended_at else None},
        "stale_hours": {(): status.stale_hours},
        "oldest_mark_age_seconds": {(): found["ledger_age"]["oldest_mark_age_seconds"]},
        "marts_behind_seconds": {(): found["ledger_age"]["marts_behind_seconds"]},
        "market_price_step_ratio": {(): found["market_price_step"].get("step_share")},
        "database_size_bytes": {(part,): size for part, size in sizes.items()},
        "database_growth_bytes_per_day": {(): disk["growth_bytes_a_day"]},
        "disk_free_bytes": {(): disk["free_bytes"]},
        "disk_days_left": {(): disk["days_left"]},
        "circuit_breakers_open": {(): found["circuit_breaker"]["open_breakers"]},
        "alerts_open": {
            (source,): count for source, count in Counter(alert.source for alert in status.open_alerts).items()
        },
        "alerts_untold": {(channel,): count for channel, count in numbers.untold.items()},
        "alerts_evaluated_timestamp_seconds": {(): evaluated.evaluated_at.timestamp() if evaluated else None},
    }


def _quantiles(oldest_first: list[float]) -> _Samples:
    """The ages that so large a share of all is not above."""
    youngest_first = oldest_first[::-1]
    last = len(youngest_first) - 1
    return {(f"{share:g}",): youngest_first[round(share * last)] for share in _QUANTILES} if youngest_first else {}
