"""Faults of the connection, seen from the other end of it."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.server import API
from tests.unit.sandbox.serving import AT, FEATURED, Sandbox, good_body


def raw_answer(sandbox: Sandbox) -> tuple[bytes, bool]:
    """Everything that comes until the connection ends, and whether it ended with a reset."""
    address = urlsplit(str(sandbox.http.base_url))
    question = f"GET {API}/listings?productionId={FEATURED[0]}&at={AT} HTTP/1.1\r\nHost: sandbox\r\n\r\n"
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=5) as line:
        line.sendall(question.encode())
        try:
            while block := line.recv(1 << 16):
                received += block
        except ConnectionResetError:
            return received, True
    return received, False


def test_a_timeout_says_nothing_until_the_client_goes(sandbox: Sandbox):
    sandbox.set_faults({"fault": "timeout", "options": {"seconds": 60}}, keep_served=True)
    before = len(sandbox.served())
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{sandbox.http.base_url}{API}/listings", params={"productionId": FEATURED[0]}, timeout=0.3)
    deadline = time.monotonic() + 5
    while not (served := sandbox.served(before)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [(each["fault"], each["status"], each["body_bytes"], each["complete"]) for each in served] == [
        ("timeout", None, 0, False)
    ]


def test_who_waits_long_enough_gets_the_answer(sandbox: Sandbox):
    began = time.monotonic()
    assert sandbox.strike("timeout", seconds=0.3).content == good_body()
    assert time.monotonic() - began >= 0.3


def test_a_slow_body_drips(sandbox: Sandbox):
    sandbox.set_faults({"fault": "slow_body", "options": {"seconds": 0.4}})
    began = time.monotonic()
    arrived = []
    with sandbox.http.stream("GET", f"{API}/listings", params={"productionId": FEATURED[0], "at": AT}) as response:
        body = b""
        for piece in response.iter_raw():
            body += piece
            arrived.append(time.monotonic() - began)
    assert body == good_body()
    assert arrived[0] < 0.2
    assert arrived[-1] >= 0.4
    assert len(arrived) >= 10


def test_a_reset_cuts_the_body(sandbox: Sandbox):
    sandbox.set_faults({"fault": "connection_reset", "options": {"sent_share": 0.5}})
    received, is_reset = raw_answer(sandbox)
    assert is_reset
    assert len(received) < len(good_body())
    with pytest.raises(httpx.ReadError):
        sandbox.listings()


def test_a_reset_before_anything(sandbox: Sandbox):
    sandbox.set_faults({"fault": "connection_reset", "options": {"sent_share": 0}})
    assert raw_answer(sandbox) == (b"", True)


def test_a_body_shorter_than_its_content_length(sandbox: Sandbox):
    sandbox.set_faults({"fault": "truncated_body", "options": {"form": "short", "sent_share": 0.25}})
    received, is_reset = raw_answer(sandbox)
    head, _, body = received.partition(b"\r\n\r\n")
    assert not is_reset
    assert b"content-length: %d" % len(good_body()) in head
    assert body == good_body()[: len(good_body()) // 4]
    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.listings()


def test_a_clean_truncation_is_only_bad_json(sandbox: Sandbox):
    response = sandbox.strike("truncated_body", form="clean", sent_share=0.5)
    assert response.status_code == 200
    assert response.content == good_body()[: len(good_body()) // 2]
    assert int(response.headers["content-length"]) == len(response.content)
    with pytest.raises(json.JSONDecodeError):
        response.json()


@pytest.mark.parametrize("form", ["declared", "chunked"])
def test_too_large(sandbox: Sandbox, form: str):
    response = sandbox.strike("too_large", form=form, megabytes=17)
    size = len(good_body()) + 17 * 2**20
    assert response.content.rstrip() == good_body()
    assert len(response.content) == size
    assert response.headers.get("content-length") == (str(size) if form == "declared" else None)


def test_an_endless_body_stops_when_nobody_reads(sandbox: Sandbox):
    sandbox.set_faults({"fault": "too_large", "options": {"megabytes": 1024}}, keep_served=True)
    before = len(sandbox.served())
    for _ in range(5):
        with sandbox.http.stream("GET", f"{API}/listings", params={"productionId": FEATURED[0], "at": AT}) as response:
            next(response.iter_raw())
    deadline = time.monotonic() + 5
    while len(served := sandbox.served(before)) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [each["complete"] for each in served] == [False] * 5
    assert all(each["body_bytes"] < 512 * 2**20 for each in served)


def test_no_fault_of_the_connection_hides_behind_a_304(sandbox: Sandbox):
    sandbox.set_faults({"fault": "truncated_body", "options": {"form": "clean"}})
    assert sandbox.listings(if_none_match="*").status_code == 200
