"""How commands talk: JSON for programs, tables and progress bars for people, plain lines for logs.

What belongs here: the look of output. What does not: what it says (``cli``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

SECONDS_BETWEEN_LINES = 5.0
_WIDTH_OF_A_PIPE = 250

# What is printed comes from the marketplace, too: its brackets are no markup.
messages = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
"""Where people read, a line a message; standard output is kept for answers."""


@contextmanager
def show_progress(
    description: str, total: int | None, *, seconds_between_lines: float = SECONDS_BETWEEN_LINES
) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal, else a line every few seconds; yields a function that counts units in."""
    if messages.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=messages) as progress:
            task = progress.add_task(description, total=total)
            yield lambda count: progress.advance(task, count)
        return
    done, said_at = 0, time.monotonic()

    def count_in(count: int) -> None:
        nonlocal done, said_at
        done += count
        if time.monotonic() - said_at >= seconds_between_lines:
            said_at = time.monotonic()
            messages.print(f"{description}: {done}" + (f" of {total}" if total else ""))

    yield count_in
    messages.print(f"{description}: {done}, done")


def print_json(answer: Any) -> None:
    """One JSON document on standard output."""
    plain = asdict(answer) if is_dataclass(answer) and not isinstance(answer, type) else answer
    typer.echo(orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())


def print_json_line(answer: Any) -> None:
    """One JSON document on one line of standard output."""
    typer.echo(orjson.dumps(answer).decode())


def print_table(rows: list[dict[str, Any]], *, title: str | None = None) -> None:
    """A table on standard output; the keys of the first row are its heading."""
    table = Table(title=title, title_justify="left")
    for heading in rows[0] if rows else ():
        table.add_column(heading.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    _answers().print(table)


def print_lines(lines: list[str]) -> None:
    """Plain lines on standard output, between tables; a long one goes on where a terminal ends."""
    for line in lines:
        _answers().print(line, soft_wrap=True)


def _answers() -> Console:
    # A file or a pipe has no width: nothing is folded there.
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_PIPE
    return console
