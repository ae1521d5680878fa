"""Waiting for what must come to pass, however loaded the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 200
"""Of everything that is waited for; on a machine of two cores with little else to do nothing takes thirty."""
_POLL_SECONDS = 0.05
_Found = TypeVar("_Found")


def wait_for(what: str, find: Callable[[], _Found | None]) -> _Found:
    """Until it is found, and it is what is returned."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = find()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_SECONDS} s"
        time.sleep(_POLL_SECONDS)
