"""What a fault is: options that strike an answer, or that change an event's whole market.

What belongs here: the words that the faults, their choice and their sending share. What does not: any fault.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from sandbox.marketplace import Answer, Marketplace

if TYPE_CHECKING:
    from collections.abc import Sequence

Instant = Annotated[datetime, Meta(tz=True)]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer is sent; the default is: at once and whole.

    Attributes:
        wait_seconds: before the first byte.
        drip_seconds: from the first byte of the body to its last.
        sent_bytes: send only so much of the body, then end the connection; None for all of it.
        is_reset: end it with a TCP reset instead of an orderly close.
        padding_bytes: so many blanks follow the body.
        declares_length: send content-length; otherwise the body comes in chunks.
    """

    wait_seconds: float = 0.0
    drip_seconds: float = 0.0
    sent_bytes: int | None = None
    is_reset: bool = False
    padding_bytes: int = 0
    declares_length: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, the instant of the book in it, how to send it, and what was done to it.

    Attributes:
        request: the number of the request for this event, from 1, since the faults were set.
        fault: the fault that struck the answer; else the first of ``standing``; else None.
        form: which form of the fault it was, for those that have several.
        standing: the faults that changed the event's market.
    """

    answer: Answer
    at: datetime
    delivery: Delivery = field(default_factory=Delivery)
    form: str | None = None
    fault: str | None = None
    standing: tuple[str, ...] = ()
    request: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """An answer about to be struck.

    Attributes:
        market: to ask for other answers, as the standing faults leave it.
        event_id: 0 for a search.
        choice: a random number of this hit alone, 0 or more.
        fresh_at: instant of the last answer to this event that no fault struck; None before the first.
    """

    market: Marketplace
    event_id: int
    at: datetime
    answer: Answer
    choice: int
    fresh_at: datetime | None

    def chosen(self, form: str | None, forms: Sequence[str]) -> str:
        """``form``, or any of ``forms`` where none is asked for."""
        return form or forms[self.choice % len(forms)]


class _AbstractStruct(msgspec.StructMeta, ABCMeta):
    """A struct without one of its methods cannot be made."""


class AnyFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, metaclass=_AbstractStruct):
    """One kind of fault; its fields are its options."""

    is_for_productions: ClassVar[bool] = False
    """Whether it makes sense for answers other than listings."""


class Fault(AnyFault, kw_only=True):
    """A fault of one answer."""

    @abstractmethod
    def strike(self, hit: Hit) -> Reply | None:
        """What is answered instead; None where there is nothing to act on (an unknown event, an empty book)."""


class StandingFault(AnyFault, kw_only=True):
    """A fault of an event's market rather than of one answer: the same for every answer of the same instant.

    Attributes:
        from_at: on for instants of the book from this one; always, if None.
        until_at: on for instants before this one; for good, if None.
    """

    from_at: Instant | None = msgspec.field(default=None, name="from")
    until_at: Instant | None = msgspec.field(default=None, name="until")

    def is_on(self, at: datetime) -> bool:
        """Whether the book of this instant is changed."""
        return (self.from_at is None or self.from_at <= at) and (self.until_at is None or at < self.until_at)

    @abstractmethod
    def change(self, body: dict[str, Any]) -> None:
        """Change a listings body in place."""
