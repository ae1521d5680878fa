"""Figures, printed as they come and kept in ``RESULTS.md``.

What belongs here: the form of a figure. What does not: measuring.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

RESULTS = Path(__file__).parent / "RESULTS.md"
console = Console()


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


def write_results(figures: list[Figure]) -> None:
    """Replace ``RESULTS.md``."""
    lines = [
        "# The last figures",
        "",
        (
            f"`make bench` on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()} "
            f"{platform.machine()}, Python {platform.python_version()}. Absolute times are this machine's; "
            "what is compared was measured in one run."
        ),
        "",
        "| benchmark | what | value | aim |",
        "| --- | --- | --- | --- |",
        *(f"| {f.benchmark} | {f.what} | {f.value} | {f.aim} |" for f in figures),
        "",
    ]
    RESULTS.write_text("\n".join(lines))
    console.print(f"written to {RESULTS}")
