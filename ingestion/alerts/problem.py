"""A problem, as whoever found it puts it.

What belongs here: plain data. What does not: since when it is known (``memory``).
"""

from __future__ import annotations

from dataclasses import dataclass

DATABASE = "database"
"""The source that asks ``ingestion.health``."""


@dataclass(frozen=True)
class Problem:
    """Something that is not as it must be.

    ``name`` is the same each time it is found (a check, a job, a schedule); ``summary`` is one sentence, ``details``
    a line each, the worst first. One with ``patience_seconds`` is told only if it is still found after so long.
    """

    name: str
    summary: str
    details: tuple[str, ...] = ()
    what_to_do: str = ""
    patience_seconds: float = 0.0
