"""The command ``ticketmarts build``.

What belongs here: arguments and messages. What does not: building (``building``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from ingestion.settings import load_settings
from orchestration.building import build_marts

app = typer.Typer(no_args_is_help=True)
_messages = Console(stderr=True)
_INSTANT_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


@app.command()
def build(
    from_at: Annotated[
        datetime | None, typer.Option("--from", formats=_INSTANT_FORMATS, help="Rebuild from this instant (UTC) on.")
    ] = None,
    to_at: Annotated[
        datetime | None, typer.Option("--to", formats=_INSTANT_FORMATS, help="Rebuild up to this instant, excluded.")
    ] = None,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Empty the marts and rebuild all.")] = False,
) -> None:
    """Roll up what is stale with dbt; with a range, that range in any case."""
    if from_at is not None and to_at is not None and _utc(from_at) >= _utc(to_at):
        raise typer.BadParameter("--from must be before --to")
    with _messages.status("building the marts"):
        rebuilt = build_marts(
            load_settings(),
            from_at=_utc(from_at) if from_at else None,
            to_at=_utc(to_at) if to_at else None,
            full_refresh=full_refresh,
            on_run=lambda stale: _messages.print(f"{stale:,} stale hours of events; dbt builds"),
        )
    _messages.print(f"{rebuilt:,} hours of events rolled up; the marts say what raw says")


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
