"""What ``ticketmarts status`` shows: the verdict first, then every check, what is wrong and what to do, then figures.

What belongs here: the look of it. What does not: reading it (``ingestion.status``).
"""

from __future__ import annotations

from ingestion.commands.arguments import show_minute
from ingestion.health import CheckResult
from ingestion.health.result import duration
from ingestion.status import Status
from ingestion.terminal import print_lines, print_table


def show_status(status: Status) -> None:
    """Print it all on standard output."""
    failing = [check for check in status.checks if not check.is_ok]
    print_lines([_verdict(status, failing), ""])
    print_table(
        [
            {"": "ok" if check.is_ok else "FAILS", "check": check.name.replace("_", " "), "says": check.summary}
            for check in status.checks
        ]
    )
    for check in failing:
        print_lines(["", f"{check.name.replace('_', ' ')} fails:", *(f"  - {problem}" for problem in check.problems)])
        print_lines([f"  What to do: {check.what_to_do}"])
    print_lines([""])
    print_table([{"what": what, "now": value} for what, value in _figures(status)])
    if status.open_alerts:
        print_lines([""])
        print_table(
            [
                {"open alert": alert.problem, "since": show_minute(alert.opened_at), "says": alert.summary}
                for alert in status.open_alerts
            ]
        )


def _verdict(status: Status, failing: list[CheckResult]) -> str:
    at = show_minute(status.now_at)
    if not status.events_tracked:
        return f"{at}: no event is waited for; `ticketmarts track add EVENT` or tracking.yaml says what to capture"
    if not failing:
        return f"{at}: all is well, {status.events_tracked} events are captured as often as they should be"
    names = ", ".join(check.name.replace("_", " ") for check in failing)
    return f"{at}: {len(failing)} of {len(status.checks)} checks fail: {names}"


def _figures(status: Status) -> list[tuple[str, str]]:
    failures = ", ".join(f"{count} {kind}" for kind, count in sorted(status.failures_last_hour.items()))
    newest = status.newest_capture_at
    age = f" ({duration((status.now_at - newest).total_seconds())} ago)" if newest else ""
    return [
        ("events tracked", str(status.events_tracked)),
        ("events overdue", str(status.events_overdue)),
        ("events gone (404 several times in a row)", str(status.events_gone)),
        ("rules of tracking.yaml last answered in full", show_minute(status.rules_answered_at) or "never"),
        ("newest capture", f"{show_minute(newest) or 'none yet'}{age}"),
        ("captures in the last hour", str(status.captures_last_hour)),
        ("failures in the last hour", failures or "none"),
        ("hours waiting to be rolled up", str(status.stale_hours)),
        ("waiting since", show_minute(status.oldest_stale_at) or "-"),
        ("raw data", f"{status.raw_bytes / 2**20:,.0f} MiB"),
    ]
