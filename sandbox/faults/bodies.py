"""Listings bodies as objects, for the faults that change what a body says.

What belongs here: reading, writing, prices, and the sums over tickets that a body repeats. What does not: what to
change (the faults). Bodies may be recorded ones of an older shape: whatever key is missing is passed over.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from http import HTTPStatus
from typing import Any

import orjson

from sandbox.marketplace import Answer, ok

Body = dict[str, Any]

_TICKET_PRICES = ("p",)
_TICKET_ALL_IN = ("aip", "allInPricePerTicket")
_GLOBAL_PRICES = ("lp", "hp", "atp", "mp")
_GLOBAL_ALL_IN = ("lowestAip", "highestAip", "averageAip", "medianAip")
_PLACE_PRICES = ("l", "h", "laip")


def read_body(answer: Answer) -> Body | None:
    """The body of a good answer with something on sale; None for any other."""
    if answer.status != HTTPStatus.OK or not answer.body.startswith(b"{"):
        return None
    body: Body = orjson.loads(answer.body)
    return body if body.get("global") and body.get("tickets") else None


def good_answer(body: Body) -> Answer:
    """The body as a good answer with an ETag of its own."""
    return ok(orjson.dumps(body))


def money(cents: float) -> str:
    """Dollars as the marketplace writes them."""
    return f"{cents / 100:.2f}"


def cents(dollars: Any) -> int:
    """Cents of a price, text or number."""
    return round(float(dollars) * 100)


def scale_prices(body: Body, factor: float) -> None:
    """Multiply every price; all-in prices of tickets stay whole dollars."""
    for ticket in body["tickets"]:
        _scale(ticket, _TICKET_PRICES, factor)
        _scale(ticket, _TICKET_ALL_IN, factor, grain=100)
    _scale(body["global"][0], _GLOBAL_PRICES + _GLOBAL_ALL_IN, factor)
    for place in body.get("groups", []) + body.get("sections", []):
        _scale(place, _PLACE_PRICES, factor)


def _scale(item: Body, keys: tuple[str, ...], factor: float, grain: int = 1) -> None:
    for key in keys:
        if key in item:
            item[key] = money(round(cents(item[key]) * factor / grain) * grain)


def sum_up(body: Body) -> None:
    """Make every count, price and sum agree with the tickets that are there; there must be one."""
    tickets, facts = body["tickets"], body["global"][0]
    count = sum(int(ticket["q"]) for ticket in tickets)
    facts["listingCount"], facts["ticketCount"] = str(len(tickets)), str(count)
    facts["hq"] = str(max(int(ticket["q"]) for ticket in tickets))
    if capacity := int(facts.get("venueCapacity") or 0):
        facts["percentRemaining"] = 100 * count // capacity
    for keys, price_key in ((_GLOBAL_PRICES, "p"), (_GLOBAL_ALL_IN, "aip")):
        prices = [cents(ticket[price_key]) for ticket in tickets if price_key in ticket]
        if prices:
            sums = (min(prices), max(prices), statistics.fmean(prices), statistics.median(prices))
            facts.update(zip(keys, map(money, sums), strict=True))
    _sum_up_places(body.get("groups", []), tickets, "c")
    _sum_up_places(body.get("sections", []), tickets, "d")


def _sum_up_places(places: list[Body], tickets: list[Body], key: str) -> None:
    of_place: defaultdict[str, list[Body]] = defaultdict(list)
    for ticket in tickets:
        of_place[str(ticket.get(key))].append(ticket)
    for place in places:
        here = of_place[str(place["i"])]
        prices = [cents(ticket["p"]) for ticket in here]
        place["a"], place["q"] = str(int(bool(here))), str(sum(int(ticket["q"]) for ticket in here))
        place["l"], place["h"] = money(min(prices, default=0)), money(max(prices, default=0))
        if "laip" in place:
            place["laip"] = money(min((cents(ticket["aip"]) for ticket in here if "aip" in ticket), default=0))
