"""The bodies of ``GET productions`` and ``GET productions/{id}``.

What belongs here: keys and types of a production, as in one captured in 2024. What does not: which productions
(``search``). Unlike in listings, numbers are numbers here; prices are dollars, null without inventory.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import orjson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sandbox.book import Book
    from sandbox.events import Event
    from sandbox.performers import Performer
    from sandbox.search import Page
    from sandbox.venues import Venue

_I18N = {"from": "USD", "to": "USD", "rate": 1, "applyCurrencyConversion": False}


def production_body(event: Event, book: Book) -> bytes:
    """One production with the sums of its book."""
    return orjson.dumps(_production(event, book))


def productions_body(page: Page, books: list[Book]) -> bytes:
    """One page; ``books`` belong to ``page.events`` in order."""
    return orjson.dumps(
        {
            "page": page.number,
            "total": page.total,
            "numberOfPages": page.page_count,
            "items": [_production(event, book) for event, book in zip(page.events, books, strict=True)],
            "i18n": _I18N,
        }
    )


def _production(event: Event, book: Book) -> dict[str, object]:
    category, local_start = event.category.value, event.local_start
    slug = f"{_slug(event.performers[0].name)}-tickets-{_slug(event.venue.name)}"
    date = f"{local_start.month}-{local_start.day}-{local_start.year}"
    return {
        "id": event.event_id,
        "localDate": f"{local_start.isoformat()}[{event.venue.time_zone}]",
        "utcDate": event.starts_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "name": event.name,
        "venue": _venue(event.venue),
        **_prices(book),
        "listingCount": len(book),
        "ticketCount": book.ticket_count,
        "categoryId": category.category_id,
        "subCategoryId": category.subcategory_id,
        "dateTbd": False,
        "timeTbd": False,
        "ifNecessary": False,
        "organicUrl": f"/{_slug(category.subcategory_name)}/{slug}-{event.event_id}.html",
        "webPath": f"/{slug}-{date}--{_slug(category.name)}-{_slug(category.subcategory_name)}"
        f"/production/{event.event_id}",
        "hidden": False,
        "exclusiveWsUserId": 0,
        "primaryIntegrated": False,
        "productionDelayType": "NONE",
        "performers": [_performer(p, is_master=p is event.performers[0]) for p in event.performers],
        "localPrices": None,
    }


def _prices(book: Book) -> dict[str, object]:
    names = ("minPrice", "maxPrice", "avgPrice", "medianPrice", "minAipPrice", "maxAipPrice")
    if not len(book):
        return dict.fromkeys(names)
    price: NDArray[np.int32] = book.price_cents
    cents = (
        price.min(), price.max(), price.mean(), np.median(price), book.all_in_cents.min(), book.all_in_cents.max(),
    )  # fmt: skip
    return {name: _dollars(float(value)) for name, value in zip(names, cents, strict=True)}


def _dollars(cents: float) -> float | int:
    """Dollars to the cent; whole ones as integers, as the marketplace writes them."""
    dollars = round(cents / 100, 2)
    return int(dollars) if dollars.is_integer() else dollars


def _venue(venue: Venue) -> dict[str, object]:
    path = f"/{_slug(venue.name)}-tickets/venue/{venue.venue_id}"
    return {
        "id": venue.venue_id,
        "name": venue.name,
        "address1": venue.address,
        "address2": "",
        "city": venue.city,
        "state": venue.state,
        "postalCode": venue.postal_code,
        "phone": "",
        "countryCode": venue.country_code,
        "regionId": 0,
        "timezone": venue.time_zone,
        "organicUrl": path,
        "latitude": venue.latitude,
        "longitude": venue.longitude,
        "capacity": venue.capacity,
        "webPath": path,
        "exclusiveWsUserId": 0,
    }


def _performer(performer: Performer, *, is_master: bool) -> dict[str, object]:
    category = performer.category.value
    slug = _slug(performer.name)
    path = f"/{slug}-tickets--{_slug(category.name)}/performer/{performer.performer_id}"
    return {
        "id": performer.performer_id,
        "name": performer.name,
        "category": {
            "id": category.category_id,
            "name": category.name,
            "organicUrl": f"/{_slug(category.name)}/",
            "subCategories": [
                {
                    "id": category.subcategory_id,
                    "name": category.subcategory_name,
                    "organicUrl": f"/{_slug(category.subcategory_name)}",
                }
            ],
        },
        "master": is_master,
        "organicUrl": path,
        "webPath": path,
        "exclusiveWsUserId": 0,
        "urlName": slug,
    }


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
