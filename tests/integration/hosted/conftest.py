"""A project as Supabase hosts it: its roles are there before us, and we are no superuser. On PostgreSQL 15 and 18."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from stack.migrations import apply_migrations
from stack.postgres_cluster import PostgresServer
from stack.throw_away_postgres import throw_away_postgres
from tests.integration.marts.warehouse import DATABASE

OWNER = "project_owner"
"""Stands for hosted Supabase's `postgres`, a name that the superuser has here."""
PASSWORD = "correct-horse"  # of servers that live for a minute
PIPELINE_ROLES = ("ticketmarts_loader", "ticketmarts_transformer", "ticketmarts_orchestrator")

VERSIONS = (15, 18)
_EMBEDDED = 18
_PLACES = ("/usr/lib/postgresql/{}/bin", "/usr/pgsql-{}/bin", "/opt/homebrew/opt/postgresql@{}/bin")
"""Where Debian, the PostgreSQL project's RPMs and Homebrew put a version's programs."""

_AS_SUPABASE_MAKES_IT = f"""
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
    create role authenticator login noinherit;
    grant anon, authenticated, service_role to authenticator;
    create role {OWNER} login createrole createdb bypassrls replication password '{PASSWORD}';
    grant anon, authenticated, service_role to {OWNER};
"""
_AS_ITS_OWNER_FINDS_IT = """
    create publication supabase_realtime;
    alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
    alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
    alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
"""


@dataclass(frozen=True)
class HostedProject:
    """A server with the database of one project in it, migrated."""

    version: int
    server: PostgresServer

    def url(self, role: str = OWNER) -> str:
        """The database as a role sees it."""
        return self.server.url(DATABASE, user=role, password=PASSWORD)

    @property
    def superuser_url(self) -> str:
        """The database as nobody of the project's sees it: for tests to look."""
        return self.server.url(DATABASE)


def bin_folder(version: int) -> Path | None:
    """The programs of a version; None where it is the embedded one. Skips the test where there is none."""
    if version == _EMBEDDED:
        return None
    for place in _PLACES:
        folder = Path(place.format(version))
        if (folder / "postgres").exists():
            return folder
    pytest.skip(f"no PostgreSQL {version} here (Debian and Ubuntu: apt install postgresql-{version})")


def oldest_version() -> int:
    """The oldest PostgreSQL that is here."""
    return next(
        version
        for version in VERSIONS
        if version == _EMBEDDED or any((Path(place.format(version)) / "postgres").exists() for place in _PLACES)
    )


@contextmanager
def empty_project(version: int) -> Iterator[HostedProject]:
    """A project as it is before our first migration."""
    with throw_away_postgres(bin_folder=bin_folder(version), settings={"wal_level": "logical"}) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(_AS_SUPABASE_MAKES_IT.encode())
            connection.execute(f"create database {DATABASE} owner {OWNER}".encode())
        project = HostedProject(version, server)
        with psycopg.connect(project.url()) as connection:
            connection.execute(_AS_ITS_OWNER_FINDS_IT.encode())
        yield project


def let_roles_log_in(project: HostedProject) -> None:
    """What the guide has its reader do."""
    with psycopg.connect(project.url()) as connection:
        for role in PIPELINE_ROLES:
            connection.execute(f"alter role {role} login password '{PASSWORD}'".encode())


@contextmanager
def migrated_project(version: int) -> Iterator[HostedProject]:
    """A migrated project whose roles can log in."""
    with empty_project(version) as made:
        apply_migrations(made.url())
        let_roles_log_in(made)
        yield made


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"postgres{version}")
def project(request: pytest.FixtureRequest) -> Iterator[HostedProject]:
    """A migrated project on each PostgreSQL, for the tests of one module."""
    with migrated_project(request.param) as made:
        yield made
