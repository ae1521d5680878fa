"""What the local Data API (``supabase/api``) needs to run: its database roles, its environment, its command.

What belongs here: handing these over. What does not: the server itself, and the roles of requests (migrations).
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from stack import node, ports
from stack.keys import Keys
from stack.postgres_cluster import PostgresServer

_INTROSPECTOR = "api_introspector"


def give_roles_passwords(server: PostgresServer, keys: Keys) -> None:
    """Let the API log in: as the role that requests start from, and as one that sees what tables there are."""
    with psycopg.connect(server.url("postgres")) as connection:
        if connection.execute("select 1 from pg_roles where rolname = %s", (_INTROSPECTOR,)).fetchone() is None:
            connection.execute(sql.SQL("create role {} login").format(sql.Identifier(_INTROSPECTOR)))
            connection.execute(sql.SQL("grant pg_read_all_data to {}").format(sql.Identifier(_INTROSPECTOR)))
        for role, password in (
            ("authenticator", keys.authenticator_password),
            (_INTROSPECTOR, keys.introspector_password),
        ):
            statement = sql.SQL("alter role {} password {}")
            connection.execute(statement.format(sql.Identifier(role), sql.Literal(password)))


def api_environment(server: PostgresServer, database: str, keys: Keys, port: int) -> dict[str, str]:
    """The variables that ``supabase/api/server.mjs`` reads."""
    return {
        "API_PORT": str(port),
        "API_DATABASE_URL": server.url(database, user="authenticator", password=keys.authenticator_password),
        "API_INTROSPECTION_URL": server.url(database, user=_INTROSPECTOR, password=keys.introspector_password),
        "SUPABASE_JWT_SECRET": keys.jwt_secret,
        "SUPABASE_ANON_KEY": keys.anon_key,
        "SUPABASE_SERVICE_KEY": keys.service_key,
    }


def api_command() -> list[str]:
    """The server's command line, or StackError where its npm packages are missing."""
    node.require_api_packages()
    return [str(node.node_program()), str(node.SUPABASE_FOLDER / "api" / "server.mjs")]


def api_url(port: int) -> str:
    """Where clients find it: what supabase-js wants as its first argument."""
    return f"http://{ports.LOCALHOST}:{port}"
