"""Faults that a capture survives: the body is odd, and is to be loaded all the same.

What belongs here: single bad rows, keys never seen before, cached answers. What does not: what changes an event's
market from one instant to another (``standing``).
"""

from __future__ import annotations

from itertools import cycle
from typing import Annotated

import numpy as np
from msgspec import Meta

from sandbox.faults.bodies import good_answer, read_body
from sandbox.faults.fault import Fault, Hit, Reply

_DEFECTS = (("p", "NaN"), ("p", "not-a-price"), ("p", "0.00"), ("q", "0"))
_MOST_ROWS = 10_000
_NEW_GLOBAL = {"marketSentiment": "hot", "offerTypes": ["FIXED", "OFFER"]}
_NEW_TICKET = {"sellerRating": 4.7, "fulfilment": {"speed": "instant"}}
_NEW_SECTION = {"heat": 3, "isObstructed": None}


class BadRows(Fault):
    """So many tickets with the price NaN, not-a-price or 0.00, or the quantity 0, in turn; all other rows are good."""

    rows: Annotated[int, Meta(ge=1, le=_MOST_ROWS)] = 3

    def strike(self, hit: Hit) -> Reply | None:
        """Spoil rows, all of them in a smaller book; ``ticketCount`` follows the quantities."""
        body = read_body(hit.answer)
        if body is None:
            return None
        tickets, facts = body["tickets"], body["global"][0]
        spoilt = np.random.default_rng(hit.choice).permutation(len(tickets))[: self.rows]
        for row, (key, value) in zip(spoilt.tolist(), cycle(_DEFECTS), strict=False):
            if key == "q":
                facts["ticketCount"] = str(int(facts["ticketCount"]) - int(tickets[row]["q"]))
                tickets[row].update({name: value for name in ("q", "quantity") if name in tickets[row]})
            else:
                tickets[row][key] = value
        return Reply(good_answer(body), hit.at)


class UnknownKeys(Fault):
    """Schema drift: new keys of several types in ``global``, every ticket, every section, and at the top."""

    def strike(self, hit: Hit) -> Reply | None:
        """Add keys; nothing else changes."""
        body = read_body(hit.answer)
        if body is None:
            return None
        body["global"][0].update(_NEW_GLOBAL)
        for ticket in body["tickets"]:
            ticket.update(_NEW_TICKET)
        for section in body.get("sections", []):
            section.update(_NEW_SECTION)
        body["experiments"] = []
        return Reply(good_answer(body), hit.at)


class Cached(Fault):
    """The body, and ETag, of the last answer to this event that no fault struck."""

    def strike(self, hit: Hit) -> Reply | None:
        """Answer from the cache; nothing happens before there is something in it."""
        if hit.fresh_at is None:
            return None
        return Reply(hit.market.listings(hit.event_id, hit.fresh_at), hit.fresh_at)
