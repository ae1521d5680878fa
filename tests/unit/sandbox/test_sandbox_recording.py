"""Recordings: written whole, in order of time, and served again."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from sandbox.catalogue import featured_events
from sandbox.marketplace import InventedMarketplace
from sandbox.recording import RecordingPlan, captures, record
from sandbox.recording_file import reading, writing
from sandbox.replay import RecordingError, ReplayedMarketplace

SEED = 5
FROM = datetime(2026, 11, 22, 20, tzinfo=UTC)
TO = FROM + timedelta(hours=1)
EVENTS = tuple(event.event_id for event in featured_events(TO, 3, SEED))
PLAN = RecordingPlan(EVENTS, FROM, TO, interval_seconds=600, seed=SEED)
INVENTED = InventedMarketplace(SEED)


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return list(record(PLAN))


def test_a_line_is_what_the_marketplace_answers_at_that_instant(lines: list[bytes]):
    assert len(lines) == len(PLAN) == 18
    for line in lines:
        capture: dict[str, Any] = orjson.loads(line)
        answer = INVENTED.listings(capture["event_id"], datetime.fromisoformat(capture["captured_at"]))
        assert list(capture) == ["event_id", "captured_at", "status", "headers", "body"]
        assert (capture["status"], capture["headers"]) == (answer.status, answer.headers)
        assert orjson.dumps(capture["body"]) == answer.body
        assert line.endswith(b"}\n")
        assert line.count(b"\n") == 1


def test_captures_are_in_order_of_time_staggered_and_not_quite_regular():
    instants = [at for _, at in captures(PLAN)]
    assert instants == sorted(instants)
    assert len(set(instants)) == len(instants)
    assert instants[0] >= FROM
    assert instants[-1] < TO
    for event_id in EVENTS:
        own = [at for captured, at in captures(PLAN) if captured == event_id]
        gaps = {(later - earlier).total_seconds() for earlier, later in pairwise(own)}
        assert len(own) == 6
        assert len(gaps) > 1
        assert all(abs(gap - 600) < 120 for gap in gaps)


def test_the_same_plan_is_the_same_recording(lines: list[bytes]):
    assert list(record(PLAN)) == lines


def test_an_unknown_event_is_recorded_as_the_404_it_gives():
    plan = RecordingPlan((1,), FROM, FROM + timedelta(minutes=5), interval_seconds=600, seed=SEED)
    (line,) = record(plan)
    assert orjson.loads(line)["status"] == 404


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"event_ids": ()}, "at least one event"),
        ({"event_ids": (1, 1)}, "each only once"),
        ({"interval_seconds": 0}, "must be positive"),
        ({"to_at": FROM}, "nothing to record"),
        ({"from_at": datetime(2026, 11, 22)}, "with an offset"),  # noqa: DTZ001 - that is the mistake
    ],
)
def test_a_wrong_plan_is_refused(changes: dict[str, Any], words: str):
    facts = {"event_ids": (1,), "from_at": FROM, "to_at": TO, "interval_seconds": 600, "seed": SEED}
    with pytest.raises(ValueError, match=words):
        RecordingPlan(**{**facts, **changes})


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "r.jsonl.zst"])
def test_a_recording_is_served_by_the_newest_capture(tmp_path: Path, lines: list[bytes], name: str):
    path = tmp_path / name
    with writing(path) as stream:
        stream.writelines(lines)
    with reading(path) as stream:
        assert list(stream) == lines
    replayed = ReplayedMarketplace(path, INVENTED)
    own = [capture for capture in map(orjson.loads, lines) if capture["event_id"] == EVENTS[1]]
    for capture, until in zip(own, [*own[1:], None], strict=True):
        first = datetime.fromisoformat(capture["captured_at"])
        last = (
            datetime.fromisoformat(until["captured_at"]) - timedelta(milliseconds=1) if until else TO.replace(year=2030)
        )
        for at in (first, last):
            answer = replayed.listings(EVENTS[1], at)
            assert (answer.status, answer.headers) == (200, capture["headers"])
            assert answer.body == orjson.dumps(capture["body"])
    assert replayed.listings(EVENTS[1], FROM - timedelta(days=1)).status == 404
    assert replayed.listings(1, TO).status == 404
    assert replayed.production(EVENTS[0], TO).body == INVENTED.production(EVENTS[0], TO).body
    assert set(replayed.featured(24, TO)) == set(EVENTS)


def test_answers_that_are_no_json_are_served_as_they_were(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    html = {"event_id": 7, "captured_at": FROM.isoformat(), "status": 403, "headers": {"content-type": "text/html"}}
    path.write_bytes(orjson.dumps({**html, "body": "<html>no</html>"}) + b"\n")
    answer = ReplayedMarketplace(path, INVENTED).listings(7, TO)
    assert (answer.status, answer.body, answer.headers) == (403, b"<html>no</html>", {"content-type": "text/html"})


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "r.jsonl.zst"])
def test_a_recording_that_fails_leaves_nothing_behind(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"the one before")

    def broken() -> None:
        with writing(tmp_path / name) as stream:
            stream.write(b"half a li")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"the one before"


def _capture(**changes: object) -> bytes:
    good = {"event_id": 7, "captured_at": FROM.isoformat(), "status": 200, "headers": {}, "body": {}}
    return orjson.dumps({**good, **changes}) + b"\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("r.jsonl", b"", "is empty"),
        ("r.jsonl", _capture() + b"{half", "line 2: not a capture"),
        ("r.jsonl", b"[1]\n", "line 1: not a capture"),
        ("r.jsonl", _capture(event_id="7"), "needed are event_id"),
        ("r.jsonl", _capture(captured_at="2026-11-22T20:00:00"), "needed are event_id"),
        ("r.jsonl", _capture(captured_at="today"), "line 1: not a capture"),
        ("r.jsonl", _capture() + _capture(captured_at="2026-11-22T19:00:00Z"), "in order of time"),
        ("r.jsonl.gz", b"no gzip", "cannot read the recording"),
        ("r.jsonl.gz", gzip.compress(_capture(), mtime=0)[:-9], "cannot read the recording"),
        ("r.jsonl.zst", b"no zstd", "cannot read the recording"),
    ],
)
def test_a_broken_recording_is_refused_with_its_line(tmp_path: Path, name: str, content: bytes, words: str):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=words):
        ReplayedMarketplace(path, INVENTED)


def test_a_missing_recording_is_refused(tmp_path: Path):
    with pytest.raises(RecordingError, match="No such file"):
        ReplayedMarketplace(tmp_path / "none.jsonl", INVENTED)


def test_concatenated_compressed_recordings_are_read_whole(tmp_path: Path):
    path = tmp_path / "r.jsonl.zst"
    parts = [_capture(), _capture(captured_at=TO.isoformat())]
    path.write_bytes(b"".join(zstandard.ZstdCompressor().compress(part) for part in parts))
    with reading(path) as stream:
        assert stream.read() == b"".join(parts)
