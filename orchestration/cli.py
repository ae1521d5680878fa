"""The commands ``ticketmarts build``, ``ticketmarts housekeeping`` and ``ticketmarts forget-ticks-ahead``.

What belongs here: arguments and messages. What does not: building (``building``), keeping house (``housekeeping``),
what is forgotten (``clock``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from ingestion.commands.arguments import DRY_RUN, AsJson
from ingestion.errors import UserError
from ingestion.housekeeping.keeping import HousekeepingReport, keep_house
from ingestion.settings import load_settings
from ingestion.terminal import messages, print_json
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


@app.command()
def housekeeping(
    *,
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make partitions ahead; drop, delete and purge what is past its age; analyze. Dagster does it once a day."""
    # Dagster takes two seconds to import, which `build` need not wait for.
    from orchestration.old_runs import delete_old_runs  # noqa: PLC0415
    from orchestration.storage import find_instance  # noqa: PLC0415

    settings = load_settings()
    report = keep_house(settings, is_dry_run=is_dry_run)
    old_runs = None
    instance = find_instance(settings)
    if instance is not None:
        with instance:
            before = datetime.now(UTC) - timedelta(days=settings.retention_dagster_runs_days)
            old_runs = delete_old_runs(instance, before, is_dry_run=is_dry_run)
    if as_json:
        print_json({**asdict(report), "dagster_runs": asdict(old_runs) if old_runs else None})
        return
    if is_dry_run:
        messages.print(DRY_RUN)
    for line in _describe(report):
        messages.print(line)
    if old_runs is None:
        messages.print("no Dagster here: DAGSTER_HOME is not set and the stack is not running")
    else:
        messages.print(
            f"{old_runs.deleted:,} old runs of Dagster deleted; {old_runs.kept:,} are the newest of something"
        )


@app.command("forget-ticks-ahead")
def forget_ticks_ahead() -> None:
    """After the clock was ahead: make Dagster's schedules and sensors not wait for that time to come again."""
    from orchestration.clock import forget_the_future  # noqa: PLC0415
    from orchestration.storage import find_instance  # noqa: PLC0415

    instance = find_instance(load_settings())
    if instance is None:
        raise UserError("no Dagster here: DAGSTER_HOME is not set and the stack is not running")
    with instance:
        forgotten = forget_the_future(instance, datetime.now(UTC))
    messages.print(
        f"begun anew: {', '.join(forgotten)}; now start dagster-daemon anew, which remembers, too"
        if forgotten
        else "no schedule and no sensor has a tick that is yet to come"
    )


def _describe(report: HousekeepingReport) -> Iterator[str]:
    if report.days_made:
        yield f"partitions made for {', '.join(map(str, report.days_made))}"
    for day in report.dropped:
        yield f"{day.day} dropped: {day.captures:,} captures, {day.bytes / 2**20:,.1f} MiB"
    for day in report.kept:
        yield f"{day.day} is past its age and stays: {day.kept_because}"
    yield f"{report.failures_deleted:,} failed attempts and {report.quarantine_deleted:,} quarantined items deleted"
    took = "" if report.is_dry_run else f" in {report.analyzed.seconds:,.1f} s"
    yield f"{' and '.join(report.analyzed.tables)} analyzed{took}"


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
