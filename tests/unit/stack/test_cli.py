"""The command line: one clear line for what goes wrong, the right exit status, and quick help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from ingestion.settings import SettingsError
from stack.cli import describe, modules_for

_PROGRAM = Path(sys.executable).parent / "ticketmarts"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_PROGRAM, *arguments], check=False, capture_output=True, text=True, env={**os.environ, **environment}
    )


@pytest.mark.parametrize(
    ("arguments", "modules"),
    [
        (["up", "--help"], ["stack.commands"]),
        (["--debug", "track", "list"], ["ingestion.commands.track"]),
        (["sandbox", "serve"], ["sandbox.cli"]),
        (["build"], ["orchestration.cli"]),
    ],
)
def test_only_the_module_of_the_command_is_imported(arguments: list[str], modules: list[str]):
    assert modules_for(arguments) == modules


@pytest.mark.parametrize("arguments", [[], ["--help"], ["nonsense"]])
def test_help_and_typing_errors_see_every_command(arguments: list[str]):
    assert len(modules_for(arguments)) == 9


def test_a_token_is_signed_with_this_data_folders_secret(tmp_path: Path):
    result = run("token", "--user", "ada", "--hours", "1", TICKETMARTS_HOME=str(tmp_path))
    assert result.returncode == 0, result.stderr
    secret = json.loads((tmp_path / "keys.json").read_text())["jwt_secret"]
    claims = jwt.decode(result.stdout.strip(), secret, algorithms=["HS256"])
    assert (claims["role"], claims["sub"], claims["exp"] - claims["iat"]) == ("authenticated", "ada", 3600)


def test_our_own_errors_are_one_line_and_status_1(tmp_path: Path):
    result = run("migrate", TICKETMARTS_HOME=str(tmp_path), DATABASE_URL="")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: no database: DATABASE_URL is not set")
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_is_named(tmp_path: Path):
    result = run("migrate", TICKETMARTS_HOME=str(tmp_path), API_PORT="80")
    assert result.returncode == 1
    assert "API_PORT" in result.stderr


def test_wrong_use_is_status_2():
    assert run("up", "--history-days", "many").returncode == 2


def test_an_unforeseen_error_leaves_its_trace_in_a_file():
    with pytest.raises(ZeroDivisionError) as raised:
        divmod(1, 0)
    line = describe(raised.value)
    trace = Path(line.partition("the trace is in ")[2].partition(",")[0])
    assert "divmod(1, 0)" in trace.read_text()
    trace.unlink()
    assert describe(SettingsError("say this")) == "say this"
