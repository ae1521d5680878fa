"""``ticketmarts quarantine``: what came and could not be trusted, and another chance for it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ingestion.commands.arguments import DRY_RUN, AsJson, EventId, OnlyEvents, parse_instant
from ingestion.database import Database, connect
from ingestion.failures import FailureKind
from ingestion.quarantine.items import Selection, list_items, list_keys, read_item
from ingestion.quarantine.retrying import RetryReport, retry
from ingestion.settings import load_settings
from ingestion.terminal import messages, print_json, print_table, show_progress

app = typer.Typer(no_args_is_help=True, help="Deal with what came and could not be trusted.")

_REASONS_SHOWN = 5


class _What(StrEnum):
    BODY = "body"
    TICKET = "ticket"


_OnlyKinds = Annotated[
    list[FailureKind] | None, typer.Option("--kind", help="Only what failed in this way; may be repeated.")
]
_OnlyItems = Annotated[_What | None, typer.Option("--item", help="Only whole bodies, or only single tickets.")]
_From = Annotated[str | None, typer.Option("--from", help="Only what was captured from this instant on.")]
_To = Annotated[str | None, typer.Option("--to", help="Only what was captured before this instant.")]


@app.command("list")
def list_(
    *,
    event_ids: OnlyEvents = None,
    kinds: _OnlyKinds = None,
    item: _OnlyItems = None,
    from_at: _From = None,
    to_at: _To = None,
    limit: Annotated[int, typer.Option(min=1, help="Show this many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what is in quarantine, the newest at the top."""
    selection = _selection(event_ids, kinds, item, from_at, to_at)
    with connect(load_settings().require_database_url()) as connection:
        items, total = list_items(connection, selection, limit)
    if as_json:
        print_json(items)
    elif items:
        print_table(
            [
                {
                    "event": each.event_id,
                    "captured at": each.captured_at.isoformat(),
                    "item": each.item,
                    "kind": each.kind,
                    "reason": each.reason,
                    "bytes": f"{each.content_bytes:,}",
                }
                for each in items
            ]
        )
    else:
        messages.print(_nothing(selection))
    if total > len(items):
        messages.print(f"{total - len(items):,} more; --limit shows more of them")


@app.command()
def show(
    event_id: EventId,
    at: Annotated[str, typer.Argument(help="The instant of its capture, as `list` shows it.")],
    item: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ITEM]", help="body, or ticket N; needed where there is more than one."),
    ] = None,
) -> None:
    """Write one item to standard output, byte for byte as it came; why it is in quarantine goes to standard error."""
    with connect(load_settings().require_database_url()) as connection:
        found, content = read_item(connection, event_id, parse_instant(at), " ".join(item or []) or None)
    messages.print(f"{found.item} of event {event_id} at {found.captured_at.isoformat()}: {found.kind}: {found.reason}")
    typer.echo(content, nl=False)


@app.command("retry")
def retry_(
    *,
    event_ids: OnlyEvents = None,
    kinds: _OnlyKinds = None,
    item: _OnlyItems = None,
    from_at: _From = None,
    to_at: _To = None,
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read it again with the parser as it is now: what can be trusted goes where it belongs, the rest stays."""
    settings = load_settings()
    selection = _selection(event_ids, kinds, item, from_at, to_at)
    with Database(settings.require_database_url()) as database:
        keys = database.run(lambda connection: list_keys(connection, selection))
        with show_progress("reading again", len(keys)) as on_progress:
            report = retry(
                database,
                keys,
                interval_seconds=settings.scraper_interval_seconds,
                is_dry_run=is_dry_run,
                on_progress=on_progress,
            )
    if as_json:
        conflicts = [(conflict.event_id, conflict.captured_at) for conflict in report.conflicts]
        print_json({**vars(report), "conflicts": conflicts, "is_dry_run": is_dry_run})
        return
    if not keys:
        messages.print(_nothing(selection))
        return
    if is_dry_run:
        messages.print(DRY_RUN)
    _report(report)


def _selection(
    event_ids: list[int] | None,
    kinds: list[FailureKind] | None,
    item: _What | None,
    from_at: str | None,
    to_at: str | None,
) -> Selection:
    return Selection(
        event_ids=event_ids or (),
        kinds=kinds or (),
        is_body=None if item is None else item is _What.BODY,
        from_at=parse_instant(from_at) if from_at else None,
        to_at=parse_instant(to_at) if to_at else None,
    )


def _nothing(selection: Selection) -> str:
    return "nothing like that is in quarantine" if selection != Selection() else "the quarantine is empty"


def _report(report: RetryReport) -> None:
    if report.bodies:
        _report_bodies(report)
    if report.tickets:
        _report_tickets(report)


def _report_bodies(report: RetryReport) -> None:
    messages.print(
        f"{report.captured} of {report.bodies} bodies are captures now, {report.repeated} were there already; "
        f"{report.untrusted.total() + len(report.conflicts)} stay"
    )
    for kind, count in report.untrusted.most_common():
        messages.print(f"  {count} {kind}")
    for conflict in report.conflicts:
        where = f"event {conflict.event_id} at {conflict.captured_at.isoformat()}"
        messages.print(f"  {where}: another book is stored for that instant")


def _report_tickets(report: RetryReport) -> None:
    messages.print(
        f"{report.joined} of {report.tickets} tickets have joined their captures, {report.amended_captures} of them; "
        f"{report.rejected.total()} stay"
    )
    for reason, count in report.rejected.most_common(_REASONS_SHOWN):
        messages.print(f"  {count}: {reason}")
    other_reasons = report.rejected.most_common()[_REASONS_SHOWN:]
    if other_reasons:
        messages.print(f"  {sum(count for _, count in other_reasons)}: {len(other_reasons)} other reasons")
