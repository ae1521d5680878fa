"""Every service of the units, started as its unit says, does its work, and stops when it is told to."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import redis
from psycopg.conninfo import conninfo_to_dict

from orchestration.partitions import day_of
from stack import ports
from stack.api import api_environment
from stack.keys import Keys
from stack.postgres_cluster import PostgresServer
from tests.integration.deploy.services import Server
from tests.integration.deploy.units import RELEASE, service_names
from tests.integration.orchestration.celery_cluster import running_redis, wait_until

CODE, WEBSERVER, DAEMON = (f"ticketmarts-{name}.service" for name in ("code", "webserver", "daemon"))
METRICS, API, WORKER = (f"ticketmarts-{name}.service" for name in ("metrics", "api", "worker"))
ALERTS, MIGRATE = "ticketmarts-alerts.service", f"ticketmarts-migrate@{RELEASE}.service"
POSTGREST = "ticketmarts-postgrest.service"
LONG_RUNNING = (CODE, WEBSERVER, DAEMON, METRICS, API, WORKER)
SHARD_STEPS = ["snapshots.shard_1_of_2", "snapshots.shard_2_of_2"]
LATER_STEPS = ["snapshots.sum_up", "snapshots_health"]
_SECONDS = 90
_DAGSTER_DATABASE = "dagster_of_services"

LAUNCH = """
mutation ($job: String!, $assets: [AssetKeyInput!], $tags: [ExecutionTag!]) {
  launchRun(executionParams: {
    selector: {
      repositoryLocationName: "ticketmarts", repositoryName: "__repository__", jobName: $job, assetSelection: $assets
    }
    mode: "default", executionMetadata: {tags: $tags}
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}
"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries {
  name loadStatus locationOrLoadError { __typename ... on PythonError { message } }
} } } }
"""
EVENTS = """
query ($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  __typename
  ... on MessageEvent { stepKey }
  ... on EngineEvent { metadataEntries { label ... on TextMetadataEntry { text } } }
} } } }
"""
DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis with a password, as the guide has it."""
    password = token_hex(16)
    with running_redis(tmp_path_factory.mktemp("redis")) as url, redis.Redis.from_url(url) as client:
        client.config_set("requirepass", password)
        yield url.replace("//", f"//:{password}@")


@pytest.fixture(scope="module")
def server(
    postgres_server: PostgresServer,
    database_url: str,
    broker_url: str,
    api_keys: Keys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """All services that run for long, ready; with no event to scrape, and no schedule that could be due."""
    if shutil.which("curl", path="/usr/bin") is None:
        pytest.skip("no /usr/bin/curl here, with which units see that a service answers")
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {_DAGSTER_DATABASE}".encode())
    dagster_url = postgres_server.url(_DAGSTER_DATABASE).replace("postgresql://", "postgresql+psycopg2://")
    folder = tmp_path_factory.mktemp("server")
    settings = {
        "ticketmarts.env": {
            "DATABASE_URL": database_url,
            "DAGSTER_DATABASE_URL": dagster_url,
            "MARKETPLACE_BASE_URL": "http://127.0.0.1:1",
            "TICKETMARTS_ENV": "passive",
            "TRACKING_FILE": str(folder / "etc" / "tracking.yaml"),
            "DAGSTER_PORT": str(ports.free_port()),
            "METRICS_PORT": str(ports.free_port()),
            "CELERY_BROKER_URL": broker_url,
            "SCRAPER_SHARDS": str(len(SHARD_STEPS)),
        },
        "owner.env": {"DATABASE_URL": database_url},
        "api.env": api_environment(
            postgres_server, str(conninfo_to_dict(database_url)["dbname"]), api_keys, ports.free_port(), None
        ),
    }
    made = Server(folder, settings)
    try:
        made.start(CODE)
        made.wait_until_ready(CODE)
        for name in LONG_RUNNING[1:]:
            made.start(name)
        for name in LONG_RUNNING[1:]:
            made.wait_until_ready(name)
        yield made
    finally:
        made.kill_all()
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"drop database {_DAGSTER_DATABASE} with (force)".encode())


def _ask_dagster(server: Server, query: str, **variables: Any) -> Any:
    url = f"http://127.0.0.1:{server.settings['ticketmarts.env']['DAGSTER_PORT']}/graphql"
    answer = httpx.post(url, json={"query": query, "variables": variables}, trust_env=False, timeout=60)
    return answer.raise_for_status().json()["data"]


def _launch(server: Server, job: str = "housekeeping", **more: Any) -> str:
    launched = _ask_dagster(server, LAUNCH, job=job, **more)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id: str = launched["run"]["runId"]
    return run_id


def _wait_for(server: Server, run_id: str, *statuses: str) -> str:
    deadline = time.monotonic() + _SECONDS
    while (status := _ask_dagster(server, STATUS, id=run_id)["runOrError"]["status"]) not in statuses:
        assert time.monotonic() < deadline, (status, server.journal(CODE), server.journal(DAEMON))
        time.sleep(0.2)
    return str(status)


def _steps_taken(server: Server, run_id: str) -> list[tuple[str, str]]:
    """The steps that workers have begun, as often as they have, each with the worker's name."""
    events = _ask_dagster(server, EVENTS, id=run_id)["logsForRun"]["events"]
    return sorted(
        (event["stepKey"], entry["text"])
        for event in events
        for entry in event.get("metadataEntries", ())
        if entry["label"] == "Celery worker"
    )


