"""`.env.example` and `Settings` say the same, both ways."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestion.settings import PROJECT_FOLDER, Settings

_EXAMPLE = PROJECT_FOLDER / ".env.example"


def test_every_setting_is_in_the_example_and_no_other():
    in_example = set(re.findall(r"^([A-Z_]+)=", _EXAMPLE.read_text(), flags=re.MULTILINE))
    in_settings = {name.upper() for name in Settings.model_fields}
    assert in_example == in_settings


def test_every_setting_has_a_comment_above_it():
    blocks = _EXAMPLE.read_text().strip().split("\n\n")
    assert [block for block in blocks if not block.startswith("#")] == []


def test_the_example_as_it_stands_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    example = tmp_path / ".env"
    example.write_text(_EXAMPLE.read_text())
    assert Settings(_env_file=example) == Settings(_env_file=None)
