"""docs/OPERATIONS.md, "Backup and restore": what is dumped from one project is all there in another, and goes on."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion.codec.writer import SnapshotWriter
from ingestion.database import connect
from ingestion.housekeeping.keeping import keep_house
from ingestion.settings import PROJECT_FOLDER, load_settings
from orchestration.dbt_project_files import BUILD_ARGUMENTS
from stack.migrations import check_advisors
from stack.os_account import account_for_postgres
from stack.postgres_programs import programs_for
from tests.integration.codec.markets import PlainCapture, capture
from tests.integration.health.markets import book, describe, fail, minutes_ago, watch, write
from tests.integration.hosted.conftest import (
    PIPELINE_ROLES,
    HostedProject,
    bin_folder,
    empty_project,
    let_roles_log_in,
)
from tests.integration.marts.test_runs import MARTS
from tests.integration.marts.warehouse import Dbt
from tests.integration.resilience.books import stored_books
from tests.integration.resilience.comparison import differences
from tests.integration.resilience.invariants import broken_invariants_in

PAGE = PROJECT_FOLDER / "docs" / "OPERATIONS.md"
_SECTION = re.compile(r"^## Backup and restore\n(.*?)^## ", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LOADER, TRANSFORMER, _ = PIPELINE_ROLES

_OURS = "n.nspname !~ '^(pg_|information_schema$)'"
CATALOGUE = {
    "schemas": f"""
        select n.nspname, pg_get_userbyid(n.nspowner), coalesce(n.nspacl, acldefault('n', n.nspowner))::text[],
            obj_description(n.oid, 'pg_namespace')
        from pg_namespace as n where {_OURS}
    """,
    "relations": f"""
        select c.oid::regclass::text, c.relkind, c.relpersistence, pg_get_userbyid(c.relowner), c.reloptions,
            c.relrowsecurity, c.relforcerowsecurity, coalesce(c.relacl, acldefault('r', c.relowner))::text[]
        from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
        where {_OURS} and c.relkind in ('r', 'p', 'v')
    """,
    "columns": f"""
        select c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attacl::text[],
            a.attcompression, col_description(c.oid, a.attnum)
        from pg_attribute as a inner join pg_class as c on a.attrelid = c.oid
        inner join pg_namespace as n on c.relnamespace = n.oid
        where {_OURS} and c.relkind in ('r', 'p', 'v') and a.attnum > 0 and not a.attisdropped
    """,
    "functions": f"""
        select p.oid::regprocedure::text, pg_get_userbyid(p.proowner), p.prosecdef, p.proconfig, p.prosrc,
            coalesce(p.proacl, acldefault('f', p.proowner))::text[]
        from pg_proc as p inner join pg_namespace as n on p.pronamespace = n.oid where {_OURS}
    """,
    "sequences": "select schemaname, sequencename, sequenceowner, last_value from pg_sequences",
    "indexes": f"""
        select c.oid::regclass::text, pg_get_indexdef(c.oid)
        from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid where {_OURS} and c.relkind = 'i'
    """,
    "constraints": f"""
        select c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid)
        from pg_constraint as c inner join pg_namespace as n on c.connamespace = n.oid where {_OURS}
    """,
    "policies": "select schemaname, tablename, policyname, roles::text, cmd, qual, with_check from pg_policies",
    "default rights": """
        select pg_get_userbyid(d.defaclrole), d.defaclnamespace::regnamespace::text, d.defaclobjtype,
            d.defaclacl::text[]
        from pg_default_acl as d
    """,
    "settings of roles": """
        select coalesce(r.rolname, ''), s.setdatabase <> 0, s.setconfig
        from pg_db_role_setting as s left join pg_roles as r on s.setrole = r.oid
    """,
    "members": "select m.roleid::regrole::text, m.member::regrole::text from pg_auth_members as m",
    "publications": "select pubname, schemaname, tablename from pg_publication_tables",
}
"""What a database has beside its rows: each query's rows are sorted before they are compared."""
OF_A_BUILD = {"schemas", "publications"}
"""What a dump leaves out, or cannot give to others than its restorer, and a build gives back."""


@dataclass(frozen=True)
class Restored:
    """A project, what was in it when it was dumped, and the other project that has been made of the dump."""

    old: HostedProject
    new: HostedProject
    catalogue_before: dict[str, list[str]]
    rows_before: dict[str, list[str]]


