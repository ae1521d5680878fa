"""The units by what systemd itself says of them, and that the guide speaks of what is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from ingestion.settings import Settings
from tests.integration.deploy.units import DEPLOY, UNITS, read_unit, service_names, unit_names

EXPOSURE_LIMIT = 15
"""In tenths of systemd's scale, which goes to 100. What is left is network, which all of them need."""
STANDARD_UNITS = ("multi-user", "network-online", "network", "sysinit", "basic", "shutdown", "timers")
ACCOUNTS = {"ticketmarts", "ticketmarts-api"}
SECRET = re.compile(r"password|secret|token|key|://[^/\s]*@", re.IGNORECASE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of a server with the units, and with programs where they look for them."""
    root = tmp_path_factory.mktemp("server")
    folder = root / "etc" / "systemd" / "system"
    shutil.copytree(UNITS, folder)
    for name in STANDARD_UNITS:
        (folder / f"{name}.target").write_text(f"[Unit]\nDescription={name}\nDefaultDependencies=no\n")
    for name in service_names():
        unit = read_unit(name)
        for key in ("ExecStart", "ExecStartPost"):
            for line in unit.all(key):
                program = root / line.split()[0].lstrip("/")
                program.parent.mkdir(parents=True, exist_ok=True)
                program.write_text("#!/bin/sh\n")
                program.chmod(0o755)
    return root


def _analyze(server: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here: units are for systems with systemd")
    command = [program, arguments[0], f"--root={server}", *arguments[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_systemd_takes_every_unit(server: Path) -> None:
    ended = _analyze(server, "verify", "--recursive-errors=yes", *unit_names())
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_systemd_would_tell_of_a_mistake(server: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(server, broken)
    unit = broken / "etc" / "systemd" / "system" / "ticketmarts-daemon.service"
    unit.write_text(unit.read_text().replace("TimeoutStopSec", "TimoutStopSec"))
    ended = _analyze(broken, "verify", "--recursive-errors=yes", unit.name)
    assert ended.returncode != 0
    assert "Unknown key 'TimoutStopSec'" in ended.stderr


@pytest.mark.parametrize("name", service_names())
def test_a_service_may_do_little(server: Path, name: str) -> None:
    ended = _analyze(server, "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_LIMIT}", name)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("name", service_names())
def test_a_service_has_an_account_and_no_secret_in_its_unit(name: str) -> None:
    unit = read_unit(name)
    assert unit.one("User") in ACCOUNTS
    assert unit.all("EnvironmentFile")
    words = [*unit.all("Environment"), *unit.all("ExecStart"), *unit.all("ExecStartPost")]
    assert not [word for word in words if SECRET.search(word)]
    # Of two accounts, so that who serves requests cannot look into who owns the data.
    assert (unit.one("User") == "ticketmarts-api") == (unit.all("EnvironmentFile") == ("/etc/ticketmarts/api.env",))


def test_the_daemon_sees_the_processes_of_runs() -> None:
    # Of other units it sees none with this, and run monitoring ended a healthy round after six seconds.
    hiding = {name for name in service_names() if read_unit(name).all("ProtectProc")}
    assert hiding == set(service_names()) - {"ticketmarts-daemon.service"}


def test_a_worker_stops_after_the_runs_that_wait_for_it_and_before_its_steps_are_given_to_another() -> None:
    worker = read_unit("ticketmarts-worker.service")
    assert worker.one("Before", section="Unit") == "ticketmarts-code.service"
    minutes = int(worker.one("TimeoutStopSec").removesuffix("min"))
    assert minutes * 60 < Settings.model_fields["celery_redelivery_seconds"].default


def test_accounts_and_folders_are_made_before_they_are_needed() -> None:
    users = (DEPLOY / "sysusers.d" / "ticketmarts.conf").read_text().splitlines()
    assert {line.split()[1] for line in users if line.startswith("u")} == ACCOUNTS
    folders = (DEPLOY / "tmpfiles.d" / "ticketmarts.conf").read_text().splitlines()
    made = {line.split()[1] for line in folders if not line.startswith("#")}
    home = dict(part.split("=", 1) for part in read_unit("ticketmarts-daemon.service").all("Environment")[:2])
    assert {home["DAGSTER_HOME"], f"{home['DAGSTER_HOME']}/dagster.yaml", home["TICKETMARTS_HOME"]} <= made


def test_what_old_runs_leave_with_a_worker_is_taken_away(tmp_path: Path) -> None:
    program = shutil.which("systemd-tmpfiles")
    if program is None:
        pytest.skip("no systemd-tmpfiles here: it is systemd's")
    shutil.copytree(DEPLOY / "tmpfiles.d", tmp_path / "etc" / "tmpfiles.d")
    assignments = " ".join(read_unit("ticketmarts-worker.service").all("Environment")).split()
    home = dict(assignment.split("=", 1) for assignment in assignments)["DAGSTER_HOME"]
    storage = tmp_path / home.lstrip("/") / "storage"
    days = Settings.model_fields["retention_dagster_runs_days"].default
    for name, age_days in (("old", days + 1), ("recent", days - 1)):
        folder = storage / name / "compute_logs"
        folder.mkdir(parents=True)
        (folder / "step.out").touch()
        at = time.time() - timedelta(days=age_days).total_seconds()
        for path in (folder / "step.out", folder, folder.parent):
            os.utime(path, (at, at))
    subprocess.run([program, f"--root={tmp_path}", "--clean", "ticketmarts-worker.conf"], check=True, timeout=60)
    assert [path.name for path in storage.iterdir()] == ["recent"]
    assert (storage / "recent" / "compute_logs" / "step.out").exists()


def test_the_workspace_is_where_the_code_location_serves() -> None:
    (location,) = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"]
    words = read_unit("ticketmarts-code.service").one("ExecStart").split()
    assert words[words.index("--socket") + 1] == location["grpc_server"]["socket"]
    assert words[words.index("--location-name") + 1] == location["grpc_server"]["location_name"]


def test_the_guide_names_the_units_there_are() -> None:
    guide = (DEPLOY / "README.md").read_text()
    there = {path.name for path in UNITS.iterdir() if path.is_file()}
    named = set(re.findall(r"ticketmarts[\w-]*@?[$\w]*\.(?:service|target|timer)\b(?!\.d)", guide))
    assert {re.sub(r"@.*\.", "@.", name) for name in named} == there
    rows = re.findall(r"^\| `(ticketmarts[^`]*)` \| (.*?) \| (.*?) \| (.*?) \|$", guide, re.MULTILINE)
    table = {row[0]: row for row in rows}
    for name in service_names():
        unit = read_unit(name)
        row = table.get(re.sub(r"@.*\.", "@.", name))
        if row is not None:
            assert (row[2], row[3]) == (f"`{unit.one('User')}`", f"`{Path(unit.one('EnvironmentFile')).name}`"), name
        for port in re.findall(r"(\w+_PORT)=(\d+)", " ".join(unit.all("Environment"))):
            assert row is not None
            assert f"127.0.0.1:{port[1]} (`{port[0]}`)" in row[1]


def test_the_guide_lets_the_api_read_what_requests_may_and_no_more() -> None:
    guide = (DEPLOY / "README.md").read_text()
    granted = re.findall(r"\bgrant (.+) to api_introspector;", guide)
    assert granted == ["anon, authenticated, service_role"]
    assert "pg_read_all_data" not in guide


def test_the_guide_names_the_files_there_are() -> None:
    guide = (DEPLOY / "README.md").read_text()
    for path in re.findall(r"deploy/([\w./-]+)", guide):
        assert (DEPLOY / path).exists(), path
    read = {file for name in service_names() for file in read_unit(name).all("EnvironmentFile")}
    assert read == {f"/etc/ticketmarts/{name}.env" for name in ("ticketmarts", "api", "owner")}
    assert all(file in guide for file in read)
