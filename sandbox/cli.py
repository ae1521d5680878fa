"""The commands of the sandbox: serve, events, record, faults.

What belongs here: options, messages, exit status (0 done, 1 failed, 2 wrong use). What does not: the work.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from sandbox.catalogue import featured_events, listed_events
from sandbox.faults.cli import app as faults_app
from sandbox.progress import counted
from sandbox.randomness import DEFAULT_SEED
from sandbox.recording import RecordingPlan, record
from sandbox.recording_file import writing
from sandbox.replay import RecordingError
from sandbox.requests import MAX_FEATURED, BadRequestError, instant
from sandbox.server import DEFAULT_HOST, DEFAULT_PORT, PortInUseError, create_app, serve

if TYPE_CHECKING:
    from sandbox.events import Event

app = typer.Typer(help="A stand-in marketplace: serve it, list its events, record it.", no_args_is_help=True)
app.add_typer(faults_app, name="faults")

_DEFAULT_EVENTS = 24
_DEFAULT_DAYS = 3.0

Seed = Annotated[int, typer.Option(min=0, help="Which invented market.")]


def _instant(text: str) -> datetime:
    try:
        return instant(text)
    except BadRequestError as problem:
        raise typer.BadParameter(str(problem).removeprefix("at=")) from None


def _instant_option(name: str, text: str) -> Any:
    return typer.Option(name, parser=_instant, metavar="ISO8601", help=text)


@app.command("serve")
def serve_command(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = DEFAULT_PORT,
    host: Annotated[str, typer.Option()] = DEFAULT_HOST,
    seed: Seed = DEFAULT_SEED,
    recording: Annotated[Path | None, typer.Option(help="Answer listings from this recording.")] = None,
    keep_served: Annotated[bool, typer.Option("--keep-served", help="Keep a record of every listings answer.")] = False,
) -> None:
    """Serve the marketplace over HTTP until interrupted."""
    source = f"seed {seed}" if recording is None else str(recording)
    try:
        serve(create_app(seed, recording, keep_served=keep_served), host, port, f"sandbox marketplace ({source}) on")
    except (PortInUseError, RecordingError) as problem:
        _fail(str(problem))
    except KeyboardInterrupt:
        pass


@app.command("events")
def events_command(
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, by start.")] = 50,
    featured: Annotated[
        int | None, typer.Option(min=1, max=MAX_FEATURED, help="Only so many that are worth tracking.")
    ] = None,
    at: Annotated[datetime | None, _instant_option("--at", "Default: now.")] = None,
    seed: Seed = DEFAULT_SEED,
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """List the events ahead."""
    at = at or datetime.now(UTC)
    events = listed_events(at, seed)[:limit] if featured is None else featured_events(at, featured, seed)
    if as_json:
        sys.stdout.write(orjson.dumps([_facts(event) for event in events], option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    table = Table("event_id", "starts_at (UTC)", "name", "venue", "city", "peak listings")
    for event in events:
        start = event.starts_at.strftime("%Y-%m-%d %H:%M")
        place = (event.venue.name, event.venue.city)
        table.add_row(str(event.event_id), start, event.name, *place, str(event.peak_listings))
    Console().print(table)


@app.command("record")
def record_command(
    *,
    output: Annotated[str, typer.Option(help="A file (.gz and .zst are compressed), or - for standard output.")],
    event: Annotated[list[int] | None, typer.Option(min=1, help="An event id; repeatable.")] = None,
    events: Annotated[int | None, typer.Option(min=1, max=MAX_FEATURED, help="So many featured events.")] = None,
    from_at: Annotated[datetime | None, _instant_option("--from", "Default: three days before --to.")] = None,
    to_at: Annotated[datetime | None, _instant_option("--to", "Default: now.")] = None,
    days: Annotated[float | None, typer.Option(min=0, help="So long before --to, instead of --from.")] = None,
    interval_minutes: Annotated[int, typer.Option(min=1)] = 10,
    seed: Seed = DEFAULT_SEED,
) -> None:
    """Write what a scraper would have captured, as JSON lines in order of time."""
    if event and events:
        raise typer.BadParameter("give --event or --events, not both")
    if from_at and days is not None:
        raise typer.BadParameter("give --from or --days, not both")
    to_at = to_at or datetime.now(UTC).replace(microsecond=0)
    from_at = from_at or to_at - timedelta(days=_DEFAULT_DAYS if days is None else days)
    chosen = event or [e.event_id for e in featured_events(to_at, events or _DEFAULT_EVENTS, seed)]
    try:
        plan = RecordingPlan(tuple(chosen), from_at, to_at, 60 * interval_minutes, seed)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None
    try:
        if output == "-":
            _write(plan, sys.stdout.buffer)
        else:
            with writing(Path(output)) as stream:
                _write(plan, stream)
    except BrokenPipeError:
        # The reader has had enough, as `head` does. Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except OSError as problem:
        _fail(f"cannot write the recording to {output}: {problem.strerror or problem}")


def _write(plan: RecordingPlan, stream: IO[bytes]) -> None:
    for line in counted(record(plan), len(plan), "recording"):
        stream.write(line)
    stream.flush()


def _facts(event: Event) -> dict[str, object]:
    return {
        "event_id": event.event_id,
        "name": event.name,
        "starts_at": event.starts_at.isoformat(),
        "on_sale_at": event.on_sale_at.isoformat(),
        "venue_id": event.venue.venue_id,
        "venue": event.venue.name,
        "city": event.venue.city,
        "category_id": event.category.value.category_id,
        "is_parking": event.is_parking,
        "peak_listings": event.peak_listings,
    }


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
