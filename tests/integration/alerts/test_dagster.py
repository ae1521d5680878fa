"""What Dagster knows of problems: real runs, checks and ticks in an instance on PostgreSQL, as ours are."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.storage.tags import WILL_RETRY_TAG
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import PythonFileTarget
from dagster._daemon.types import DaemonHeartbeat
from dagster._scheduler.scheduler import launch_scheduled_runs
from pydantic import SecretStr

from ingestion.alerts import Problem, evaluate
from ingestion.alerts.channels import Webhook
from ingestion.database import connect
from ingestion.settings import PROJECT_FOLDER, Settings, load_settings
from orchestration.alerting.dagster_problems import (
    PATIENCE_SECONDS,
    SILENT_DAEMON_SECONDS,
    daemon_problems,
    dagster_problems,
)
from orchestration.alerting.evaluating import DagsterSaid, ask, evaluate_alerts
from orchestration.alerting.sensor import alerts
from orchestration.definitions import build_defs
from tests.integration.alerts import code_location
from tests.integration.alerts.receivers import WebhookReceiver
from tests.integration.health.markets import book, watch, write

_DAGSTER = "dagster"


class Words:
    """What the code location is to do."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.say()

    def say(self, *words: str) -> None:
        """These and no others."""
        self._path.write_text(" ".join(words))


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Words:
    monkeypatch.setenv("TEST_WORDS_FILE", str(tmp_path / "words"))
    return Words(tmp_path / "words")


