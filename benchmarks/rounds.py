"""How long a round takes, from the first request to the last committed delta, and how much memory.

What belongs here: ``ticketmarts scrape`` in a process of its own, against a marketplace on this machine that can keep
up and a durable PostgreSQL. What does not: Dagster and the marts (``stack_times``), the limiter, which is set out of
the way. The marketplace is held on one core; what asks it and PostgreSQL run where the system lets them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.market import LISTINGS
from benchmarks.marketplace import HOST, serving
from benchmarks.report import Figure, console, show
from ingestion.database import connect
from stack.migrations import apply_migrations
from stack.throw_away_postgres import throw_away_postgres

EVENTS = 1000
FEW_EVENTS = 250
ROUNDS = 3
_NAME = "rounds"
_SECONDS_BETWEEN_LOOKS = 0.05


@dataclass(frozen=True)
class _Round:
    seconds: float
    changes: int
    megabytes_of_json: float
    peak_megabytes: float


def measure() -> list[Figure]:
    """All figures of this benchmark."""
    few, many = _rounds(FEW_EVENTS), _rounds(EVENTS)
    first, *later = many
    changes = sum(measured.changes for measured in later) / len(later) / EVENTS / LISTINGS
    what = f"{EVENTS} events of {LISTINGS} listings, {first.megabytes_of_json / EVENTS * 1000:.0f} KB each"
    peaks = [max(measured.peak_megabytes for measured in rounds) for rounds in (few, many)]
    return [
        show(Figure(_NAME, f"the first round, {what}", f"{first.seconds:.1f} s", "≤ 40 s")),
        show(
            Figure(
                _NAME,
                f"each of the {len(later)} rounds after it, {changes:.1%} of the listings moved",
                ", ".join(f"{measured.seconds:.1f} s" for measured in later),
                "≤ 40 s",
            )
        ),
        show(Figure(_NAME, f"peak memory, {EVENTS} events", f"{peaks[1]:.0f} MB", "≤ 500 MB")),
        show(Figure(_NAME, f"peak memory, {FEW_EVENTS} events", f"{peaks[0]:.0f} MB")),
    ]


def _rounds(event_count: int) -> list[_Round]:
    console.print(f"{_NAME}: {ROUNDS} rounds of {event_count} events of {LISTINGS} listings")
    with (
        tempfile.TemporaryDirectory() as folder,
        throw_away_postgres(is_durable=True) as server,
        serving(event_count) as marketplace_url,
    ):
        database_url = server.url("postgres")
        apply_migrations(database_url)
        with connect(database_url) as connection:
            connection.execute(
                "insert into raw.tracked_events (event_id, interval_seconds) select generate_series(1, %s), 600",
                (event_count,),
            )
        no_rules = Path(folder) / "tracking.yaml"
        no_rules.write_text("rules: []\n")
        environment = {
            **os.environ,
            "TICKETMARTS_HOME": folder,
            "DATABASE_URL": database_url,
            "MARKETPLACE_BASE_URL": marketplace_url,
            "SCRAPER_REQUESTS_PER_SECOND": "1000000",
            "TRACKING_FILE": str(no_rules),
            "NO_PROXY": HOST,
        }
        return [_round(environment, event_count) for _ in range(ROUNDS)]


def _round(environment: dict[str, str], event_count: int) -> _Round:
    program = Path(sys.executable).with_name("ticketmarts")
    with subprocess.Popen([program, "scrape", "--json"], env=environment, stdout=subprocess.PIPE) as process:
        peak_bytes = _peak_bytes(process)
        answer = process.stdout.read() if process.stdout else b""
    report = json.loads(answer) if process.returncode == 0 else {}
    if report.get("captured") != event_count:
        sys.exit(f"error: the round ended with status {process.returncode}: {answer.decode()}")
    return _Round(report["seconds"], report["changes"], report["body_bytes"] / 1e6, peak_bytes / 1e6)


def _peak_bytes(process: subprocess.Popen[bytes]) -> int:
    """The most memory that a process has held, as far as looks now and then can tell."""
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return peak
