"""The record of what was served: complete, in order, true to the byte, and bounded."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sandbox.faults import served, spool
from sandbox.server import API, create_app
from tests.unit.sandbox.serving import AT, FEATURED, NOW, SEED, Sandbox, good_body, serving

PROJECT = Path(__file__).parents[3]
KEEPS = '{"keep_served": true, "rules": [{"fault": "timeout", "options": {"seconds": 600}}]}'


@pytest.fixture
def keeping() -> Iterator[Sandbox]:
    """A sandbox that keeps its record from the start."""
    with serving(create_app(seed=SEED, keep_served=True)) as url:
        sandbox = Sandbox(url)
        with sandbox.http:
            yield sandbox


def body_of(sandbox: Sandbox, sequence: int) -> bytes:
    return sandbox.http.get(f"/sandbox/served/{sequence}/body").content


def test_it_is_off_unless_asked_for(sandbox: Sandbox):
    sandbox.set_faults({"fault": "unknown_keys"})
    sandbox.listings()
    assert sandbox.http.get("/sandbox/served").json() == {"oldest": 1, "under_way": 0, "served": []}
    sandbox.set_faults(keep_served=True)
    sandbox.listings()
    assert len(sandbox.served()) == 1
    sandbox.http.delete("/sandbox/faults")
    sandbox.listings()
    assert len(sandbox.served()) == 1, "what was kept stays readable, and no more comes"


def test_every_answer_is_there_as_it_was_sent(keeping: Sandbox):
    rules = [
        {"fault": "bad_rows", "share": 0.2},
        {"fault": "server_error", "share": 0.3},
        {"fault": "cached", "share": 0.3},
        {"fault": "truncated_body", "share": 0.3, "options": {"form": "clean"}},
        {"fault": "re_keying", "share": 0.5},
    ]
    keeping.set_faults(*rules, seed=5)
    seen = []
    for round_number in range(8):
        at = (NOW + timedelta(minutes=round_number)).isoformat()
        seen += [(event_id, round_number + 1, keeping.listings(event_id, at)) for event_id in FEATURED[:5]]
    entries = keeping.served()
    assert [entry["sequence"] for entry in entries] == list(range(1, 41))
    assert len({entry["fault"] for entry in entries}) == 6, "the storm was one"
    for entry, (event_id, request, response) in zip(entries, seen, strict=True):
        assert (entry["event_id"], entry["request"], entry["status"]) == (event_id, request, response.status_code)
        assert entry["body_sha256"] == hashlib.sha256(response.content).hexdigest()
        assert entry["complete"]
        assert body_of(keeping, entry["sequence"]) == response.content
        if entry["fault"] in (None, "cached") and not entry["standing"]:
            assert response.content == good_body(event_id, datetime.fromisoformat(entry["at"]))


def test_cached_answers_say_of_which_instant_they_are(keeping: Sandbox):
    keeping.set_faults({"fault": "cached"})
    keeping.listings()
    keeping.listings(at="2026-11-22T23:00:00Z")
    assert [entry["at"] for entry in keeping.served()] == [NOW.isoformat()] * 2


def test_a_304_stands_for_a_whole_body(keeping: Sandbox):
    etag = keeping.listings().headers["etag"]
    again = keeping.listings(if_none_match=etag)
    assert (again.status_code, again.content) == (304, b"")
    entry = keeping.served(since=1)[0]
    assert (entry["status"], entry["body_bytes"], entry["complete"]) == (304, 0, True)
    assert entry["body_sha256"] == hashlib.sha256().hexdigest()
    assert body_of(keeping, 2) == good_body()


def test_what_was_cut_off_is_kept_as_far_as_it_went(keeping: Sandbox):
    keeping.set_faults({"fault": "connection_reset", "options": {"sent_share": 0.5}})
    with pytest.raises(httpx.ReadError):
        keeping.listings()
    entry, half = keeping.served()[0], good_body()[: len(good_body()) // 2]
    assert (entry["fault"], entry["status"], entry["complete"]) == ("connection_reset", 200, False)
    assert (entry["body_bytes"], entry["body_sha256"]) == (len(half), hashlib.sha256(half).hexdigest())
    assert body_of(keeping, 1) == half


def test_an_answer_that_has_not_ended_is_under_way(keeping: Sandbox):
    keeping.set_faults({"fault": "timeout", "options": {"seconds": 60}}, keep_served=True)
    with httpx.Client(base_url=str(keeping.http.base_url), timeout=30, trust_env=False) as impatient:

        def wait() -> None:
            with pytest.raises(httpx.ReadTimeout):
                impatient.get(f"{API}/listings", params={"productionId": FEATURED[0]}, timeout=0.5)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not (page := keeping.http.get("/sandbox/served").json())["under_way"]:
            time.sleep(0.01)
        assert (page["under_way"], page["served"]) == (1, [])
        waiting.join()
        while (page := keeping.http.get("/sandbox/served").json())["under_way"]:
            time.sleep(0.01)
    (entry,) = page["served"]
    assert (entry["fault"], entry["status"], entry["complete"]) == ("timeout", None, False)


def test_a_client_s_own_mistake_is_no_answer_of_the_market(keeping: Sandbox):
    assert keeping.http.get(f"{API}/listings").status_code == 400
    assert keeping.served() == []


def test_the_record_is_read_in_pages(keeping: Sandbox):
    for event_id in FEATURED[:5]:
        keeping.listings(event_id)
    page = keeping.http.get("/sandbox/served", params={"since": 1, "limit": 2}).json()
    assert page["oldest"] == 1
    assert [entry["event_id"] for entry in page["served"]] == FEATURED[1:3]
    assert keeping.served(since=5) == []
    assert keeping.http.get("/sandbox/served", params={"since": "x"}).status_code == 400
    missing = keeping.http.get("/sandbox/served/6/body")
    assert missing.status_code == 404
    assert "answer 6 is not kept" in missing.json()["message"]


def test_old_entries_and_bodies_go_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(served, "MOST_ENTRIES", 3)
    with serving(create_app(seed=SEED, keep_served=True)) as url, Sandbox(url).http as http:
        for event_id in FEATURED[:5]:
            http.get(f"{API}/listings", params={"productionId": event_id, "at": AT})
        page = http.get("/sandbox/served").json()
        rest = http.get("/sandbox/served", params={"since": 4}).json()
    assert page["oldest"] == 3
    assert [entry["sequence"] for entry in page["served"]] == [3, 4, 5]
    assert [entry["sequence"] for entry in rest["served"]] == [5]


def test_the_spool_keeps_within_its_bound():
    bodies = [os.urandom(1000) for _ in range(50)]
    small = spool.Spool(most_bytes=20_000)
    for number, body in enumerate(bodies):
        small.keep(number, body)
        assert small.read(number) == body
    kept = [number for number in range(50) if small.read(number) is not None]
    assert kept == list(range(kept[0], 50)), "the newest, without gaps"
    assert 9 <= len(kept) <= 20


def test_a_late_answer_does_not_hold_up_the_end():
    command = [sys.executable, "-m", "sandbox.cli", "serve", "--port", "0", "--keep-served"]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    url = process.stdout.readline().decode().split()[-1]
    httpx.put(f"{url}/sandbox/faults", content=KEEPS, trust_env=False)

    def wait() -> None:
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{url}{API}/listings", params={"productionId": FEATURED[0]}, timeout=30, trust_env=False)

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    os.kill(process.pid, signal.SIGINT)
    with process.stdout, process.stderr:
        assert process.wait(10) == 0
        complaints = process.stderr.read().decode()
    waiting.join()
    assert "Traceback" not in complaints
