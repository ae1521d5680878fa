"""Figures, printed as they come and kept in ``RESULTS.md``.

What belongs here: the form of a figure. What does not: measuring.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

RESULTS = Path(__file__).parent / "RESULTS.md"
console = Console()

_HEAD = """\
# The last figures

Of `make bench`, or of one benchmark with `make bench ARGS=name`. Absolute times are the machine's; what is compared was
measured in one run.

"""
_SECTION = re.compile(r"^## (\w+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Figure:
    """One measured value beside what is wanted of it; ``aim`` is empty for what only stands beside another."""

    benchmark: str
    what: str
    value: str
    aim: str = ""


def show(figure: Figure) -> Figure:
    """Print a figure, and give it back."""
    aim = f"   (aim: {figure.aim})" if figure.aim else ""
    console.print(f"{figure.benchmark}: {figure.what}: {figure.value}{aim}", highlight=False)
    return figure


def write_results(figures: Sequence[Figure]) -> None:
    """Replace the sections of ``RESULTS.md`` that have been measured; the others stay as they are."""
    _, *kept = _SECTION.split(RESULTS.read_text())
    sections = dict(zip(kept[::2], kept[1::2], strict=True))
    for benchmark in dict.fromkeys(figure.benchmark for figure in figures):
        sections[benchmark] = _section([figure for figure in figures if figure.benchmark == benchmark])
    RESULTS.write_text("".join([_HEAD, *(f"## {benchmark}\n{text}" for benchmark, text in sections.items())]))
    console.print(f"written to {RESULTS}")


def _section(figures: Sequence[Figure]) -> str:
    lines = [
        "",
        (
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
            f"Python {platform.python_version()}."
        ),
        "",
        "| what | value | aim |",
        "| --- | --- | --- |",
        *(f"| {figure.what} | {figure.value} | {figure.aim} |" for figure in figures),
        "",
    ]
    return "\n".join([*lines, ""])
