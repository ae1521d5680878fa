"""The page at the API's root: whole by itself, with the anonymous key and no other, and shown by a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.conftest import ApiServer

_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=20000"),
)


def _get(api_server: ApiServer, path: str) -> httpx.Response:
    return httpx.get(f"{api_server.url}{path}", trust_env=False)


def test_the_page_has_the_anonymous_key_and_no_secret(api_server: ApiServer) -> None:
    page = _get(api_server, "/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert api_server.keys.anon_key in page.text
    everything = page.text + _get(api_server, "/docs/page.js").text + _get(api_server, "/openapi.json").text
    keys = api_server.keys
    assert [secret for secret in (keys.service_key, keys.jwt_secret) if secret in everything] == []


def test_the_page_is_whole_and_may_ask_nobody_else(api_server: ApiServer) -> None:
    page = _get(api_server, "/")
    parts = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(parts) >= 5
    for part in parts:
        assert re.match(r"/[^/]", part), part
        answer = _get(api_server, part)
        assert answer.status_code == 200, part
        assert answer.headers["X-Content-Type-Options" if part.startswith("/docs") else "ETag"]
    policy = dict(each.strip().split(" ", 1) for each in page.headers["Content-Security-Policy"].split(";") if each)
    assert policy["default-src"] == "'none'"
    allowed = {source for sources in policy.values() for source in sources.split()}
    assert allowed == {"'self'", "'none'", "data:"}


@pytest.mark.parametrize("path", ["/docs/", "/docs/package.json", "/docs/..%2fserver.mjs", "/docs/%2e%2e/server.mjs"])
def test_no_other_file_is_served(api_server: ApiServer, path: str) -> None:
    assert _get(api_server, path).status_code == 404


def test_a_browser_shows_what_is_served(api_server: ApiServer, database_url: str, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium on the path")
    with psycopg.connect(database_url) as connection:
        connection.execute("create view public.shown with (security_invoker = true) as select 1 as number")
        connection.execute("comment on view public.shown is 'A view to be seen.'")
        connection.execute("grant select on public.shown to anon")
    command = [browser, *_QUIET, f"--user-data-dir={tmp_path}", "--enable-logging=stderr", "--dump-dom"]
    deadline = time.monotonic() + 20
    while "/shown" not in _get(api_server, "/openapi.json").text:
        assert time.monotonic() < deadline, "the document does not follow the schema"
        time.sleep(0.1)
    ended = subprocess.run([*command, f"{api_server.url}/"], check=False, capture_output=True, text=True, timeout=120)
    assert "A view to be seen" in ended.stdout, ended.stderr
    assert [line for line in ended.stderr.splitlines() if "Content Security Policy" in line] == []
