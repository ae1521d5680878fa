"""Progress of long work: a bar on a terminal, plain lines elsewhere, always on standard error.

What belongs here: showing how far an iteration has come. What does not: the work.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_PLAIN_EVERY_SECONDS = 5.0


def counted(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Pass ``items`` on and show how many of ``total`` have gone by."""
    console = Console(stderr=True)
    return _with_bar(items, total, what, console) if console.is_terminal else _with_lines(items, total, what)


def _with_bar(items: Iterable[T], total: int, what: str, console: Console) -> Iterator[T]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task)


def _with_lines(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    started = shown = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - shown >= _PLAIN_EVERY_SECONDS:
            shown = now
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)  # noqa: T201
    print(f"{what}: {done} of {total}, {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)  # noqa: T201
