"""What is written for supervisord, and the checks before anything starts."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from ingestion.settings import Settings
from stack import ports, preflight
from stack.banner import banner_lines
from stack.errors import StackError
from stack.programs import Program, programs_for
from stack.supervision import Supervisor


def names(**settings: str) -> list[str]:
    return [
        program.name for program in programs_for(Settings(_env_file=None, api_server="lite", **settings), with_api=True)
    ]


def test_the_sandbox_runs_unless_there_is_a_marketplace(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MARKETPLACE_BASE_URL", raising=False)
    assert names() == ["sandbox", "api", "metrics", "dagster-webserver", "dagster-daemon"]
    assert "sandbox" not in names(marketplace_base_url="http://127.0.0.1:1")


def test_folders_with_odd_names_and_long_paths_work(tmp_path: Path):
    home = tmp_path / "a %(b)s; c" / ("long" * 30)
    home.mkdir(parents=True)
    supervisor = Supervisor(home, [Program("sleeper", ("/bin/sleep", "60"))], {"PATH": "/usr/bin:/bin"})
    supervisor.start()
    try:
        for _ in range(200):
            if supervisor.states() == {"sleeper": "RUNNING"}:
                break
            assert supervisor.is_alive(), (home / "logs" / "supervisord.out").read_text()
            time.sleep(0.05)
        assert supervisor.states() == {"sleeper": "RUNNING"}
    finally:
        supervisor.stop()
    assert not supervisor.is_alive()


def test_a_port_in_use_is_named_with_its_setting_and_its_user():
    with socket.create_server((ports.LOCALHOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {port} is in use by process \d+ .*set API_PORT"):
            ports.require_free(port, "API_PORT")
    ports.require_free(port, "API_PORT")


def test_two_programs_on_one_port_are_refused(tmp_path: Path):
    port = ports.free_port()
    programs = [Program("a", (), port, "API_PORT"), Program("b", (), port, "DAGSTER_PORT")]
    with pytest.raises(StackError, match="DAGSTER_PORT and API_PORT are both"):
        preflight.check(tmp_path, programs)


def test_the_banner_has_what_a_person_pastes():
    variables = {
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_ANON_KEY": "the-key",
        "MARKETPLACE_BASE_URL": "http://127.0.0.1:2",
        "DATABASE_URL": "postgresql://here",
    }
    text = "\n".join(
        banner_lines(
            variables,
            {"metrics": "http://127.0.0.1:4", "dagster-webserver": "http://127.0.0.1:3", "sandbox": "http://x"},
        )
    )
    for part in ("http://127.0.0.1:3", "apikey: the-key", "/openapi.json", "psql 'postgresql://here'", "(the sandbox)"):
        assert part in text


def test_the_banner_keeps_the_password_of_a_database_of_ones_own():
    variables = {"MARKETPLACE_BASE_URL": "http://127.0.0.1:2", "DATABASE_URL": "postgresql://u:secret@h/d"}
    text = "\n".join(
        banner_lines(variables, {"metrics": "http://127.0.0.1:4", "dagster-webserver": "http://127.0.0.1:3"})
    )
    assert "secret" not in text
    assert "curl" not in text
