"""In front of PostgREST the gateway does what Supabase's does: keys, paths, and nothing to what is asked and answered.

What stands behind it here only writes down what it gets: what PostgREST makes of that is its own business, and where it
is installed the tests of the API say so (API_SERVER=postgrest).
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from stack import ports
from stack.api import api_command, api_environment, api_url
from stack.keys import Keys
from stack.node import node_environment
from stack.postgres_cluster import PostgresServer
from tests.conftest import wait_until_answering


@dataclass
class Behind:
    """A server that answers the same to everything, and what it was sent."""

    port: int
    is_ready: bool = True
    requests: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def behind() -> Iterator[Behind]:
    seen = Behind(port=0)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = {"method": self.command, "path": self.path, "body": self.rfile.read(length)}
            if self.path != "/":
                seen.requests.append({**request, "headers": {k.lower(): v for k, v in self.headers.items()}})
            body = b'[{"id":1}]'
            self.send_response(206 if seen.is_ready else 503)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Range", "0-0/2")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_HEAD = do_OPTIONS = _answer  # noqa: N815  # names of the library's

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer((ports.LOCALHOST, 0), Handler)
    seen.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def gateway(postgres_server: PostgresServer, database_url: str, api_keys: Keys, behind: Behind) -> Iterator[str]:
    port = ports.free_port()
    database = str(conninfo_to_dict(database_url)["dbname"])
    variables = api_environment(postgres_server, database, api_keys, port, behind.port)
    process = subprocess.Popen(api_command(), env={**node_environment(), **variables}, stdout=subprocess.DEVNULL)
    try:
        wait_until_answering(f"{api_url(port)}/healthz", [process])
        yield api_url(port)
    finally:
        process.terminate()
        process.wait(timeout=10)


def ask(gateway: str, path: str, headers: dict[str, str], **options: Any) -> httpx.Response:
    method = options.pop("method", "GET")
    return httpx.request(method, f"{gateway}/rest/v1{path}", headers=headers, trust_env=False, **options)


def test_a_key_is_the_token_of_who_has_no_other(gateway: str, behind: Behind, api_keys: Keys) -> None:
    for headers, token in (
        ({"apikey": api_keys.anon_key}, api_keys.anon_key),
        ({"apikey": api_keys.service_key}, api_keys.service_key),
        ({"apikey": api_keys.anon_key, "Authorization": "Bearer a.b.c"}, "a.b.c"),
    ):
        answer = ask(gateway, "/events?select=event_id", headers)
        assert (answer.status_code, answer.json(), answer.headers["Content-Range"]) == (206, [{"id": 1}], "0-0/2")
        sent = behind.requests[-1]
        assert sent["path"] == "/events?select=event_id"
        assert sent["headers"]["authorization"] == f"Bearer {token}"
        assert "apikey" not in sent["headers"]


def test_a_key_in_the_address_goes_no_further(gateway: str, behind: Behind, api_keys: Keys) -> None:
    ask(gateway, f"/events?a=eq.1%2C2&apikey={api_keys.anon_key}&b=like.*x%20y*", {})
    assert behind.requests[-1]["path"] == "/events?a=eq.1%2C2&b=like.*x%20y*"


def test_without_a_key_nothing_gets_through(gateway: str, behind: Behind, api_keys: Keys) -> None:
    before = len(behind.requests)
    for headers in ({}, {"apikey": "wrong"}, {"Authorization": f"Bearer {api_keys.service_key}"}):
        assert ask(gateway, "/events", headers).status_code == 401
    assert len(behind.requests) == before


def test_verbs_bodies_and_headers_arrive_as_they_were_sent(gateway: str, behind: Behind, api_keys: Keys) -> None:
    headers = {"apikey": api_keys.anon_key, "Prefer": "count=exact", "Range": "0-4", "Accept": "text/csv"}
    ask(gateway, "/rpc/search_events", headers, method="POST", content='{"q": "é"}'.encode())
    sent = behind.requests[-1]
    assert (sent["method"], sent["path"], sent["body"]) == ("POST", "/rpc/search_events", '{"q": "é"}'.encode())
    assert {name: sent["headers"][name] for name in ("prefer", "range", "accept")} == {
        "prefer": "count=exact",
        "range": "0-4",
        "accept": "text/csv",
    }
    head = ask(gateway, "/events", headers, method="HEAD")
    assert (head.status_code, head.content, behind.requests[-1]["method"]) == (206, b"", "HEAD")
    assert ask(gateway, "/events", {"Origin": "http://elsewhere"}, method="OPTIONS").status_code == 206


def test_it_is_ready_when_postgrest_is(gateway: str, behind: Behind) -> None:
    behind.is_ready = False
    try:
        assert httpx.get(f"{gateway}/healthz", trust_env=False).status_code == 503
    finally:
        behind.is_ready = True
    assert httpx.get(f"{gateway}/healthz", trust_env=False).status_code == 200


@pytest.mark.usefixtures("gateway")
def test_postgrest_is_told_of_a_new_view(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("listen pgrst")
        connection.execute("create view public.new_view with (security_invoker = true) as select 1 as id")
        told = next(connection.notifies(timeout=20, stop_after=1), None)
        connection.execute("drop view public.new_view")
    assert told is not None
    assert told.payload == "reload schema"
