"""Ctrl-C, SIGTERM and a closed terminal all mean the same: stop everything, cleanly, once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """The person, or the system, wants the stack to stop. No failure, so no Exception."""


@contextmanager
def stop_requests() -> Iterator[None]:
    """Within, the first such signal raises StopRequested; those that follow must not disturb the stopping."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise StopRequested

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
