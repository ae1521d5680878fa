"""`supabase/migrations` by the official CLI: applied once, refused clearly, and nothing granted by accident."""

from __future__ import annotations

import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from ingestion.settings import PROJECT_FOLDER
from stack import node
from stack.errors import StackError
from stack.migrations import apply_migrations, check_advisors

_FILES = sorted(path.name for path in (PROJECT_FOLDER / "supabase" / "migrations").glob("*.sql"))
_LAST_WITHOUT_LOCK_TIMEOUT = "20261124110000_loads.sql"
"""Up to here a migration met no readers: they made the first database."""


def test_migrations_are_applied_once(empty_database_url: str):
    assert apply_migrations(empty_database_url) == _FILES
    assert apply_migrations(empty_database_url) == []


def test_the_roles_migration_can_be_repeated(fresh_database_url: str):
    statements = (PROJECT_FOLDER / "supabase" / "migrations" / _FILES[0]).read_text()
    assert "roles" in _FILES[0]
    with psycopg.connect(fresh_database_url) as connection:
        connection.execute(statements.encode())


def test_a_failing_migration_is_named_and_the_password_is_not_shown(empty_database_url: str):
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("create schema raw")
    with pytest.raises(StackError, match=r'migration \d+_raw.sql failed: .*"raw" already exists') as failure:
        apply_migrations(empty_database_url)
    password = re.search(r":(\w+)@", empty_database_url)
    assert password is not None
    assert password.group(1) not in str(failure.value)


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the migrations, which a test may add to."""
    folder = tmp_path / "supabase"
    shutil.copytree(node.SUPABASE_FOLDER, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(node.SUPABASE_FOLDER / "node_modules")
    monkeypatch.setattr(node, "SUPABASE_FOLDER", folder)
    return folder / "migrations"


def test_a_migration_keeps_others_waiting_for_seconds_at_most(fresh_database_url: str, migrations: Path):
    """What waits for a lock holds up whoever comes after it, readers of the API too."""
    name = "99991231000000_heads.sql"
    (migrations / name).write_text("set lock_timeout = '1s';\n\nalter table raw.heads add column nothing text;\n")
    with psycopg.connect(fresh_database_url) as reader:
        reader.execute("select from raw.heads")
        with pytest.raises(StackError, match=r"(?s)somebody reads or writes what it changes.*run it again"):
            apply_migrations(fresh_database_url)
        columns = "select from information_schema.columns where table_name = 'heads' and column_name = 'nothing'"
        assert reader.execute(columns).rowcount == 0
    assert apply_migrations(fresh_database_url) == [name]


def test_a_migration_that_ends_a_deadlock_can_be_run_again(fresh_database_url: str, migrations: Path):
    name = "99991231000000_lock.sql"
    # It looks for a deadlock after two seconds, by when the other one waits; the other one never does.
    statements = "set deadlock_timeout = '2s';\n\nlock table raw.heads;\n\nlock table raw.terms;\n"
    (migrations / name).write_text(statements)
    with (
        psycopg.connect(fresh_database_url) as reader,
        psycopg.connect(fresh_database_url, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        reader.execute("set deadlock_timeout = '10min'")
        reader.execute("select from raw.terms")
        migrating = pool.submit(apply_migrations, fresh_database_url)
        waiting = "select from pg_locks where not granted and relation = 'raw.terms'::regclass"
        while watcher.execute(waiting).rowcount == 0 and not migrating.done():
            time.sleep(0.01)
        reader.execute("select from raw.heads")
        with pytest.raises(StackError, match=r"(?s)somebody reads or writes what it changes.*run it again"):
            migrating.result()
    assert apply_migrations(fresh_database_url) == [name]


@pytest.mark.parametrize("name", [name for name in _FILES if name > _LAST_WITHOUT_LOCK_TIMEOUT])
def test_a_migration_says_first_for_how_long_it_waits_for_a_lock(name: str):
    statements = (PROJECT_FOLDER / "supabase" / "migrations" / name).read_text()
    first = re.sub(r"^(--.*|)\n", "", statements, flags=re.MULTILINE).split(";", 1)[0]
    assert re.fullmatch(r"set lock_timeout = '\d+s'", first.strip())


def test_a_database_out_of_reach_is_said():
    with pytest.raises(StackError, match="could not be applied"):
        apply_migrations("postgresql://nobody:secret@127.0.0.1:1/nowhere?sslmode=disable")


def test_the_advisors_have_nothing_to_say(fresh_database_url: str):
    check_advisors(fresh_database_url)


def test_new_objects_in_public_are_for_nobody(fresh_database_url: str):
    with psycopg.connect(fresh_database_url) as connection:
        connection.execute("create table public.fresh as select 1 as value")
        connection.execute("create function public.fresh() returns integer language sql set search_path = '' return 1")
        for role in ("anon", "authenticated", "service_role", "authenticator"):
            allowed = connection.execute(
                "select has_table_privilege(%(r)s, 'public.fresh', 'select, insert, update, delete, truncate'),"
                " has_function_privilege(%(r)s, 'public.fresh()', 'execute'),"
                " has_schema_privilege(%(r)s, 'public', 'create')",
                {"r": role},
            ).fetchone()
            assert allowed == (False, False, False), role
