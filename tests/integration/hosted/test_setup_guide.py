"""docs/SUPABASE_SETUP.md: its shell blocks, in order, lead from an empty project to a served one."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from ingestion.settings import PROJECT_FOLDER
from sandbox.catalogue import featured_events
from sandbox.randomness import DEFAULT_SEED
from sandbox.server import app_of
from stack import ports
from stack.api import give_roles_passwords
from stack.keys import make_keys
from tests.conftest import ApiServer, running_api
from tests.integration.hosted.conftest import (
    OWNER,
    PASSWORD,
    PIPELINE_ROLES,
    HostedProject,
    empty_project,
    oldest_version,
)
from tests.integration.ingestion.marketplaces import RememberingSandbox, serving
from tests.integration.marts.warehouse import DATABASE

PAGE = PROJECT_FOLDER / "docs" / "SUPABASE_SETUP.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_OF_THE_PROJECT = re.compile(r"^```sh project\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def empty() -> Iterator[HostedProject]:
    """An empty project, on the oldest PostgreSQL there is."""
    with empty_project(oldest_version()) as project:
        yield project


@pytest.fixture(scope="module")
def api(empty: HostedProject) -> Iterator[ApiServer]:
    """The API of the project, there before anything is."""
    keys = make_keys()
    give_roles_passwords(empty.server, keys)
    with running_api(empty.server, DATABASE, keys) as server:
        yield server


def test_the_guide_leads_to_served_marts(empty: HostedProject, api: ApiServer, tmp_path: Path) -> None:
    blocks = _BLOCK.findall(PAGE.read_text())
    assert len(blocks) >= 8
    (tmp_path / "tracking.yaml").write_text("rules: []\n")
    events = sorted(featured_events(datetime.now(UTC), 24), key=lambda event: event.peak_listings)[:2]
    address = f'echo "postgresql://$1:$2@{ports.LOCALHOST}:{empty.server.port}/{DATABASE}?sslmode=disable"'
    as_on_the_project = [
        f"address() {{ {address}; }}",
        f"export OWNER_URL=$(address {OWNER} {PASSWORD})",
        "make() { :; }",  # what it installs is there
    ]
    with serving(app_of(RememberingSandbox(), DEFAULT_SEED)) as marketplace_url:
        environment = {
            **os.environ,
            "TICKETMARTS_HOME": str(tmp_path),
            "TRACKING_FILE": str(tmp_path / "tracking.yaml"),
            "MARKETPLACE_BASE_URL": marketplace_url,
            "SCRAPER_REQUESTS_PER_SECOND": "1000",
            "SUPABASE_URL": api.url,
            "SUPABASE_ANON_KEY": api.keys.anon_key,
            "SUPABASE_SERVICE_KEY": api.keys.service_key,
            "EVENTS": " ".join(str(event.event_id) for event in events),
            "NO_PROXY": ports.LOCALHOST,
            "DO_NOT_TRACK": "1",
        }
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-x", "-c", "\n".join((*as_on_the_project, *blocks))],
            check=False,
            capture_output=True,
            text=True,
            cwd=PROJECT_FOLDER,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=240,
        )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert "the advisors have nothing to say" in ended.stdout
    assert not re.search(r"│ failed +│", ended.stdout), ended.stdout
    with psycopg.connect(empty.superuser_url) as connection:
        served = connection.execute("select count(*) from public.event_live").fetchone()
        logins = connection.execute(
            "select rolname from pg_authid where rolcanlogin and rolpassword like 'SCRAM-SHA-256$%' order by 1"
        ).fetchall()
    assert served == (len(events),)
    assert {name for (name,) in logins} >= set(PIPELINE_ROLES)


def test_blocks_that_need_the_project_are_at_least_shell() -> None:
    blocks = _OF_THE_PROJECT.findall(PAGE.read_text())
    assert len(blocks) >= 4
    for block in blocks:
        parsed = subprocess.run(["bash", "-n", "-c", block], check=False, capture_output=True, text=True)
        assert parsed.returncode == 0, parsed.stderr
