"""The words in which problems are told: one message for all that is new, however much that is.

What belongs here: text. What does not: how a channel wants it sent (``channels``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ingestion.alerts.memory import Alert, Untold
from ingestion.health.result import duration

ALERTS_SHOWN = 15
"""Of a kind, in one message: people stop reading earlier than machines."""
DETAILS_SHOWN = 5
LONGEST_TEXT = 4000
"""Characters that Slack shows as one message; Rocket.Chat refuses more than 5,000."""
_LONGEST_LINE = 400  # of an error text, whose end says little
_CUT = "… and more: `ticketmarts status`, and Dagster"


@dataclass(frozen=True)
class Message:
    """A subject of one line, and a plain text that does without it."""

    subject: str
    text: str


def compose(untold: Untold, now: datetime) -> Message:
    """All that a channel has not been told, in one message."""
    subject = "ticketmarts: " + ", ".join(
        part
        for part in (
            _counted(untold.opened, "problem"),
            f"{len(untold.over)} over" if untold.over else "",
            f"{len(untold.passed)} came and went" if untold.passed else "",
        )
        if part
    )
    lines = [subject]
    lines += [line for alert in untold.opened[:ALERTS_SHOWN] for line in _opened(alert, now)]
    lines += _more(untold.opened)
    lines += [f"Over: {_title(alert)}, after {_lasted(alert)}" for alert in untold.over[:ALERTS_SHOWN]]
    lines += _more(untold.over)
    lines += [
        f"Came and went: {_title(alert)}, from {_minute(alert.opened_at)} for {_lasted(alert)}: {alert.summary}"
        for alert in untold.passed[:ALERTS_SHOWN]
    ]
    lines += _more(untold.passed)
    return Message(
        subject, _shortened(line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …" for line in lines)
    )


def _shortened(lines: Iterable[str]) -> str:
    kept: list[str] = []
    left = LONGEST_TEXT - len(_CUT)
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            return "\n".join([*kept, _CUT])
        kept.append(line)
    return "\n".join(kept)


def _opened(alert: Alert, now: datetime) -> Iterable[str]:
    since = "" if duration((now - alert.opened_at).total_seconds()) == "0 s" else f" (since {_minute(alert.opened_at)})"
    yield f"PROBLEM {_title(alert)}{since}: {alert.summary}"
    yield from (f"    - {detail}" for detail in alert.details[:DETAILS_SHOWN])
    if len(alert.details) > DETAILS_SHOWN:
        yield f"    - and more: `ticketmarts status` names {len(alert.details)}"
    if alert.what_to_do:
        yield f"    What to do: {alert.what_to_do}"


def _title(alert: Alert) -> str:
    return alert.problem.replace("_", " ")


def _counted(alerts: Sequence[Alert], what: str) -> str:
    return f"{len(alerts)} {what}{'' if len(alerts) == 1 else 's'}" if alerts else ""


def _more(alerts: Sequence[Alert]) -> list[str]:
    return [f"… and {len(alerts) - ALERTS_SHOWN} more"] if len(alerts) > ALERTS_SHOWN else []


def _lasted(alert: Alert) -> str:
    return duration(((alert.recovered_at or alert.opened_at) - alert.opened_at).total_seconds())


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
