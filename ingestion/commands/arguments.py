"""Arguments and phrases that several commands share.

What belongs here: how instants and events are written on the command line. What does not: commands.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

_LARGEST_ID = 2**63 - 1

EventId = Annotated[int, typer.Argument(metavar="EVENT", min=1, max=_LARGEST_ID)]
EventIds = Annotated[
    list[int], typer.Argument(metavar="EVENT…", min=1, max=_LARGEST_ID, help="Production ids of the marketplace.")
]
OnlyEvents = Annotated[
    list[int] | None,
    typer.Option("--event", min=1, max=_LARGEST_ID, help="Only this event; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
DRY_RUN = "a dry run; nothing has changed, and without --dry-run it would be:"
"""What a rehearsal says first."""


def parse_instant(text: str) -> datetime:
    """An instant as people write it, or ``now``; without an offset it is in UTC.

    Raises:
        typer.BadParameter: it is none.
    """
    if text == "now":
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no instant; write one like 2026-11-22T12:00:00+00:00") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def show_minute(at: datetime | None) -> str | None:
    """An instant for people, in UTC; None where there is none."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if at else None
