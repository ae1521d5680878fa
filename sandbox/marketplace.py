"""The marketplace: questions in, answers with status and headers out, HTTP apart.

What belongs here: what is asked, what an answer is, and the invented market's answers. What does not: parsing of
requests (``requests``), sockets (``server``), answers from a file (``replay``).
Whoever serves or records talks to a ``Marketplace``, so that one that misbehaves can be put around another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import orjson

from sandbox.book import book_at
from sandbox.catalogue import featured_events, find_event
from sandbox.listings_body import listings_body
from sandbox.productions_body import production_body, productions_body
from sandbox.randomness import DEFAULT_SEED

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.search import Search

_JSON = "application/json"
_CACHE_CONTROL = "public,max-age=15"
_ETAG_BYTES = 12


@dataclass(frozen=True, slots=True)
class Answer:
    """What the marketplace says: HTTP status, headers (lower case), body."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Marketplace(Protocol):
    """Whatever answers the three questions of the wire format for an instant (aware)."""

    def listings(self, event_id: int, at: datetime) -> Answer:
        """The book of one event; 404 where it is unknown."""

    def production(self, event_id: int, at: datetime) -> Answer:
        """One production; 404 where it is unknown."""

    def productions(self, search: Search, at: datetime) -> Answer:
        """One page of the productions found."""

    def featured(self, count: int, at: datetime) -> list[int]:
        """Ids of events worth tracking."""


def ok(body: bytes) -> Answer:
    """A good JSON answer with the caching headers of the real one; the ETag is a hash of the body."""
    etag = hashlib.blake2b(body, digest_size=_ETAG_BYTES).hexdigest()
    return Answer(HTTPStatus.OK, body, {"content-type": _JSON, "cache-control": _CACHE_CONTROL, "etag": f'"{etag}"'})


def error(status: HTTPStatus, message: str) -> Answer:
    """An answer that says what is wrong, as JSON."""
    body = orjson.dumps({"status": int(status), "error": status.phrase, "message": message})
    return Answer(status, body, {"content-type": _JSON, "cache-control": "no-store"})


def _unknown(event_id: int, at: datetime) -> Answer:
    return error(HTTPStatus.NOT_FOUND, f"no production {event_id} at {at.isoformat()}")


class InventedMarketplace:
    """The invented market of one seed."""

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self.seed = seed

    def listings(self, event_id: int, at: datetime) -> Answer:
        """The book of one event; 404 before it is announced and a month after it."""
        event = find_event(event_id, at, self.seed)
        if event is None:
            return _unknown(event_id, at)
        return ok(listings_body(event, book_at(self.seed, event, at), at))

    def production(self, event_id: int, at: datetime) -> Answer:
        """One production; 404 before it is announced and a month after it."""
        event = find_event(event_id, at, self.seed)
        if event is None:
            return _unknown(event_id, at)
        return ok(production_body(event, book_at(self.seed, event, at)))

    def productions(self, search: Search, at: datetime) -> Answer:
        """One page of the productions found; without dates those ahead and just begun."""
        page = search.page_of(search.found(self.seed, at))
        books = [book_at(self.seed, event, at) for event in page.events]
        return ok(productions_body(page, books))

    def featured(self, count: int, at: datetime) -> list[int]:
        """Ids of events worth tracking, by start."""
        return [event.event_id for event in featured_events(at, count, self.seed)]