@pytest.fixture(scope="module")
def restored(project: HostedProject, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    """Dumped with an hour that is not rolled up, and restored: by the page's commands, in its order."""
    with connect(project.url(LOADER)) as connection:
        watch(connection, [7, 8])
        describe(connection, 7, starts_in_hours=100)
        write(connection, 7, [3000, 1500, 400, 200, 90, 20], book(30))
        write(connection, 8, [50], book(4))
        fail(connection, 8, "timeout", count=3)
    _build(dbt, project)
    with connect(project.url(LOADER)) as connection:
        write(connection, 7, [3], book(28))
    section = _SECTION.search(PAGE.read_text())
    assert section is not None
    dump, restore = _BLOCK.findall(section[1])
    folder = tmp_path_factory.mktemp("backup")
    catalogue, rows = _catalogue(project), _rows(project)
    _sh(dump, project.version, folder, OWNER_URL=project.url())
    assert set(rows["raw.stale_hours"]) != set()
    with empty_project(project.version) as new:
        _sh(restore, project.version, folder, RESTORED_URL=new.url())
        yield Restored(project, new, catalogue, rows)


def _sh(block: str, version: int, folder: Path, **addresses: str) -> None:
    programs = bin_folder(version) or programs_for(account_for_postgres()).bin_folder
    (folder / ".venv").mkdir(exist_ok=True)
    if not (folder / ".venv" / "bin").exists():
        (folder / ".venv" / "bin").symlink_to(PROJECT_FOLDER / ".venv" / "bin")
    environment = {**os.environ, **addresses, "PATH": f"{programs}:{os.environ['PATH']}", "DO_NOT_TRACK": "1"}
    command = ["bash", "-euo", "pipefail", "-c", block]
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=folder, env=environment, timeout=120
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "error" not in ended.stderr, ended.stderr


def _build(dbt: Dbt, project: HostedProject) -> None:
    report = dbt.run(project.url(TRANSFORMER), *BUILD_ARGUMENTS)
    assert report.succeeded, (report.states, report.messages[-5:])


def _catalogue(project: HostedProject) -> dict[str, list[str]]:
    with psycopg.connect(project.superuser_url) as connection:
        return {what: sorted(map(_plain, connection.execute(query.encode()))) for what, query in CATALOGUE.items()}


def _plain(row: tuple[Any, ...]) -> str:
    # Rights and settings are sets; their order says nothing.
    return str([sorted(map(str, value)) if isinstance(value, list) else value for value in row])


def _rows(project: HostedProject) -> dict[str, list[str]]:
    """Every row of every table that has rows of its own."""
    with psycopg.connect(project.superuser_url, options="-c timezone=UTC") as connection:
        tables = connection.execute(
            f"select c.oid::regclass::text from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid"
            f" where {_OURS} and c.relkind = 'r'".encode()
        ).fetchall()
        return {
            table: sorted(text for (text,) in connection.execute(f"select t::text from {table} as t".encode()))
            for (table,) in tables
        }


def test_every_row_is_there(restored: Restored) -> None:
    after = _rows(restored.new)
    assert {table for table, rows in after.items() if rows != restored.rows_before.get(table)} == set()
    assert after.keys() == restored.rows_before.keys()
    assert len(after["marts.event_hourly"]) > 5
    assert len(after["raw.tracked_events"]) == 2


@pytest.mark.parametrize("what", sorted(CATALOGUE.keys() - OF_A_BUILD))
def test_nothing_is_other_than_it_was(restored: Restored, what: str) -> None:
    after = _catalogue(restored.new)[what]
    assert after == restored.catalogue_before[what]
    assert after or what == "settings of roles"


def test_it_goes_on_as_the_first_one_does(restored: Restored, dbt: Dbt, tmp_path: Path) -> None:
    let_roles_log_in(restored.new)
    captured = capture(PlainCapture(7, minutes_ago(1), tuple(book(33))))
    for project in (restored.old, restored.new):
        with connect(project.url(LOADER)) as connection:
            SnapshotWriter(connection).write([captured])
        settings = load_settings(
            with_running_stack=False, dotenv=tmp_path / "none.env", database_url=project.url(LOADER)
        )
        keep_house(settings)
        _build(dbt, project)
        with connect(project.url(LOADER)) as connection:
            assert connection.execute("select count(*) from raw.stale_hours").fetchone() == (0,)
        with connect(project.superuser_url) as connection, connection.transaction(force_rollback=True):
            # That of the ledger aside: a build has cleared its marks.
            connection.execute("select raw.mark_stale('-infinity', 'infinity')")
            assert broken_invariants_in(connection) == []
    assert differences(stored_books(restored.new.superuser_url), stored_books(restored.old.superuser_url)) == []
    old, new = _rows(restored.old), _rows(restored.new)
    for mart in MARTS:
        assert new[f"marts.{mart}"] == old[f"marts.{mart}"], mart
    assert _catalogue(restored.new) == _catalogue(restored.old)


def test_the_advisors_have_nothing_to_say(restored: Restored) -> None:
    check_advisors(restored.new.url())
