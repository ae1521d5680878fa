"""Stops all scraping when the marketplace turns us away, and remembers it across processes.

What belongs here: when the breaker opens, for how long, and when it is tried again. What does not: requests
(``marketplace``) and what a round does meanwhile (``scraping``).

Answers of the kinds ``blocked`` and ``access_denied`` speak of us, not of an event: three in a row open the breaker.
It stays open for half an hour, and twice as long each time in a row, up to a day; then one event is asked, and its
answer decides. Rate limits do not open it: they slow the pace (``pacing``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from ingestion.failures import CaptureError, FailureKind

OPENING_KINDS = frozenset((FailureKind.BLOCKED, FailureKind.ACCESS_DENIED))
FAILURES_TO_OPEN = 3
FIRST_PAUSE = timedelta(minutes=30)
LONGEST_PAUSE = timedelta(hours=24)


@dataclass(frozen=True)
class OpenBreaker:
    """A row of ``raw.circuit_breakers``."""

    opened_at: datetime
    open_until: datetime
    times_opened: int
    kind: str
    message: str

    def __str__(self) -> str:
        return (
            f"the marketplace turned us away ({self.kind}: {self.message}); "
            f"nothing is asked before {self.open_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        )


class CircuitBreaker:
    """The breaker of one marketplace, for the length of a round."""

    def __init__(self, marketplace: str, state: OpenBreaker | None, now: datetime) -> None:
        self._marketplace = marketplace
        self._state = self._saved = state
        self._failures_in_a_row = 0
        self._is_probing = state is not None and state.open_until <= now
        self.is_open = state is not None and not self._is_probing

    @property
    def state(self) -> OpenBreaker | None:
        """Why and until when it is open; None while it is closed."""
        return self._state

    @property
    def is_probing(self) -> bool:
        """Whether its pause is over and nobody has been let in yet: then events are asked one at a time."""
        return self._is_probing and not self.is_open

    def note_success(self) -> None:
        """An answer that lets us in: whatever it says of its event, the breaker is closed."""
        self._failures_in_a_row = 0
        self._is_probing = False
        if not self.is_open:
            self._state = None

    def note_failure(self, error: CaptureError, now: datetime) -> None:
        """A failed attempt; it opens the breaker if it is one too many that turns us away."""
        if error.kind not in OPENING_KINDS or self.is_open:
            return
        self._failures_in_a_row += 1
        if self._is_probing or self._failures_in_a_row >= FAILURES_TO_OPEN:
            times_opened = self._state.times_opened + 1 if self._state else 1
            pause = min(FIRST_PAUSE * 2 ** (times_opened - 1), LONGEST_PAUSE)
            self._state = OpenBreaker(now, now + pause, times_opened, error.kind, str(error))
            self.is_open, self._is_probing = True, False

    def heed(self, state: OpenBreaker | None, now: datetime) -> None:
        """Take over what other processes have made of it since it was saved or heeded last."""
        if state != self._saved:
            self._state = self._saved = state
            self.is_open = state is not None and state.open_until > now
            self._is_probing = state is not None and not self.is_open
            self._failures_in_a_row = 0

    def save(self, connection: psycopg.Connection[Any]) -> None:
        """Keep the state for the rounds to come, where it has changed here."""
        saved, self._saved = self._saved, self._state
        if self._state == saved:
            return
        if self._state is None:
            # Not what another process has opened meanwhile, of which this one has seen nothing yet.
            connection.execute(
                "delete from raw.circuit_breakers where marketplace = %s and opened_at = %s",
                (self._marketplace, saved.opened_at if saved else None),
            )
            return
        connection.execute(
            """
            insert into raw.circuit_breakers (marketplace, opened_at, open_until, times_opened, kind, message)
            values (%s, %s, %s, %s, %s, %s)
            on conflict (marketplace) do update
            set opened_at = excluded.opened_at, open_until = excluded.open_until,
                times_opened = excluded.times_opened, kind = excluded.kind, message = excluded.message
            """,
            (
                self._marketplace,
                self._state.opened_at,
                self._state.open_until,
                self._state.times_opened,
                self._state.kind,
                self._state.message,
            ),
        )


def load_breaker(connection: psycopg.Connection[Any], marketplace: str, now: datetime) -> CircuitBreaker:
    """The breaker of a marketplace (its base URL) as the rounds before have left it."""
    return CircuitBreaker(marketplace, load_state(connection, marketplace), now)


def load_state(connection: psycopg.Connection[Any], marketplace: str) -> OpenBreaker | None:
    """Why and until when nobody asks a marketplace, or the pause that nobody has ended yet; None while it is closed."""
    with connection.cursor(row_factory=class_row(OpenBreaker)) as cursor:
        return cursor.execute(
            """
            select opened_at, open_until, times_opened, kind, message from raw.circuit_breakers
            where marketplace = %s
            """,
            (marketplace,),
        ).fetchone()
