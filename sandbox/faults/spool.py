"""The spool: bodies in temporary files, compressed, the newest so many bytes of them.

What belongs here: keeping and finding bodies by number, within a bound. What does not: what they are bodies of.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from typing import IO, NamedTuple

import zstandard

SPOOL_BYTES = 2 * 2**30
"""Disk at most; a body of 500 listings takes about 25 KB, so the last 40,000 or more of them are there."""

_LEVEL = 1


class _Place(NamedTuple):
    offset: int
    length: int


class _File:
    """One file, written to its end, with an index of what is where."""

    def __init__(self) -> None:
        self._stream: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with this
        weakref.finalize(self, self._stream.close)
        self._places: dict[int, _Place] = {}
        self.size = 0

    def write(self, number: int, packed: bytes) -> None:
        self._stream.write(packed)
        self._places[number] = _Place(self.size, len(packed))
        self.size += len(packed)

    def read(self, number: int) -> bytes | None:
        place = self._places.get(number)
        return None if place is None else os.pread(self._stream.fileno(), place.length, place.offset)


class Spool:
    """Two files of half the bound each: when the newer one is full, the older one goes."""

    def __init__(self, most_bytes: int = SPOOL_BYTES) -> None:
        self._most_bytes_each = most_bytes // 2
        self._older: _File | None = None
        self._newer: _File | None = None
        self._packer = zstandard.ZstdCompressor(level=_LEVEL)
        self._unpacker = zstandard.ZstdDecompressor()

    def keep(self, number: int, body: bytes) -> None:
        """Keep a body under a number never used before."""
        packed = self._packer.compress(body)
        if self._newer is None or self._newer.size + len(packed) > self._most_bytes_each:
            self._older, self._newer = self._newer, _File()
        self._newer.write(number, packed)

    def read(self, number: int) -> bytes | None:
        """The body kept under a number; None where it is too old, or never was."""
        for file in (self._newer, self._older):
            packed = None if file is None else file.read(number)
            if packed is not None:
                return self._unpacker.decompress(packed)
        return None
