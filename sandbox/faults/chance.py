"""Chance: whether a rule hits, from its numbers alone.

What belongs here: one independent draw for each (seed, rule, event, request). What does not: what follows from it.
Hashes, not generators: a draw costs a microsecond, and depends on nothing that was drawn before.
"""

from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple

_KEY = struct.Struct("<4q")
_HALF_BYTES = 8
_SPAN = 2.0 ** (8 * _HALF_BYTES)


class Draw(NamedTuple):
    """Two independent random numbers: one from 0 up to, not including, 1, and a whole one of 64 bits."""

    share: float
    choice: int


def draw(seed: int, rule: int, event_id: int, request: int) -> Draw:
    """The numbers of one request, by its number for this event from 1; request 0 is the event itself."""
    key = _KEY.pack(seed, rule, event_id, request)
    digest = hashlib.blake2b(key, digest_size=2 * _HALF_BYTES, person=b"sandbox faults").digest()
    return Draw(int.from_bytes(digest[:_HALF_BYTES]) / _SPAN, int.from_bytes(digest[_HALF_BYTES:]))
