"""The record of truth: what was answered to every question for listings, in the order in which answers ended.

What belongs here: the entries, how many are kept, and whether they are. What does not: keeping bodies (``spool``).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING

from sandbox.faults.spool import Spool

if TYPE_CHECKING:
    from sandbox.faults.delivery import Line
    from sandbox.faults.fault import Reply

MOST_ENTRIES = 200_000
"""Entries kept, the newest; about 100 MB."""
LARGEST_KEPT_BODY_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Served:
    """One answer to a question for listings.

    Attributes:
        sequence: 1, 2, 3 ... since the server started.
        request: number of the request for this event, since faults were set last.
        at: instant of the book in the answer.
        served_at: when the last of the answer went out, or nobody was there any more.
        fault, form, standing: as in ``Reply``.
        status: None where not even that was sent.
        body_sha256: of the body's bytes that went out; of none at all for a 304.
        complete: whether all of the answer went out. That it arrived, only the client knows.
    """

    sequence: int
    event_id: int
    request: int
    at: datetime
    served_at: datetime
    fault: str | None
    form: str | None
    standing: tuple[str, ...]
    status: int | None
    body_bytes: int
    body_sha256: str
    complete: bool


class ServedLog:
    """The newest entries and the bodies that belong to them.

    Attributes:
        under_way: answers that have begun and will be entries when they end. With 0, the record is whole.
    """

    def __init__(self) -> None:
        self.under_way = 0
        self._entries: deque[Served] = deque(maxlen=MOST_ENTRIES)
        self._spool = Spool()
        self._count = 0

    def begin(self) -> None:
        """Note that an answer begins; ``add`` notes its end."""
        self.under_way += 1

    def add(self, event_id: int, reply: Reply, line: Line, *, meant: bytes, complete: bool) -> None:
        """Note an answer that has ended; ``meant`` is the body that the client has after it, if all went well."""
        self.under_way -= 1
        self._count += 1
        is_unchanged = line.status == HTTPStatus.NOT_MODIFIED
        if line.sent_bytes <= LARGEST_KEPT_BODY_BYTES:
            self._spool.keep(self._count, meant if is_unchanged else meant[: line.sent_bytes])
        self._entries.append(
            Served(
                sequence=self._count,
                event_id=event_id,
                request=reply.request,
                at=reply.at,
                served_at=datetime.now(UTC),
                fault=reply.fault,
                form=reply.form,
                standing=reply.standing,
                status=line.status,
                body_bytes=line.sent_bytes,
                body_sha256=line.sha256,
                complete=complete,
            )
        )

    @property
    def oldest(self) -> int:
        """The sequence number of the first entry that is still there, or is to come."""
        return self._entries[0].sequence if self._entries else self._count + 1

    def since(self, sequence: int, limit: int) -> list[Served]:
        """At most ``limit`` entries after ``sequence``, in order."""
        first = max(sequence + 1 - self.oldest, 0)
        return list(islice(self._entries, first, first + limit))

    def body(self, sequence: int) -> bytes | None:
        """The body of an answer as it was sent, for a 304 the one that stays valid; None where it is not kept."""
        return self._spool.read(sequence)
