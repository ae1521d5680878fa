"""The embedded API over a history of months, and the keys to ask it.

What belongs here: PostgreSQL, migrations, history and API server, for the length of a context. What does not: asking.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from benchmarks.endpoint_requests import endpoints_without_request
from benchmarks.served_history import Size, fill
from ingestion.database import connect
from stack import ports
from stack.api import api_command, api_environment, api_url, give_roles_passwords
from stack.keys import Keys, make_keys, user_token
from stack.migrations import apply_migrations
from stack.node import node_environment
from stack.postgres_cluster import PostgresServer
from stack.throw_away_postgres import throw_away_postgres

_DATABASE = "postgres"
_LONGEST_START_SECONDS = 30
_TOKEN_SECONDS = 24 * 3600


@dataclass(frozen=True)
class ServedApi:
    """A running API: its address without ``/rest/v1``, its keys, and its database as the owner reaches it."""

    url: str
    keys: Keys
    database_url: str


@contextmanager
def served_api(size: Size) -> Iterator[ServedApi]:
    """Everything from nothing, removed at the end."""
    with throw_away_postgres(is_durable=True) as server:
        database_url = server.url(_DATABASE)
        apply_migrations(database_url)
        fill(database_url, size)
        with connect(database_url) as connection:
            if missing := endpoints_without_request(connection):
                sys.exit(f"error: benchmarks/endpoint_requests.py asks nothing of {', '.join(sorted(missing))}")
        with _serving(server) as (url, keys):
            yield ServedApi(url, keys, database_url)


def headers(keys: Keys, role: str) -> dict[str, str]:
    """What a client of that role sends."""
    if role == "service_role":
        return {"apikey": keys.service_key, "Authorization": f"Bearer {keys.service_key}"}
    token = user_token(keys, "somebody", _TOKEN_SECONDS) if role == "authenticated" else keys.anon_key
    return {"apikey": keys.anon_key, "Authorization": f"Bearer {token}"}


@contextmanager
def _serving(server: PostgresServer) -> Iterator[tuple[str, Keys]]:
    keys, port = make_keys(), ports.free_port()
    give_roles_passwords(server, keys)
    environment = {**os.environ, **node_environment(), **api_environment(server, _DATABASE, keys, port, None)}
    with subprocess.Popen(api_command(), env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_until_ready(f"{api_url(port)}/healthz")
            yield api_url(port), keys
        finally:
            process.terminate()


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _LONGEST_START_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    sys.exit(f"error: {url} does not answer")
