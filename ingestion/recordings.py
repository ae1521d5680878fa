"""Recordings: captured answers as JSON lines, plain, gzip or zstd, in time order.

What belongs here: reading the file. What does not: writing one (the sandbox does) and loading it (``importing``).
One line is ``{"event_id": …, "captured_at": "2026-09-07T12:00:00.250+00:00", "status": 200, "headers": {…},
"body": {…}}``; the body is a string where the answer was no JSON.
"""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec
import zstandard

from ingestion.answers import Answer
from ingestion.errors import UserError

STANDARD_INPUT = Path("-")


class RecordingError(UserError):
    """A recording that cannot be read; the message says which file and line, and what is wrong with it."""


class _Line(msgspec.Struct):
    event_id: int
    captured_at: datetime
    status: int
    body: msgspec.Raw


_decoder = msgspec.json.Decoder(_Line)


def read_recording(path: Path) -> Iterator[Answer]:
    """The answers of a recording (``-``: standard input).

    Raises:
        RecordingError: the file is missing, is not packed as its name says, or a line is no captured answer.
    """
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _read_line(path, number, line)
    except (OSError, EOFError, zstandard.ZstdError) as error:
        raise RecordingError(f"cannot read {path}: {error}") from error


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
    elif path.suffix == ".gz":
        with gzip.open(path, "rb") as unpacked:
            yield io.BufferedReader(unpacked)
    elif path.suffix == ".zst":
        with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as unpacked:
            yield io.BufferedReader(unpacked)
    else:
        with path.open("rb") as plain:
            yield plain


def _read_line(path: Path, number: int, line: bytes) -> Answer:
    try:
        recorded = _decoder.decode(line)
        body = bytes(recorded.body)
        if body[:1] == b'"':
            body = msgspec.json.decode(body, type=str).encode()
    except (msgspec.DecodeError, UnicodeError) as error:
        raise RecordingError(
            f"{path}, line {number}: {error}. A line is one captured answer: "
            '{"event_id": …, "captured_at": "2026-09-07T12:00:00+00:00", "status": 200, "headers": {…}, "body": {…}}'
        ) from error
    if recorded.captured_at.tzinfo is None:
        raise RecordingError(f"{path}, line {number}: captured_at has no offset from UTC")
    return Answer(recorded.event_id, recorded.captured_at.astimezone(UTC), recorded.status, body)
