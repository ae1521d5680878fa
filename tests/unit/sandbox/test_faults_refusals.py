"""Refusals: statuses, headers, pages."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest

from sandbox.server import API
from tests.unit.sandbox.serving import FEATURED, Sandbox, good_body


def test_rate_limits_with_seconds_and_without(sandbox: Sandbox):
    counted = sandbox.strike("rate_limited", form="seconds", retry_after_seconds=7)
    assert (counted.status_code, counted.headers["retry-after"]) == (429, "7")
    bare = sandbox.strike("rate_limited", form="bare")
    assert bare.status_code == 429
    assert "retry-after" not in bare.headers
    assert bare.json()["status"] == 429


def test_a_rate_limit_with_a_date(sandbox: Sandbox):
    asked = time.time()
    dated = sandbox.strike("rate_limited", form="date", retry_after_seconds=30).headers["retry-after"]
    assert dated.endswith(" GMT")
    assert asked + 30 <= parsedate_to_datetime(dated).timestamp() <= time.time() + 31


@pytest.mark.parametrize("status", [200, 403])
def test_blocked(sandbox: Sandbox, status: int):
    response = sandbox.strike("blocked", form=str(status))
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<!DOCTYPE html>")
    assert "etag" not in response.headers


@pytest.mark.parametrize("status", [401, 403])
def test_access_denied(sandbox: Sandbox, status: int):
    response = sandbox.strike("access_denied", form=str(status))
    assert response.status_code == status
    assert response.json()["status"] == status


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_errors(sandbox: Sandbox, status: int):
    page = sandbox.strike("server_error", form=f"{status}-html")
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert page.text.startswith("<html>")
    words = sandbox.strike("server_error", form=f"{status}-json")
    assert (words.status_code, words.json()["status"]) == (status, status)


def test_a_transient_404(sandbox: Sandbox):
    sandbox.set_faults({"fault": "not_found", "times": 2})
    assert [sandbox.listings().status_code for _ in range(4)] == [404, 404, 200, 200]
    assert sandbox.listings().content == good_body()


def test_productions_fail_apart_from_listings(sandbox: Sandbox):
    sandbox.set_faults({"fault": "server_error", "paths": "productions", "events": [FEATURED[0]]})
    assert sandbox.http.get(f"{API}/productions/{FEATURED[0]}").status_code >= 500
    assert sandbox.http.get(f"{API}/productions/{FEATURED[1]}").status_code == 200
    assert sandbox.http.get(f"{API}/productions", params={"limit": 1}).status_code == 200
    assert sandbox.listings().status_code == 200
    sandbox.set_faults({"fault": "not_found", "paths": "productions", "times": 1})
    assert [sandbox.http.get(f"{API}/productions", params={"limit": 1}).status_code for _ in range(2)] == [404, 200]
