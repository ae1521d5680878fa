"""What a check says.

What belongs here: the answer, and how durations are put for people. What does not: any check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

PROBLEMS_NAMED = 10
"""Of each check: who has a thousand events in trouble looks for one cause, not for a thousand lines."""

Figure = int | float | str | None


@dataclass(frozen=True)
class CheckResult:
    """The answer of one check.

    ``summary`` is one sentence with the numbers, whatever the answer. ``problems`` names what is wrong, the worst
    first, ``PROBLEMS_NAMED`` at most; ``what_to_do`` is empty where ``is_ok``. ``figures`` are the numbers, with
    units in their names.
    """

    name: str
    is_ok: bool
    summary: str
    problems: tuple[str, ...] = ()
    what_to_do: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)


def duration(seconds: float) -> str:
    """A length of time for people, in its two largest units: ``3 d 4 h``, ``2 h 5 min``, ``12 s``."""
    left = timedelta(seconds=round(max(seconds, 0)))
    hours, rest = divmod(left.seconds, 3600)
    if left.days:
        return f"{left.days} d {hours} h"
    if hours:
        return f"{hours} h {rest // 60} min"
    return f"{rest // 60} min" if rest >= 60 else f"{rest} s"  # noqa: PLR2004  # seconds of a minute
