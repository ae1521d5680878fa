"""The linter of migrations, as `make test` runs it: what it refuses, and that it reads what is new."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingestion.settings import PROJECT_FOLDER

_SQUAWK = Path(sys.executable).parent / "squawk"
_FIRST = "set lock_timeout = '5s';\n\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The migrations and the linter's settings, where they may be changed."""
    shutil.copy(PROJECT_FOLDER / ".squawk.toml", tmp_path)
    shutil.copytree(PROJECT_FOLDER / "supabase" / "migrations", tmp_path / "supabase" / "migrations")
    return tmp_path


def _lint(checkout: Path, name: str, statements: str) -> set[str]:
    """The rules that a new migration breaks beside all that are there."""
    (checkout / "supabase" / "migrations" / name).write_text(statements)
    files = sorted(str(path.relative_to(checkout)) for path in checkout.glob("supabase/migrations/*.sql"))
    ended = subprocess.run(
        [_SQUAWK, "--reporter", "json", *files], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert ended.stderr == ""
    problems: list[dict[str, Any]] = json.loads(ended.stdout)
    assert ended.returncode == bool(problems)
    assert {Path(problem["file"]).name for problem in problems} <= {name}
    return {problem["rule_name"] for problem in problems}


BAD = {
    "require-lock-timeout": "alter table raw.heads add column note text;",
    "require-concurrent-index-creation": f"{_FIRST}create index heads_idx on raw.heads (captured_at);",
    "changing-column-type": f"{_FIRST}alter table raw.heads alter column listing_count type bigint;",
    "constraint-missing-not-valid": f"{_FIRST}alter table raw.heads add constraint some check (listing_count >= 0);",
    "adding-required-field": f"{_FIRST}alter table raw.heads add column note text not null;",
    "ban-drop-column": f"{_FIRST}alter table raw.heads drop column listing_count;",
    "renaming-column": f"{_FIRST}alter table raw.heads rename column listing_count to listings;",
    "ban-drop-table": f"{_FIRST}drop table raw.heads;",
}
"""Rules, and a migration that breaks each."""


@pytest.mark.parametrize("rule", BAD)
def test_a_bad_migration_is_refused(checkout: Path, rule: str) -> None:
    assert rule in _lint(checkout, "20261127000000_bad.sql", f"{BAD[rule]}\n")


def test_a_good_migration_is_taken(checkout: Path) -> None:
    good = f"{_FIRST}alter table raw.heads add column note text;\ncreate table raw.notes (note text primary key);\n"
    assert _lint(checkout, "20261127000000_good.sql", good) == set()