@pytest.fixture
def dagster_home(empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with our dagster.yaml, whose database is a real one."""
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(PROJECT_FOLDER / "dagster.yaml", home)
    url = empty_database_url.replace("postgresql://", "postgresql+psycopg2://", 1)
    monkeypatch.setenv("DAGSTER_DATABASE_URL", url)
    return home


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        yield instance


@pytest.fixture
def settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_database_url: str, webhook: WebhookReceiver
) -> Settings:
    """Those of a pipeline whose problems go to the webhook."""
    monkeypatch.setenv("TICKETMARTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("DATABASE_DISK_GB", "1000")
    monkeypatch.setenv("ALERT_WEBHOOK_URL", webhook.url)
    return load_settings(with_running_stack=False, dotenv=tmp_path / "none.env")


@pytest.fixture
def repository() -> dg.RepositoryDefinition:
    return code_location.build_code_location().get_repository_def()


def _run(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, job: str = "count") -> str:
    return repository.get_job(job).execute_in_process(instance=instance, raise_on_error=False).run_id


def _beat(instance: dg.DagsterInstance, daemon: str, age_seconds: float = 0) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - age_seconds, daemon, "an-id", []))


def test_a_failed_run_reaches_the_webhook_once_and_its_recovery_too(
    instance: dg.DagsterInstance,
    repository: dg.RepositoryDefinition,
    words: Words,
    webhook: WebhookReceiver,
    fresh_database_url: str,
) -> None:
    began_at = datetime.now(UTC)

    def evaluate_at(minute: int) -> None:
        with connect(fresh_database_url) as connection:
            found = {_DAGSTER: dagster_problems(instance, repository)}
            evaluate(connection, found, [Webhook(SecretStr(webhook.url))], began_at + timedelta(minutes=minute))

    _run(instance, repository)
    evaluate_at(0)
    assert webhook.texts == []
    words.say("run_fails")
    failed = _run(instance, repository)
    evaluate_at(1)
    again = _run(instance, repository)
    evaluate_at(2)
    (text,) = webhook.texts
    assert text.splitlines() == [
        "ticketmarts: 1 problem",
        "PROBLEM run count: the newest run of the job count failed",
        f"    - run {failed}: numbers: ValueError: invalid literal for int() with base 10: 'the cause:\\nno number'",
        f"    What to do: Open the run in Dagster (/runs/{failed}); the next one that succeeds ends this alert.",
    ]
    assert again in dagster_problems(instance, repository)[0].what_to_do
    # A crashed run that is made again is no problem before that one has failed, too.
    instance.add_run_tags(again, {WILL_RETRY_TAG: "true"})
    assert dagster_problems(instance, repository) == []
    instance.add_run_tags(again, {WILL_RETRY_TAG: "false"})
    assert len(dagster_problems(instance, repository)) == 1
    words.say()
    _run(instance, repository)
    evaluate_at(11)
    evaluate_at(12)
    evaluate_at(13)
    assert webhook.texts[1:] == ["ticketmarts: 1 over\nOver: run count, after 11 min"]


def test_a_failed_backfill_is_a_failed_run(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, words: Words
) -> None:
    words.say("run_fails")
    _run(instance, repository, "__ASSET_JOB")
    assert [problem.name for problem in dagster_problems(instance, repository)] == ["run_by_hand"]


def test_a_failing_check_is_a_problem_until_it_passes(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, words: Words
) -> None:
    words.say("check_fails")
    run_id = _run(instance, repository)
    (problem,) = dagster_problems(instance, repository)
    assert problem.name == "check_numbers_is_right"
    assert problem.summary == "the check is_right of the asset numbers fails"
    assert problem.details == ("1 is compared",)
    assert f"/runs/{run_id}" in problem.what_to_do
    # The next run dies before it comes to the check: the last word stands.
    words.say("run_fails")
    _run(instance, repository)
    assert {each.name for each in dagster_problems(instance, repository)} == {"run_count", "check_numbers_is_right"}
    words.say()
    _run(instance, repository)
    assert dagster_problems(instance, repository) == []


def test_a_schedule_that_fails_or_is_silent_is_a_problem(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, words: Words
) -> None:
    now = datetime.now(UTC)
    target = PythonFileTarget(
        python_file=str(Path(code_location.__file__)), attribute="defs", working_directory=None, location_name="small"
    )
    with create_test_daemon_workspace_context(target, instance) as workspace:

        def tick_until(at: datetime) -> list[Problem]:
            for _ in launch_scheduled_runs(workspace, logging.getLogger("scheduler"), at, {}):
                pass
            return dagster_problems(instance, repository)

        (never,) = tick_until(now - timedelta(hours=3))  # on since then, and no tick yet
        assert never.name == "schedule_every_ten_minutes"
        assert never.summary.startswith("the schedule every_ten_minutes has not ticked for 3 h ")
        assert never.summary.endswith(", nor ever")
        assert never.patience_seconds == PATIENCE_SECONDS
        (silent,) = tick_until(now - timedelta(hours=2))
        assert silent.name == "schedule_every_ten_minutes"
        assert silent.summary.startswith("the schedule every_ten_minutes has not ticked for 2 h ")
        assert silent.patience_seconds == PATIENCE_SECONDS
        assert tick_until(now) == []
        words.say("schedule_fails")
        (failing,) = tick_until(now + timedelta(minutes=10))
        assert failing.summary == "the schedule every_ten_minutes fails"
        assert "tracking.yaml is wrong" in failing.details[0]
        words.say()
        # It does not fail any more; that its ticks are of the future by now is another matter.
        (ahead,) = tick_until(now + timedelta(minutes=20))
        assert "has ticked for an instant that is yet to come" in ahead.summary
        (state,) = instance.all_instigator_state()
        assert state.instigator_name == "every_ten_minutes"


def test_a_schedule_counts_from_its_start_where_that_is_newer_than_its_ticks(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, words: Words
) -> None:
    words.say()
    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("localhost", 1, location_name="small"), "__repository__"),
        "every_ten_minutes",
    )

    def state_since(started_at: datetime, status: InstigatorStatus = InstigatorStatus.RUNNING) -> InstigatorState:
        data = ScheduleInstigatorData("*/10 * * * *", started_at.timestamp())
        return InstigatorState(origin, InstigatorType.SCHEDULE, status, data)

    def problems_since(started_at: datetime) -> list[str]:
        instance.update_instigator_state(state_since(started_at))
        return [problem.summary for problem in dagster_problems(instance, repository)]

    now = datetime.now(UTC)
    state = state_since(now)
    instance.add_instigator_state(state)
    assert problems_since(now - timedelta(minutes=1)) == []
    (summary,) = problems_since(now - timedelta(minutes=90))
    assert summary.startswith("the schedule every_ten_minutes has not ticked for 1 h 30 min")
    (summary,) = problems_since(now + timedelta(hours=5))
    assert "was started at an instant that is yet to come" in summary
    # Off for a day, and on again: what it has missed meanwhile, it was not to do.
    day_ago = (now - timedelta(days=1)).timestamp()
    whose = (state.instigator_origin_id, state.instigator_name, InstigatorType.SCHEDULE)
    tick = TickData(*whose, TickStatus.SKIPPED, day_ago, selector_id=state.selector_id)
    instance.create_tick(tick)
    assert problems_since(now - timedelta(minutes=1)) == []
    (summary,) = problems_since(now - timedelta(days=2))
    assert summary == "the schedule every_ten_minutes has not ticked for 1 d 0 h"
    instance.update_instigator_state(state_since(now - timedelta(days=2), InstigatorStatus.STOPPED))
    assert dagster_problems(instance, repository) == []


def test_a_daemon_that_is_silent_or_never_spoke_is_a_problem(instance: dg.DagsterInstance) -> None:
    needed = sorted(instance.get_required_daemon_types())
    assert {"SCHEDULER", "SENSOR"} < set(needed)
    (problem,) = daemon_problems(instance)
    assert (problem.name, problem.patience_seconds) == ("daemon", PATIENCE_SECONDS)
    assert problem.summary == "dagster-daemon never reported: no schedule runs"
    assert problem.details == tuple(f"{daemon}: never" for daemon in needed)
    for daemon in needed[1:]:
        _beat(instance, daemon, 60)
    (problem,) = daemon_problems(instance)
    assert problem.details == (f"{needed[0]}: never",)
    _beat(instance, needed[0], 60)
    assert daemon_problems(instance) == []
    _beat(instance, "SCHEDULER", SILENT_DAEMON_SECONDS + 3600)
    _beat(instance, "A_DAEMON_OF_AN_OLDER_RELEASE", SILENT_DAEMON_SECONDS + 3600)
    (problem,) = daemon_problems(instance)
    assert (problem.name, problem.details) == ("daemon", ("SCHEDULER: 1 h 5 min",))
    _beat(instance, "SCHEDULER")
    assert daemon_problems(instance) == []


def test_the_sensor_of_our_definitions_tells_and_says_so(
    instance: dg.DagsterInstance, webhook: WebhookReceiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = build_defs().get_repository_def()
    assert [sensor.name for sensor in repository.sensor_defs] == ["alerts"]
    for daemon in instance.get_required_daemon_types():
        _beat(instance, daemon)
    with connect(settings.require_database_url()) as connection:
        watch(connection, [7])
        write(connection, 7, [50], book(3))

    def said() -> str:
        with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
            answer = alerts(context)
        assert isinstance(answer, dg.SkipReason)
        return answer.skip_message or ""

    assert said() == "2 problems are open; webhook was told: ticketmarts: 2 problems"
    assert said() == "2 problems are open"
    assert webhook.requests == 1
    monkeypatch.setenv("TICKETMARTS_ENV", "passive")
    assert list(build_defs().get_repository_def().sensor_defs) == []


def test_a_storage_of_dagsters_that_is_away_is_a_problem_and_closes_nothing(
    dagster_home: Path, words: Words, settings: Settings, monkeypatch: pytest.MonkeyPatch, webhook: WebhookReceiver
) -> None:
    repository = code_location.build_code_location().get_repository_def()
    words.say("run_fails")
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        _run(instance, repository)
        for daemon in instance.get_required_daemon_types():
            _beat(instance, daemon)
        assert evaluate_alerts(settings, lambda: ask(instance, repository)).open_problems == 1
    monkeypatch.setenv("DAGSTER_DATABASE_URL", "postgresql+psycopg2://user:SECRET@127.0.0.1:1/none")

    def ask_in_vain() -> DagsterSaid:
        with dg.DagsterInstance.from_config(str(dagster_home)) as away:
            return ask(away, repository)

    assert evaluate_alerts(settings, ask_in_vain).open_problems == 2
    assert "PROBLEM dagster storage: Dagster's own database cannot be asked (" in webhook.texts[1]
    assert "SECRET" not in str(webhook.texts)
