"""What dagster.yaml says of healing, as Dagster understands it; and the drills that the document names."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin
from dagster._core.run_coordinator import QueuedRunCoordinator

from ingestion.settings import PROJECT_FOLDER
from orchestration.definitions import build_defs
from orchestration.rounds import ROUND_TAGS
from orchestration.run_launcher import WatchedRunLauncher, is_of_this_machine


@pytest.fixture
def instance(empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    shutil.copy(PROJECT_FOLDER / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_DATABASE_URL", empty_database_url.replace("postgresql://", "postgresql+psycopg2://", 1))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def test_a_crashed_run_is_noticed_within_a_minute_and_only_such_a_one_is_made_again_once(
    instance: dg.DagsterInstance,
) -> None:
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_poll_interval_seconds <= 60
    assert 0 < instance.run_monitoring_settings["free_slots_after_run_end_seconds"] <= 60
    assert isinstance(instance.run_launcher, WatchedRunLauncher)
    assert instance.run_launcher.supports_check_run_worker_health
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries == 1
    assert not instance.run_retries_retry_on_asset_or_op_failure


@pytest.mark.parametrize(
    ("address", "is_here"), [({"socket": "/run/ticketmarts/code.sock"}, True), ({"port": 4000}, False)]
)
def test_runs_of_a_code_server_are_watched_where_it_can_only_be_here(address: dict[str, Any], is_here: bool) -> None:
    assert is_of_this_machine(GrpcServerCodeLocationOrigin(host="code", **address)) is is_here


def test_one_round_is_let_out_of_the_queue_at_a_time(instance: dg.DagsterInstance) -> None:
    queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == 4
    (limit,) = queue.tag_concurrency_limits
    assert (limit["limit"], limit["value"]) == (1, {"applyLimitPerUniqueValue": True})
    ((key, value),) = ROUND_TAGS.items()
    assert limit["key"] == key
    tags = {job.name: job.tags.get(key) for job in build_defs().resolve_all_job_defs()}
    assert {name for name, tag in tags.items() if tag == value} == {"round"}


def test_a_round_waits_in_the_queue_for_a_second_at_most(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
    assert instance.run_coordinator.dequeue_interval_seconds == 1


def test_every_trouble_in_the_document_has_its_drill_and_every_drill_its_trouble() -> None:
    text = (PROJECT_FOLDER / "docs" / "OPERATIONS.md").read_text()
    section = text.partition("## What happens when…")[2].partition("\n### ")[0]
    troubles = [line.rstrip(" |").rpartition("|")[2] for line in section.splitlines() if line.startswith("|")][2:]
    named = {drill for trouble in troubles for drill in re.findall(r"`(\w+/test_\w+)`", trouble)}
    folder = PROJECT_FOLDER / "tests" / "integration"
    assert all("`" in trouble for trouble in troubles)
    assert [drill for drill in named if not (folder / f"{drill}.py").exists()] == []
    drills = {f"healing/{path.stem}" for path in (folder / "healing").glob("test_*.py")}
    assert drills - named == {"healing/test_configuration"}
