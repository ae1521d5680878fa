"""One look at everything, and telling whoever does not know yet.

What belongs here: the order, and that there is one evaluation at a time. What does not: each of its steps.

Any process may do it, as often as it likes (a sensor of Dagster's every minute, ``ticketmarts alerts check`` from a
timer, ``ticketmarts up`` when the others are silent): what is known is in the database.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from ingestion.alerts.channels import Channel, DeliveryError
from ingestion.alerts.deliveries import failed, reason_to_wait, succeeded
from ingestion.alerts.memory import note, told, untold
from ingestion.alerts.message import compose
from ingestion.alerts.problem import Problem
from ingestion.health import run_checks
from ingestion.settings import Settings

_LOCK = "hashtext('ticketmarts.alerts')"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """What came of one; ``is_done`` is false where another one was on, which does the same work.

    ``told`` and ``undelivered`` say of each channel the subject of its message, or why it has not got it.
    """

    is_done: bool
    open_problems: int = 0
    told: dict[str, str] = field(default_factory=dict)
    undelivered: dict[str, str] = field(default_factory=dict)


def database_problems(connection: psycopg.Connection[Any], settings: Settings) -> list[Problem]:
    """The checks of ``health`` that are not content."""
    return [
        Problem(check.name, check.summary, check.problems, check.what_to_do)
        for check in run_checks(connection, settings)
        if not check.is_ok
    ]


def evaluate(
    connection: psycopg.Connection[Any],
    found: Mapping[str, Sequence[Problem]],
    channels: Sequence[Channel],
    now: datetime | None = None,
) -> Evaluation:
    """Take in what each source has found, and tell each channel what it does not know, in one message.

    What cannot be delivered stays to be told, and later evaluations try again. A message goes out before it is
    noted that it has: a process that dies between the two leads to a message twice, and never to none.
    """
    now = now or datetime.now(UTC)
    (is_ours,) = connection.execute(f"select pg_try_advisory_lock({_LOCK})".encode()).fetchone() or (False,)
    if not is_ours:
        return Evaluation(is_done=False)
    try:
        note(connection, found, [channel.name for channel in channels], now)
        sent: dict[str, str] = {}
        undelivered: dict[str, str] = {}
        for channel in channels:
            news = untold(connection, channel.name)
            if not news.alerts:
                continue
            reason = reason_to_wait(connection, channel.name, now)
            if reason is not None:
                undelivered[channel.name] = reason
                continue
            message = compose(news, now)
            try:
                channel.send(message)
            except DeliveryError as error:
                _logger.warning("alerts are not delivered, and will be tried again: %s", error)
                undelivered[channel.name] = str(error)
                failed(connection, channel.name, str(error), now)
            else:
                told(connection, channel.name, news.alerts)
                succeeded(connection, channel.name)
                sent[channel.name] = message.subject
        connection.execute(
            """
            insert into raw.alert_evaluations (evaluated_at) values (%s)
            on conflict (is_only) do update set evaluated_at = excluded.evaluated_at
            """,
            (now,),
        )
        (open_problems,) = connection.execute(
            "select count(*) from raw.alerts where recovered_at is null"
        ).fetchone() or (0,)
        return Evaluation(is_done=True, open_problems=open_problems, told=sent, undelivered=undelivered)
    finally:
        connection.execute(f"select pg_advisory_unlock({_LOCK})".encode())


def last_evaluated_at(connection: psycopg.Connection[Any]) -> datetime | None:
    """When alerts were last evaluated, by whomever; None where they never were."""
    row = connection.execute("select evaluated_at from raw.alert_evaluations").fetchone()
    return row[0] if row else None
