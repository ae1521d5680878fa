"""Faults that look like good answers (status 200, JSON's content type) and must not be loaded.

What belongs here: bodies that are no listings, another event's, incomplete ones, another currency's. What does not:
bodies to load in spite of what is odd about them (``odd_bodies``).
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal, get_args

import orjson
from msgspec import Meta

from sandbox.faults.bodies import good_answer, read_body, scale_prices, sum_up
from sandbox.faults.fault import Fault, Hit, Reply
from sandbox.marketplace import ok

_GARBAGE = b"\x1f\x9d\x00not json at all\xff\xfe" * 8
_OTHER_SHAPE = orjson.dumps({"data": {"listings": [{"id": 1, "price": 10}]}, "meta": {"version": 2}})
_OTHERS = 24
_THOUSANDTHS = 1000

PayloadForm = Literal["garbage", "other_shape", "empty_global"]
CountForm = Literal["fewer", "more"]
EmptyForm = Literal["tickets", "global_and_tickets"]


class BadPayload(Fault):
    """Bytes that are no JSON, JSON of another shape, or listings with an empty ``global``."""

    is_for_productions: ClassVar[bool] = True
    form: PayloadForm | None = None

    def strike(self, hit: Hit) -> Reply | None:
        """Say something else; ``empty_global`` needs a book to take it from."""
        form = hit.chosen(self.form, get_args(PayloadForm))
        if form == "garbage":
            return Reply(ok(_GARBAGE), hit.at, form=form)
        if form == "other_shape":
            return Reply(ok(_OTHER_SHAPE), hit.at, form=form)
        body = read_body(hit.answer)
        return None if body is None else Reply(good_answer({**body, "global": []}), hit.at, form=form)


class WrongProduction(Fault):
    """The body of another event: the one named, or any featured one."""

    event_id: Annotated[int, Meta(ge=1)] | None = None

    def strike(self, hit: Hit) -> Reply | None:
        """Mix up two events."""
        others = [other for other in hit.market.featured(_OTHERS, hit.at) if other != hit.event_id]
        if self.event_id is None and not others:
            return None
        other = self.event_id or others[hit.choice % len(others)]
        answer = hit.market.listings(other, hit.at)
        return Reply(answer, hit.at) if answer.status == HTTPStatus.OK and other != hit.event_id else None


class CountMismatch(Fault):
    """Fewer or more tickets in the body than ``listingCount`` says."""

    form: CountForm | None = None
    by: Annotated[int, Meta(ge=1)] = 1

    def strike(self, hit: Hit) -> Reply | None:
        """Lose the dearest tickets, or forget to count them; there must be one left."""
        body = read_body(hit.answer)
        if body is None or len(body["tickets"]) <= self.by:
            return None
        form = hit.chosen(self.form, get_args(CountForm))
        if form == "fewer":
            del body["tickets"][-self.by :]
        else:
            facts = body["global"][0]
            facts["listingCount"] = str(int(facts["listingCount"]) - self.by)
        return Reply(good_answer(body), hit.at, form=form)


class PartialInventory(Fault):
    """A filtered subset, the same one each time, in which every count and sum agrees (223 of 960)."""

    kept_share: Annotated[float, Meta(gt=0, lt=1)] = 0.23

    def strike(self, hit: Hit) -> Reply | None:
        """Filter by listing id; nothing happens to a book of which all or nothing would be kept."""
        body = read_body(hit.answer)
        if body is None:
            return None
        kept = [ticket for ticket in body["tickets"] if self._keeps(ticket)]
        if len(kept) in (0, len(body["tickets"])):
            return None
        body["tickets"] = kept
        sum_up(body)
        return Reply(good_answer(body), hit.at)

    def _keeps(self, ticket: dict[str, Any]) -> bool:
        digest = hashlib.blake2b(str(ticket["i"]).encode(), digest_size=4).digest()
        return int.from_bytes(digest) % _THOUSANDTHS < self.kept_share * _THOUSANDTHS


class WrongCurrency(Fault):
    """Every price in Canadian dollars, and ``i18n`` says so."""

    rate: Annotated[float, Meta(gt=0)] = 1.37

    def strike(self, hit: Hit) -> Reply | None:
        """Convert."""
        body = read_body(hit.answer)
        if body is None:
            return None
        scale_prices(body, self.rate)
        body["i18n"] = {"from": "USD", "to": "CAD", "rate": self.rate, "applyCurrencyConversion": True}
        return Reply(good_answer(body), hit.at)


class EmptyUnexpected(Fault):
    """No tickets, while ``listingCount`` goes on counting them, or with an empty ``global``, where nothing counts."""

    form: EmptyForm | None = None

    def strike(self, hit: Hit) -> Reply | None:
        """Forget the tickets."""
        body = read_body(hit.answer)
        if body is None:
            return None
        form = hit.chosen(self.form, get_args(EmptyForm))
        emptied = {**body, "tickets": []} if form == "tickets" else {**body, "global": [], "tickets": []}
        return Reply(good_answer(emptied), hit.at, form=form)
