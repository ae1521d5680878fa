"""Recording files: JSON lines, plain or compressed by their ending (``.gz``, ``.zst``).

What belongs here: opening, atomic writing, temporary names. What does not: what a line says (``recording``).
"""

from __future__ import annotations

import gzip
import io
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Level 1: bodies shrink to a fourteenth anyway, and level 6 halves the rate of recording.
_GZIP_LEVEL = 1
_ZSTD_LEVEL = 1
_BUFFER_BYTES = 1 << 18


def is_compressed(path: Path) -> bool:
    """Whether the ending says that the file is compressed."""
    return path.suffix in {".gz", ".zst"}


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """The lines of a recording as a binary stream, decompressed.

    Raises:
        OSError: the file cannot be opened; while reading also ``EOFError`` or ``zstandard.ZstdError``.
    """
    with path.open("rb") as raw:
        if path.suffix == ".gz":
            with gzip.open(raw) as stream:
                yield cast("IO[bytes]", stream)
        elif path.suffix == ".zst":
            # Zstandard's own streams know neither lines nor writelines.
            unpacking = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
            with io.BufferedReader(cast("io.RawIOBase", unpacking), _BUFFER_BYTES) as stream:
                yield stream
        else:
            yield raw


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A binary stream into ``path``: the file appears whole when the block ends well, or not at all.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("wb") as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as stream:
                    yield cast("IO[bytes]", stream)
            elif path.suffix == ".zst":
                packing = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(raw, closefd=False)
                with io.BufferedWriter(cast("io.RawIOBase", packing), _BUFFER_BYTES) as stream:
                    yield stream
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
