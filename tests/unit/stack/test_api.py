"""Which server answers at the local API, and that both are told of the same limits."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from stack.api import postgrest_command
from stack.errors import StackError
from stack.node import SUPABASE_FOLDER


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path with a program `postgrest` on it."""
    program = tmp_path / "postgrest"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def test_postgrest_answers_where_it_is_installed(installed: Path) -> None:
    command = [str(installed), str(SUPABASE_FOLDER / "postgrest.conf")]
    assert postgrest_command("auto") == postgrest_command("postgrest") == command
    assert postgrest_command("lite") is None


def test_without_postgrest_the_other_server_answers_unless_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert postgrest_command("auto") is None
    assert postgrest_command("lite") is None
    with pytest.raises(StackError, match=r"no program `postgrest`.*API_SERVER to lite"):
        postgrest_command("postgrest")


def test_every_server_has_the_same_limits_and_schema() -> None:
    hosted = tomllib.loads((SUPABASE_FOLDER / "config.toml").read_text())["api"]
    own = dict(
        re.findall(r'^([a-z-]+) = "?([^"\n]*)"?$', (SUPABASE_FOLDER / "postgrest.conf").read_text(), re.MULTILINE)
    )
    local = re.search(r"const MAX_ROWS = (\d+);", (SUPABASE_FOLDER / "api" / "server.mjs").read_text())
    assert local is not None
    assert hosted["max_rows"] == int(own["db-max-rows"]) == int(local[1])
    assert hosted["schemas"] == [own["db-schemas"]] == ["public"]
    assert hosted["extra_search_path"] == [own["db-extra-search-path"]]
    assert own["db-pre-request"] == "gateway.before_request"
