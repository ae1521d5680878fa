"""Recordings: every packing of them, what a line may look like, and what is said of a broken one."""

from __future__ import annotations

import gzip
import io
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from ingestion.answers import Answer
from ingestion.recordings import STANDARD_INPUT, RecordingError, read_recording
from tests.unit.ingestion.bodies import encoded

AT = "2026-09-07T12:00:00.250+00:00"
INSTANT = datetime(2026, 9, 7, 12, 0, 0, 250_000, tzinfo=UTC)
Pack = Callable[[bytes], bytes]


def line(**keys: Any) -> bytes:
    return encoded({"event_id": 7, "captured_at": AT, "status": 200, "headers": {}, "body": {"a": 1}, **keys}) + b"\n"


# Bodies that do not compress well, so that files are cut in the middle of something.
_random = random.Random(7)
LINES = b"".join(line(event_id=n, body={"a": str(_random.getrandbits(60))}) for n in range(1, 2001))


def zstd_without_size(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


def zstd_in_two_frames(data: bytes) -> bytes:
    middle = len(data) // 2
    return zstandard.compress(data[:middle]) + zstandard.compress(data[middle:])


def gzip_in_two_members(data: bytes) -> bytes:
    middle = len(data) // 2
    return gzip.compress(data[:middle]) + gzip.compress(data[middle:])


PACKINGS = [
    ("jsonl", bytes),
    ("gz", gzip.compress),
    ("gz", gzip_in_two_members),
    ("zst", zstandard.compress),
    ("zst", zstd_without_size),
    ("zst", zstd_in_two_frames),
]


def recording(folder: Path, content: bytes, suffix: str = "jsonl") -> Path:
    path = folder / f"recording.{suffix}"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("suffix", "pack"), PACKINGS)
def test_every_packing(tmp_path: Path, suffix: str, pack: Pack) -> None:
    answers = list(read_recording(recording(tmp_path, pack(LINES), suffix)))
    assert [answer.event_id for answer in answers] == list(range(1, 2001))
    assert b"".join(line(event_id=a.event_id, body={"a": a.body.decode()[6:-2]}) for a in answers) == LINES


@pytest.mark.parametrize(("suffix", "pack"), PACKINGS[1:])
@pytest.mark.parametrize("kept", [0.1, 0.4, 0.6, 0.9999])
def test_a_truncated_file_is_never_taken_for_a_whole_one(tmp_path: Path, suffix: str, pack: Pack, kept: float) -> None:
    packed = pack(LINES)
    path = recording(tmp_path, packed[: int(len(packed) * kept)], suffix)
    with pytest.raises(RecordingError, match=f"cannot read {path}"):
        list(read_recording(path))


@pytest.mark.parametrize(("suffix", "pack"), PACKINGS[1:])
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str, pack: Pack) -> None:
    packed = bytearray(pack(LINES))
    packed[len(packed) // 3 : len(packed) // 3 + 40] = bytes(40)
    with pytest.raises(RecordingError, match="recording"):
        list(read_recording(recording(tmp_path, bytes(packed), suffix)))


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_file_that_is_not_packed_as_its_name_says(tmp_path: Path, suffix: str) -> None:
    path = recording(tmp_path, LINES, suffix)
    with pytest.raises(RecordingError, match=f"cannot read {path}"):
        list(read_recording(path))


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(RecordingError, match=f"cannot read {path}"):
            list(read_recording(path))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINES)))
    assert len(list(read_recording(STANDARD_INPUT))) == 2000


def test_an_empty_file_blank_lines_and_a_last_line_without_an_end(tmp_path: Path) -> None:
    assert list(read_recording(recording(tmp_path, b""))) == []
    answers = list(read_recording(recording(tmp_path, b"\n" + line() + b"  \r\n\n" + line().rstrip())))
    assert answers == [Answer(7, INSTANT, 200, b'{"a":1}')] * 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": [1,  2.50]}', b'{"a": [1,  2.50]}'),
        (b'  "<html>\\n\\u00e9"', "<html>\né".encode()),
        (b'""', b""),
        (b"null", b"null"),
    ],
)
def test_a_body_is_kept_byte_by_byte_and_a_string_is_its_text(tmp_path: Path, body: bytes, expected: bytes) -> None:
    content = b'{"event_id": 7, "captured_at": "%s", "status": 403, "body": %s}' % (AT.encode(), body)
    (answer,) = read_recording(recording(tmp_path, content))
    assert answer == Answer(7, INSTANT, 403, expected)


@pytest.mark.parametrize("at", ["2026-09-07T12:00:00.250Z", "2026-09-07T14:00:00.250+02:00"])
def test_any_offset_is_the_same_instant_in_utc(tmp_path: Path, at: str) -> None:
    (answer,) = read_recording(recording(tmp_path, line(captured_at=at)))
    assert (answer.captured_at, answer.captured_at.tzinfo) == (INSTANT, UTC)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"{\n", "truncated"),
        (b"[]\n", "Expected `object`"),
        (line().replace(b'"event_id":7,', b""), "missing required field `event_id`"),
        (line(event_id="7"), r"Expected `int`, got `str` - at `\$.event_id`"),
        (line(event_id=0), r"at `\$.event_id`"),
        (line(event_id=2**63), r"at `\$.event_id`"),
        (line(status=70_000), r"at `\$.status`"),
        (line(status=None), r"at `\$.status`"),
        (line(captured_at="yesterday"), r"at `\$.captured_at`"),
        (line(captured_at="2026-09-07T12:00:00"), "captured_at has no offset from UTC"),
        (line(captured_at="0001-01-01T00:00:00+14:00"), "out of range"),
        (b"\xff\n", "malformed"),
    ],
)
def test_a_broken_line_is_named_after_the_good_ones_are_read(tmp_path: Path, broken: bytes, reason: str) -> None:
    path = recording(tmp_path, line() + b"\n" + broken + line())
    answers = read_recording(path)
    assert next(answers).event_id == 7
    with pytest.raises(RecordingError, match=rf"{path}, line 3: .*{reason}"):
        next(answers)
