"""Keeping the stack's own PostgreSQL up, which supervisord does not: it is another account's.

What belongs here: starting it again, as often as it takes, and what people are told of it. What does not: how it is
started (``stack.postgres``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg

from stack import postgres
from stack.errors import StackError


class PostgresWatch:
    """Looks after the server of ``home``; ``say`` tells people a line."""

    def __init__(self, home: Path, port: int, say: Callable[[str], None]) -> None:
        self._home = home
        self._port = port
        self._say = say
        self._cluster = postgres.cluster_of(home)
        self._why_it_is_away = ""

    def look(self) -> None:
        """Start it if it has ended. What keeps it from starting is said once: a full disk may have room in a moment."""
        if self._cluster.running_pid() is not None:
            return
        if not self._why_it_is_away:
            self._say("PostgreSQL has ended; starting it again")
        try:
            postgres.start(self._home, self._port)
        except (StackError, psycopg.OperationalError) as error:
            if str(error) != self._why_it_is_away:
                self._say(f"{error} It is tried again until it starts.")
            self._why_it_is_away = str(error)
            return
        if self._why_it_is_away:
            self._say("PostgreSQL runs again")
        self._why_it_is_away = ""
