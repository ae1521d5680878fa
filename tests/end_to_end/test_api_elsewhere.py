"""`make test-api API_URL=…`: the tests of the API, pointed at a server that they have not started."""

from __future__ import annotations

import os
import re
import subprocess

import psycopg

from ingestion.settings import PROJECT_FOLDER, load_settings
from orchestration.building import build_marts
from tests.conftest import ApiServer

# One module of the suite, which is long.
_OPTIONS = "-q -p no:cacheprovider -k test_refusals"


def _make_test_api(**variables: str) -> subprocess.CompletedProcess[str]:
    """Without what this run of tests has told its own workers."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "API_"))}
    assignments = [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run(
        ["make", "--no-print-directory", "test-api", *assignments],
        cwd=PROJECT_FOLDER,
        env={**environment, "PYTEST_ADDOPTS": _OPTIONS},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _outcomes(text: str) -> dict[str, int]:
    return {outcome: int(count) for count, outcome in re.findall(r"(\d+) (passed|failed|skipped|error)", text)}


def test_the_suite_runs_against_another_server(api_server: ApiServer, database_url: str) -> None:
    build_marts(load_settings(with_running_stack=False, database_url=database_url))
    url, keys = api_server.url, api_server.keys

    with_a_key = _make_test_api(API_URL=url, API_KEY=keys.anon_key)
    assert with_a_key.returncode == 0, with_a_key.stdout
    outcomes = _outcomes(with_a_key.stdout)
    assert outcomes["passed"] > 10
    assert outcomes["skipped"] > 10, "what needs more than a key"

    all_of_it = {
        "API_SERVICE_KEY": keys.service_key,
        "API_JWT_SECRET": keys.jwt_secret,
        "API_DATABASE_URL": database_url,
    }
    whole = _make_test_api(API_URL=url, API_KEY=keys.anon_key, **all_of_it)
    assert whole.returncode == 0, whole.stdout
    assert set(_outcomes(whole.stdout)) == {"passed"}, whole.stdout

    with psycopg.connect(database_url) as connection:
        connection.execute("insert into raw.tracked_events (event_id, interval_seconds) values (1, 600)")
    in_use = _make_test_api(API_URL=url, API_KEY=keys.anon_key, **all_of_it)
    assert in_use.returncode != 0
    assert "API_DATABASE_URL holds events of somebody" in in_use.stdout + in_use.stderr
