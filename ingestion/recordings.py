"""Recordings: captured answers as JSON lines, plain, gzip or zstd, in time order.

What belongs here: reading the file. What does not: writing one (the sandbox does) and loading it (``importing``).
One line is ``{"event_id": …, "captured_at": "2026-09-07T12:00:00.250+00:00", "status": 200, "headers": {…},
"body": {…}}``; the body is a string where the answer was no JSON.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import zstandard

from ingestion.answers import Answer
from ingestion.errors import UserError

STANDARD_INPUT = Path("-")


class RecordingError(UserError):
    """A recording that cannot be read; the message says which file and line, and what is wrong with it."""


class _Line(msgspec.Struct):
    event_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    captured_at: datetime
    status: Annotated[int, msgspec.Meta(ge=100, le=999)]
    body: msgspec.Raw


_decoder = msgspec.json.Decoder(_Line)
_CHUNK_BYTES = 1 << 18


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
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise RecordingError(f"cannot read {path}: {error}") from error


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
    elif path.suffix == ".gz":
        with gzip.open(path, "rb") as unpacked:
            yield io.BufferedReader(unpacked)
    elif path.suffix == ".zst":
        with path.open("rb") as packed:
            yield io.BufferedReader(_ZstdFile(packed))
    else:
        with path.open("rb") as plain:
            yield plain


class _ZstdFile(io.RawIOBase):
    """Unpacks zstd frames; zstandard's own stream reader takes a truncated frame for the end of the file."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._pending = b""
        self._unpacked = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._unpacked:
            self._pending = self._pending or self._packed.read(_CHUNK_BYTES)
            if not self._pending:
                if self._frame is not None:
                    raise EOFError("it ends in the middle of a zstd frame")
                return 0
            frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            self._unpacked = memoryview(frame.decompress(self._pending))
            self._pending = frame.unused_data
            self._frame = None if frame.eof else frame
        count = min(len(buffer), len(self._unpacked))
        buffer[:count] = self._unpacked[:count]
        self._unpacked = self._unpacked[count:]
        return count


def _read_line(path: Path, number: int, line: bytes) -> Answer:
    try:
        recorded = _decoder.decode(line)
        body = bytes(recorded.body)
        if body[:1] == b'"':
            body = msgspec.json.decode(body, type=str).encode()
        captured_at = recorded.captured_at.astimezone(UTC)
    except (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError) as error:
        raise RecordingError(
            f"{path}, line {number}: {error}. A line is one captured answer: "
            '{"event_id": …, "captured_at": "2026-09-07T12:00:00+00:00", "status": 200, "headers": {…}, "body": {…}}'
        ) from error
    if recorded.captured_at.tzinfo is None:
        raise RecordingError(f"{path}, line {number}: captured_at has no offset from UTC")
    return Answer(recorded.event_id, captured_at, recorded.status, body)
