"""Answering listings from a recording.

What belongs here: the index of a recording and the choice of the capture that answers. What does not: the
file's form (``recording_file``) and every question but listings, which go to the invented market.
"""

from __future__ import annotations

import tempfile
import weakref
from bisect import bisect_right
from contextlib import ExitStack
from datetime import datetime
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, NamedTuple

import orjson
import zstandard

from sandbox.marketplace import Answer, InventedMarketplace, error, ok
from sandbox.recording_file import is_compressed, reading

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.search import Search

_COPY_BYTES = 1 << 20


class RecordingError(Exception):
    """A recording cannot be read; the message says which file and line, and what is wrong with it."""


class _Captures(NamedTuple):
    """One event's captures in order of time, and where their lines begin in the open file."""

    captured_at: list[datetime]
    offset: list[int]


class ReplayedMarketplace:
    """A recording's listings, and the invented market for everything else.

    Only an index is held in memory; a compressed recording is unpacked into an unnamed temporary file.
    """

    def __init__(self, path: Path, invented: InventedMarketplace) -> None:
        self._invented = invented
        self._path = path
        self._lines = _opened(path)
        # An application has no end at which to close it: it goes with the marketplace.
        weakref.finalize(self, self._lines.close)
        self._captures = _index(path, self._lines)

    def listings(self, event_id: int, at: datetime) -> Answer:
        """The newest capture at or before ``at``; 404 for an event without one."""
        captures = self._captures.get(event_id)
        if captures is None:
            return error(HTTPStatus.NOT_FOUND, f"no production {event_id} in the recording {self._path.name}")
        newest = bisect_right(captures.captured_at, at) - 1
        if newest < 0:
            first = captures.captured_at[0].isoformat()
            return error(HTTPStatus.NOT_FOUND, f"the recording of production {event_id} begins only at {first}")
        self._lines.seek(captures.offset[newest])
        capture = orjson.loads(self._lines.readline())
        body = capture["body"]
        if capture["status"] == HTTPStatus.OK and not isinstance(body, str):
            return ok(orjson.dumps(body))
        content_type = capture["headers"].get("content-type", "application/json")
        content = body.encode() if isinstance(body, str) else orjson.dumps(body)
        return Answer(capture["status"], content, {"content-type": content_type})

    def production(self, event_id: int, at: datetime) -> Answer:
        """The invented market's answer."""
        return self._invented.production(event_id, at)

    def productions(self, search: Search, at: datetime) -> Answer:
        """The invented market's answer."""
        return self._invented.productions(search, at)

    def featured(self, count: int, at: datetime) -> list[int]:
        """The recorded events, those with most captures first; ``at`` changes nothing."""
        del at
        ranking = sorted(self._captures, key=lambda event_id: (-len(self._captures[event_id].offset), event_id))
        return ranking[:count]


def _opened(path: Path) -> IO[bytes]:
    """The recording as a seekable stream of lines."""
    try:
        if not is_compressed(path):
            return path.open("rb")
        with reading(path) as packed, ExitStack() as closing:
            unpacked = closing.enter_context(tempfile.TemporaryFile())
            while block := packed.read(_COPY_BYTES):
                unpacked.write(block)
            unpacked.seek(0)
            closing.pop_all()
            return unpacked
    except (OSError, EOFError, zstandard.ZstdError) as problem:
        raise RecordingError(f"cannot read the recording {path}: {problem}") from problem


def _index(path: Path, lines: IO[bytes]) -> dict[int, _Captures]:
    index: dict[int, _Captures] = {}
    offset = 0
    for number, line in enumerate(lines, start=1):
        event_id, captured_at = _key(path, number, line)
        captures = index.setdefault(event_id, _Captures([], []))
        if captures.captured_at and captured_at < captures.captured_at[-1]:
            raise RecordingError(
                f"{path}, line {number}: captured at {captured_at.isoformat()}, before the capture of the same event "
                "above it. A recording is in order of time: sort its lines."
            )
        captures.captured_at.append(captured_at)
        captures.offset.append(offset)
        offset += len(line)
    if not index:
        raise RecordingError(f"the recording {path} is empty; write one with `sandbox record`")
    return index


def _key(path: Path, number: int, line: bytes) -> tuple[int, datetime]:
    """Event and instant of one line, after checking that it can be served."""
    try:
        capture = orjson.loads(line)
        event_id, captured_at = capture["event_id"], datetime.fromisoformat(capture["captured_at"])
        served = isinstance(capture["status"], int) and isinstance(capture["headers"], dict) and "body" in capture
    except (ValueError, KeyError, TypeError) as problem:
        raise RecordingError(f"{path}, line {number}: not a capture ({problem!r})") from problem
    if not served or not isinstance(event_id, int) or captured_at.tzinfo is None:
        raise RecordingError(
            f"{path}, line {number}: not a capture; needed are event_id (number), captured_at (ISO 8601 with offset), "
            "status (number), headers (object) and body"
        )
    return event_id, captured_at