def _steps_done(server: Server, run_id: str) -> list[str]:
    events = _ask_dagster(server, EVENTS, id=run_id)["logsForRun"]["events"]
    return sorted(event["stepKey"] for event in events if event["__typename"] == "ExecutionStepSuccessEvent")


def test_every_service_is_started_here() -> None:
    # PostgREST cannot be installed by pip or npm; its unit is checked with the others in test_units.
    assert set(service_names()) == {*LONG_RUNNING, ALERTS, MIGRATE, POSTGREST}


def test_the_webserver_has_loaded_the_code_location(server: Server) -> None:
    (location,) = _ask_dagster(server, LOCATIONS)["workspaceOrError"]["locationEntries"]
    assert location["locationOrLoadError"]["__typename"] == "RepositoryLocation", location
    assert (location["name"], location["loadStatus"]) == ("ticketmarts", "LOADED")


def test_the_daemon_reports(server: Server) -> None:
    deadline = time.monotonic() + _SECONDS
    silent = [""]
    while silent and time.monotonic() < deadline:
        statuses = _ask_dagster(server, DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        silent = [status["daemonType"] for status in statuses if status["required"] and not status["healthy"]]
        time.sleep(0.2)
    assert silent == [], server.journal(DAEMON)


def test_prometheus_is_answered(server: Server) -> None:
    port = server.settings["ticketmarts.env"]["METRICS_PORT"]
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=30)
    assert "ticketmarts_database_up 1.0" in answer.raise_for_status().text.splitlines()


def test_clients_are_answered(server: Server, api_keys: Keys) -> None:
    url = f"http://127.0.0.1:{server.settings['api.env']['API_PORT']}/rest/v1/event_live"
    answer = httpx.get(url, headers={"apikey": api_keys.anon_key}, trust_env=False, timeout=30)
    # Nothing was built, so there is no such view: the database has been asked.
    assert (answer.status_code, answer.json()["code"]) == (404, "PGRST205")


def test_alerts_are_evaluated(server: Server) -> None:
    assert server.run(ALERTS) == 0, server.journal(ALERTS)
    assert "problems are open" in server.journal(ALERTS)
    assert "there is no Dagster to ask" not in server.journal(ALERTS)


def test_an_evaluation_that_could_not_be_made_is_a_failure(server: Server) -> None:
    assert server.run(ALERTS, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none") == 1


def test_the_owner_migrates(server: Server) -> None:
    assert server.run(MIGRATE) == 0, server.journal(MIGRATE)
    assert "nothing to apply: the database is up to date" in server.journal(MIGRATE)


def test_a_new_release_of_the_code_waits_for_the_run_that_is_on(server: Server) -> None:
    run_id = _launch(server)
    _wait_for(server, run_id, "STARTED", "SUCCESS")

    server.ask_to_stop(CODE)
    server.wait_until_stopped(CODE)
    assert _wait_for(server, run_id, "SUCCESS", "FAILURE") == "SUCCESS"
    (server.folder / "run" / "code.sock").unlink(missing_ok=True)  # systemd removes the folder
    server.start(CODE)
    server.wait_until_ready(CODE)

    # Webserver and daemon are still those of before.
    assert _wait_for(server, _launch(server), "SUCCESS", "FAILURE") == "SUCCESS"


def test_a_worker_that_is_told_to_stop_ends_its_steps_and_takes_no_more(server: Server, database_url: str) -> None:
    here = f"celery@{socket.gethostname()}"
    with psycopg.connect(database_url) as connection:
        connection.execute("lock table raw.tracked_events in access exclusive mode")
        day = {"key": "dagster/partition", "value": day_of(datetime.now(UTC))}
        run_id = _launch(server, "round", assets=[{"path": ["snapshots"]}], tags=[day])
        wait_until(lambda: len(_steps_taken(server, run_id)) == len(SHARD_STEPS), "both processes at a step", _SECONDS)
        server.ask_to_stop(WORKER)
        wait_until(lambda: "Warm shutdown" in server.journal(WORKER), "the worker to hear of it")
        assert server.running[WORKER].poll() is None, "it waits for its steps, and they for the table"
    assert server.wait_until_stopped(WORKER) == 0, server.journal(WORKER)
    assert _steps_done(server, run_id) == SHARD_STEPS

    server.start(WORKER)
    server.wait_until_ready(WORKER)
    assert _wait_for(server, run_id, "SUCCESS", "FAILURE") == "SUCCESS"
    assert _steps_taken(server, run_id) == [(step, here) for step in SHARD_STEPS + LATER_STEPS]


def test_no_secret_is_in_sight(server: Server, api_keys: Keys, broker_url: str) -> None:
    urls = (server.settings["ticketmarts.env"]["DATABASE_URL"], broker_url)
    passwords = {str(urlsplit(url).password) for url in urls}
    secrets = passwords | {api_keys.jwt_secret, api_keys.service_key, api_keys.authenticator_password}
    words = [word for command in server.command_lines() for word in command]
    assert len(words) > len(LONG_RUNNING)
    written = [path.read_text(errors="replace") for path in _files(server.folder) if path.parent.name != "etc"]
    assert not [text for text in (*words, *written) if any(secret in text for secret in secrets)]
    assert all(path.stat().st_mode & 0o077 == 0 for path in _files(server.folder / "state"))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def test_all_stop_when_they_are_told_to(server: Server) -> None:
    for name in LONG_RUNNING:
        server.ask_to_stop(name)
    statuses = {name: server.wait_until_stopped(name) for name in LONG_RUNNING}
    assert statuses[WORKER] == 0, server.journal(WORKER)
