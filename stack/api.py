"""What the local Data API (``supabase/api``) needs to run: its database roles, its environment, its commands.

What belongs here: handing these over, and which server answers. What does not: the servers themselves, and the roles of
requests (migrations).
"""

from __future__ import annotations

import shutil

import psycopg
from psycopg import sql

from ingestion.settings import ApiServerChoice
from stack import node, ports
from stack.errors import StackError
from stack.keys import Keys
from stack.postgres_cluster import PostgresServer

_INTROSPECTOR = "api_introspector"


def give_roles_passwords(server: PostgresServer, keys: Keys) -> None:
    """Let the API log in: as the role that requests start from, and as one that sees what tables there are."""
    with psycopg.connect(server.url("postgres")) as connection:
        if connection.execute("select 1 from pg_roles where rolname = %s", (_INTROSPECTOR,)).fetchone() is None:
            connection.execute(sql.SQL("create role {} login").format(sql.Identifier(_INTROSPECTOR)))
            # information_schema shows a role only what it may use. As a member of the roles of requests it sees what
            # is served, and can read no more than a request could: the process that answers clients has its password.
            grant = sql.SQL("grant anon, authenticated, service_role to {}")
            connection.execute(grant.format(sql.Identifier(_INTROSPECTOR)))
        for role, password in (
            ("authenticator", keys.authenticator_password),
            (_INTROSPECTOR, keys.introspector_password),
        ):
            statement = sql.SQL("alter role {} password {}")
            connection.execute(statement.format(sql.Identifier(role), sql.Literal(password)))


def api_environment(
    server: PostgresServer, database: str, keys: Keys, port: int, postgrest_port: int | None
) -> dict[str, str]:
    """The variables that ``supabase/api/server.mjs`` reads, and PostgREST where it has a port."""
    database_url = server.url(database, user="authenticator", password=keys.authenticator_password)
    postgrest = (
        {
            "API_POSTGREST_URL": api_url(postgrest_port),
            "PGRST_DB_URI": database_url,
            "PGRST_JWT_SECRET": keys.jwt_secret,
            "PGRST_SERVER_PORT": str(postgrest_port),
        }
        if postgrest_port is not None
        else {}
    )
    return {
        **postgrest,
        "API_PORT": str(port),
        "API_DATABASE_URL": database_url,
        "API_INTROSPECTION_URL": server.url(database, user=_INTROSPECTOR, password=keys.introspector_password),
        "SUPABASE_JWT_SECRET": keys.jwt_secret,
        "SUPABASE_ANON_KEY": keys.anon_key,
        "SUPABASE_SERVICE_KEY": keys.service_key,
    }


def api_command() -> list[str]:
    """The server's command line, or StackError where its npm packages are missing."""
    node.require_api_packages()
    return [str(node.node_program()), str(node.SUPABASE_FOLDER / "api" / "server.mjs")]


def postgrest_command(choice: ApiServerChoice) -> list[str] | None:
    """PostgREST's command line; None where @supabase/lite is to answer.

    Raises:
        StackError: PostgREST is asked for and not installed.
    """
    if choice == "lite":
        return None
    program = shutil.which("postgrest")
    if program is None:
        if choice == "auto":
            return None
        raise StackError(
            "API_SERVER is postgrest, and there is no program `postgrest` on the PATH. Install PostgREST, or set "
            "API_SERVER to lite, the server that comes with the stack."
        )
    return [program, str(node.SUPABASE_FOLDER / "postgrest.conf")]


def api_url(port: int) -> str:
    """Where clients find it: what supabase-js wants as its first argument."""
    return f"http://{ports.LOCALHOST}:{port}"
