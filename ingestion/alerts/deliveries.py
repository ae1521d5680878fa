"""Channels that did not take a message: they are tried again, and less and less often.

What belongs here: ``raw.alert_channels``. What does not: what they are to be told (``memory``).

A receiver that takes a message and then answers with an error, or too late, gets it again with every attempt: once a
minute that would be a storm.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg

FIRST_WAIT = timedelta(seconds=50)
"""The next evaluation of the sensor, which comes every minute, tries again."""
LONGEST_WAIT = timedelta(minutes=15)


def reason_to_wait(connection: psycopg.Connection[Any], channel: str, now: datetime) -> str | None:
    """Why the channel's last attempt failed, while it is too early for another; None where it may be tried."""
    row = connection.execute(
        "select reason from raw.alert_channels where channel = %s and try_again_at > %s", (channel, now)
    ).fetchone()
    return row[0] if row else None


def failed(connection: psycopg.Connection[Any], channel: str, reason: str, now: datetime) -> None:
    """An attempt failed; each wait is twice as long as the one before it."""
    connection.execute(
        """
        insert into raw.alert_channels as c (channel, failures, reason, try_again_at)
        values (%(channel)s, 1, %(reason)s, %(now)s::timestamptz + %(first)s)
        on conflict (channel) do update set
            failures = c.failures + 1,
            reason = excluded.reason,
            try_again_at = %(now)s::timestamptz + least(%(first)s * power(2, least(c.failures, 20)), %(longest)s)
        """,
        {"channel": channel, "reason": reason, "now": now, "first": FIRST_WAIT, "longest": LONGEST_WAIT},
    )


def succeeded(connection: psycopg.Connection[Any], channel: str) -> None:
    """A message was delivered."""
    connection.execute("delete from raw.alert_channels where channel = %s", (channel,))
