"""The ``tickets`` array of a listings body.

What belongs here: one ticket object with all its keys, short ones and their long twins. What does not: the rest of the
body (``listings_body``). Keys that the real bodies leave out at times are left out at times here: ``vs`` with
``dealScore``, ``svs``, ``ls`` with ``hs``, ``faceValue``, ``badges``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import orjson

from sandbox import terms
from sandbox.population import SEATS_EMPTY, SEATS_MISSING, SEATS_NOT_AVAILABLE, SEATS_NUMBERED, SEATS_ZERO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sandbox.book import Book
    from sandbox.seating import SeatingPlan

# A section with fewer tickets than this is said to sell fast.
_SCARCE_TICKETS = 12
_DEAL_STEEPNESS = 1.7
_UNSCORED = 101

_BADGE_LAST = '{"category":"SCARCITY","title":"Last Ticket in Section"}'
_BADGE_LOWEST = '{"category":"PRICE","title":"Lowest Price in Section"}'
_BADGE_FAST = '{"category":"SCARCITY","title":"Section Selling Fast"}'
_BADGES = (
    ',"badges":[]',
    f',"badges":[{_BADGE_LOWEST}]',
    f',"badges":[{_BADGE_FAST}]',
    f',"badges":[{_BADGE_LOWEST},{_BADGE_FAST}]',
    f',"badges":[{_BADGE_LAST},{_BADGE_LOWEST}]',
    "",
)
_NO_BADGES = len(_BADGES) - 1
_LAST_AND_LOWEST = _NO_BADGES - 1

_PERKS_OF_SEVERAL = '["Seated Together"]'

_SCORES = tuple(f"{score / 10:.1f}" for score in range(_UNSCORED))
_VS = (*(f',"vs":"{score}"' for score in _SCORES), "")
_DEAL_SCORE = (*(f',"dealScore":"{score}"' for score in _SCORES), "")
_SEATS = {
    SEATS_MISSING: "",
    SEATS_EMPTY: ',"ls":"","hs":""',
    SEATS_NOT_AVAILABLE: ',"ls":"N/A","hs":"N/A"',
    SEATS_ZERO: ',"ls":"0","hs":"0"',
}
_SPLITS = tuple(tuple(",".join(map(str, splits)) for splits in row) for row in terms.SPLITS)
_NOTES = tuple(orjson.dumps(note).decode() for note in terms.NOTES)


def tickets_json(book: Book, section_lowest: NDArray[np.int64], section_tickets: NDArray[np.int64]) -> str:
    """The objects of the array, comma-separated, ascending by price.

    Args:
        book: what is on sale.
        section_lowest: lowest price in cents by section index.
        section_tickets: tickets on sale by section index.
    """
    market, listing = book.population, book.listing
    place = _place_texts(market.plan)
    section = market.section[listing]
    at_lowest = book.price_cents == section_lowest[section]
    badges = np.where(at_lowest, 1, 0) + np.where(section_tickets[section] < _SCARCE_TICKETS, 2, 0)
    badges[np.bincount(section, minlength=len(place))[section] == 1] = _LAST_AND_LOWEST
    badges[~market.has_badges[listing]] = _NO_BADGES

    columns = zip(
        section.tolist(),
        market.row[listing].tolist(),
        book.quantity.tolist(),
        book.price_cents.tolist(),
        book.all_in_cents.tolist(),
        market.number[listing].tolist(),
        market.is_broker[listing].tolist(),
        market.note[listing].tolist(),
        market.split_policy[listing].tolist(),
        market.code[listing].tolist(),
        market.delivery[listing].tolist(),
        market.seats[listing].tolist(),
        market.low_seat[listing].tolist(),
        market.face_value_cents[listing].tolist(),
        _deal_scores(book).tolist(),
        badges.tolist(),
        strict=True,
    )
    objects = []
    for s, r, q, p, a, number, broker, note, policy, code, delivery, seats, low, face, score, badge in columns:
        label, ids, zone, view, rows = place[s]
        row = rows[r]
        price, all_in = f"{p / 100:.2f}", f"{a / 100:.2f}"
        seat_keys = f',"ls":"{low}","hs":"{low + q - 1}"' if seats == SEATS_NUMBERED else _SEATS[seats]
        face_key = f',"faceValue":"{face / 100:.2f}"' if face >= 0 else ""
        kind, flags = ("VB", '"0"') if broker else ("VF", '"1"')
        objects.append(
            f'{{"s":"{label}","r":"{row}","q":"{q}","p":"{price}","i":"{kind}{number}"{ids},"n":{_NOTES[note]},'
            f'"f":"{number % 2}","l":"{label}","g":{flags},"t":"{terms.ZONES_OF_SALE[code]}",'
            f'"m":"{_SPLITS[policy][q]}"{zone},"z":"0","zo":"0","ind":"0","instantElectronicTransfer":"0",'
            f'"instantFlashSeats":"0","st":"1"{_VS[score]}{view},"sd":"0","stp":"{terms.DELIVERIES[delivery]}",'
            f'"aip":"{all_in}"{seat_keys}{face_key},"di":false,"fdi":"","pdi":"","sectionName":"{label}",'
            f'"row":"{row}","quantity":"{q}","allInPricePerTicket":"{all_in}"{_DEAL_SCORE[score]}'
            f'{_BADGES[badge]},"perks":{"[]" if q == 1 else _PERKS_OF_SEVERAL},"localPrices":null}}'
        )
    return ",".join(objects)


def _deal_scores(book: Book) -> NDArray[np.int64]:
    """Tenths of a point, 0-100, by how far the price stands off the place's worth; _UNSCORED where none is given."""
    market = book.population
    off = np.log(book.price_cents / 100) - market.fair_log_dollars[book.listing]
    score = np.rint(100 / (1 + np.exp(_DEAL_STEEPNESS * off / market.opinion_sigma))).astype(np.int64)
    return np.where(market.is_scored[book.listing], score, _UNSCORED)


@lru_cache(maxsize=128)
def _place_texts(plan: SeatingPlan) -> tuple[tuple[str, str, str, str, tuple[str, ...]], ...]:
    """Of each section what its tickets repeat: label, the keys d, c and svs, and its rows."""
    return tuple(
        (
            section.label,
            f',"d":"{section.section_id}"',
            f',"c":"{plan.zones[section.zone_index].zone_id}"',
            "" if section.geometry is None else f',"svs":"{section.geometry.view_score:.1f}"',
            section.rows,
        )
        for section in plan.sections
    )
