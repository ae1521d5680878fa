"""The endpoint that Prometheus scrapes, and that dashboard and documentation speak of what it really gives."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from ingestion.alerts import Problem, evaluate
from ingestion.alerts.channels import Webhook
from ingestion.health import CHECKS
from ingestion.monitoring.collecting import PipelineCollector
from ingestion.monitoring.families import METRICS, PREFIX
from ingestion.settings import PROJECT_FOLDER, load_settings
from tests.integration.health.markets import INTERVAL_SECONDS, book, describe, fail, watch, write

_MAIN = [sys.executable, "-c", "from stack.cli import main; main()"]
_DASHBOARD = PROJECT_FOLDER / "deploy" / "grafana" / "ticketmarts.json"
_OPERATIONS = PROJECT_FOLDER / "docs" / "OPERATIONS.md"
_NOT_WITHOUT_MARTS = {"market_price_step_ratio", "marts_behind_seconds"}
_FUNCTIONS = {"sum", "or", "vector", "time", "topk"}


@contextmanager
def _served(database_url: str, home: Path) -> Iterator[str]:
    environment = {
        **os.environ,
        "TICKETMARTS_HOME": str(home),
        "DATABASE_URL": database_url,
        "DATABASE_DISK_GB": "1000",
        "COLUMNS": "200",
    }
    command = [*_MAIN, "metrics", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stderr is not None
            yield server.stderr.readline().strip().removeprefix("metrics at ")
        finally:
            server.terminate()


def _scrape(url: str) -> dict[str, Metric]:
    answer = httpx.get(url, trust_env=False, timeout=30).raise_for_status()
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def _values(families: dict[str, Metric], name: str) -> dict[tuple[str, ...], float]:
    family = families[PREFIX + name]
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def _fill(connection: psycopg.Connection[Any]) -> None:
    """A market in which there is something of everything to measure."""
    watch(connection, [7, 8, 9])
    describe(connection, 7, starts_in_hours=100)
    describe(connection, 9, starts_in_hours=100, state="gone")
    run_id = uuid4()
    write(connection, 7, [2000, 600, 90, 20, 3], book(3))
    write(connection, 8, [50], book(3))
    connection.execute("update raw.snapshots set run_id = %s where event_id = 7", (run_id,))
    fail(connection, 8, "timeout", count=3)
    connection.execute(
        """
        insert into raw.circuit_breakers (marketplace, opened_at, open_until, times_opened, kind, message)
        values ('https://m.example', now(), now() + interval '1 hour', 1, 'blocked', 'go away')
        """
    )
    connection.execute("update raw.snapshots set loaded_at = captured_at + interval '4 seconds' where event_id = 7")
    webhook = Webhook(SecretStr("http://127.0.0.1:1/"))
    evaluate(connection, {"database": [Problem("a", "b")], "dagster": [Problem("c", "d")]}, [webhook])
    connection.execute("update raw.alert_evaluations set round_ended_at = now(), round_seconds = 12.5")


def test_every_metric_is_served_with_its_labels_and_true_numbers(
    fresh_database_url: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    _fill(connection)
    with _served(fresh_database_url, tmp_path) as url:
        families = _scrape(url)
    assert {name for name in families if name.startswith(PREFIX)} == {PREFIX + name for name in METRICS}
    assert {name for name in METRICS if not families[PREFIX + name].samples} <= _NOT_WITHOUT_MARTS | {
        "database_growth_bytes_per_day",
        "disk_days_left",
    }
    for name, (about, labels) in METRICS.items():
        family = families[PREFIX + name]
        assert (family.documentation, family.type) == (about, "gauge")
        assert all(tuple(sample.labels) == labels for sample in family.samples), name
    assert _values(families, "database_up") == {(): 1}
    assert {check for (check,) in _values(families, "check_ok")} == {check.name for check in CHECKS}
    assert _values(families, "check_ok")["circuit_breaker",] == 0
    assert _values(families, "events_tracked") == {(): 2}
    assert _values(families, "events_overdue") == {(): 1}
    assert _values(families, "events_gone") == {(): 1}
    assert _values(families, "captures_last_hour") == {(): 3}
    assert _values(families, "failures_last_hour") == {("timeout",): 3}
    assert _values(families, "circuit_breakers_open") == {(): 1}
    assert _values(families, "round_seconds") == {(): 12.5}
    assert _values(families, "scrape_seconds")[()] == pytest.approx(4, abs=0.1)
    assert _values(families, "alerts_open") == {("database",): 1, ("dagster",): 1}
    assert _values(families, "alerts_untold") == {("webhook",): 2}
    oldest, youngest = _values(families, "event_capture_age_seconds").items()
    assert oldest == (("8", "without a name"), pytest.approx(50 * 60, abs=60))
    assert youngest == (("7", "The Game"), pytest.approx(3 * 60, abs=60))
    ages = _values(families, "capture_age_seconds")
    assert ages["1",] == oldest[1]
    evaluated_at = _values(families, "alerts_evaluated_timestamp_seconds")[()]
    assert evaluated_at == pytest.approx(datetime.now(UTC).timestamp(), abs=INTERVAL_SECONDS)
    parts = {part for (part,) in _values(families, "database_size_bytes")}
    assert parts == {"raw", "marts", "intermediate", "other"}


def test_an_empty_database_is_served_too(fresh_database_url: str, tmp_path: Path) -> None:
    with _served(fresh_database_url, tmp_path) as url:
        families = _scrape(url)
    assert _values(families, "events_tracked") == {(): 0}
    assert _values(families, "capture_age_seconds") == {}


def test_where_the_database_is_away_that_is_said_and_nothing_else(tmp_path: Path) -> None:
    with _served("postgresql://user:SECRET@127.0.0.1:1/none", tmp_path) as url:
        answer = httpx.get(url, trust_env=False, timeout=30)
        families = _scrape(url)
    assert answer.status_code == httpx.codes.OK
    assert {name: family.samples[0].value for name, family in families.items()} == {f"{PREFIX}database_up": 0}
    assert "SECRET" not in answer.text


def test_the_database_is_not_asked_for_each_scrape(
    fresh_database_url: str, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    settings = load_settings(with_running_stack=False, dotenv=tmp_path / "none.env", database_url=fresh_database_url)

    def tracked(collector: PipelineCollector) -> float:
        (family,) = (each for each in collector.collect() if each.name == f"{PREFIX}events_tracked")
        return family.samples[0].value

    remembering, asking = PipelineCollector(settings, 3600), PipelineCollector(settings, 0)
    assert (tracked(remembering), tracked(asking)) == (0, 0)
    watch(connection, [7])
    assert (tracked(remembering), tracked(asking)) == (0, 1)


def test_the_dashboard_asks_for_what_there_is(fresh_database_url: str, tmp_path: Path) -> None:
    with _served(fresh_database_url, tmp_path) as url:
        served = _scrape(url)
    targets = [target for panel in json.loads(_DASHBOARD.read_text())["panels"] for target in panel.get("targets", [])]
    asked: set[str] = set()
    for target in targets:
        words = set(re.findall(r"[a-z_]+", target["expr"])) - _FUNCTIONS
        assert words, target
        assert words <= served.keys(), f"the endpoint has no {words - served.keys()}"
        asked |= words
        (name,) = words
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= set(METRICS[name.removeprefix(PREFIX)][1])
    assert asked == {PREFIX + name for name in METRICS}, "a metric that no panel shows"


def test_the_documentation_names_every_metric_and_every_check() -> None:
    text = _OPERATIONS.read_text()
    documented = dict(re.findall(r"^\| `(ticketmarts_\w+)` \| ([^|]*) \|", text, flags=re.MULTILINE))
    assert documented == {
        PREFIX + name: ", ".join(f"`{label}`" for label in labels) for name, (_, labels) in METRICS.items()
    }
    assert {check.name for check in CHECKS} <= set(re.findall(r"^### `(\w+)`$", text, flags=re.MULTILINE))
