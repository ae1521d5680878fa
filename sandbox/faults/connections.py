"""Faults of the connection: late, slow, cut off or endless answers.

What belongs here: how much of a good answer is sent, and when. What does not: doing it (``delivery``).
Answers that do not arrive as usual carry no ETag, so that a 304 never takes their place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal, get_args

from msgspec import Meta

from sandbox.faults.fault import Delivery, Fault, Hit, Reply
from sandbox.marketplace import Answer

_MEGABYTE = 2**20

Seconds = Annotated[float, Meta(ge=0, le=3600)]
Share = Annotated[float, Meta(ge=0, le=1)]
TruncationForm = Literal["short", "clean"]
SizeForm = Literal["declared", "chunked"]


def _without_etag(answer: Answer) -> Answer:
    return replace(answer, headers={name: value for name, value in answer.headers.items() if name != "etag"})


class Timeout(Fault):
    """Nothing for so many seconds; whoever still waits then gets the good answer."""

    is_for_productions: ClassVar[bool] = True
    seconds: Seconds = 60.0

    def strike(self, hit: Hit) -> Reply:
        """Wait."""
        return Reply(hit.answer, hit.at, Delivery(wait_seconds=self.seconds))


class SlowBody(Fault):
    """Headers at once, then the good body in drips over so many seconds."""

    is_for_productions: ClassVar[bool] = True
    seconds: Seconds = 20.0

    def strike(self, hit: Hit) -> Reply:
        """Drip."""
        return Reply(_without_etag(hit.answer), hit.at, Delivery(drip_seconds=self.seconds))


class ConnectionReset(Fault):
    """A TCP reset after a share of the body; with 0, before even the headers."""

    is_for_productions: ClassVar[bool] = True
    sent_share: Annotated[float, Meta(ge=0, lt=1)] = 0.5

    def strike(self, hit: Hit) -> Reply:
        """Cut the line."""
        sent = int(self.sent_share * len(hit.answer.body))
        return Reply(_without_etag(hit.answer), hit.at, Delivery(sent_bytes=sent, is_reset=True))


class TruncatedBody(Fault):
    """The body ends too early: short of its content-length, or cleanly, so that only the JSON is cut."""

    is_for_productions: ClassVar[bool] = True
    form: TruncationForm | None = None
    sent_share: Annotated[float, Meta(ge=0, lt=1)] = 0.5

    def strike(self, hit: Hit) -> Reply:
        """Stop early."""
        form = hit.chosen(self.form, get_args(TruncationForm))
        answer = _without_etag(hit.answer)
        sent = int(self.sent_share * len(answer.body))
        if form == "short":
            return Reply(answer, hit.at, Delivery(sent_bytes=sent), form)
        return Reply(replace(answer, body=answer.body[:sent]), hit.at, form=form)


class TooLarge(Fault):
    """The good body, then blanks (JSON allows them) past any cap; its length declared, or in chunks."""

    is_for_productions: ClassVar[bool] = True
    form: SizeForm | None = None
    megabytes: Annotated[int, Meta(ge=1, le=1024)] = 17

    def strike(self, hit: Hit) -> Reply:
        """Go on and on."""
        form = hit.chosen(self.form, get_args(SizeForm))
        padding = self.megabytes * _MEGABYTE
        delivery = Delivery(padding_bytes=padding, declares_length=form == "declared")
        return Reply(_without_etag(hit.answer), hit.at, delivery, form)
