"""What is stored against what was served: every answer once, value by value.

What belongs here: comparing, and saying what differs so that a person sees it. What does not: reading either side
(``books``, ``market``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.integration.resilience.books import COLUMNS, Book, Instant, served_book

MOST_TOLD = 10


@dataclass
class Round:
    """Some scraping: from when to when, what the marketplace served meanwhile, and how often each event was captured.

    ``captures_each`` is None where the scraping was killed: then each event has a capture, or none.
    """

    began_at: datetime
    ended_at: datetime
    captures_each: int | None
    served: Mapping[int, Sequence[bytes]] = field(repr=False)


def differences(
    stored: Mapping[Instant, Book], recorded: Mapping[Instant, Book], rounds: Sequence[Round] = ()
) -> list[str]:
    """How the captures stored differ from those of recordings and of rounds taken together; empty: not at all."""
    live = {instant: book for instant, book in stored.items() if instant not in recorded}
    found = [_difference(instant, recorded[instant], stored.get(instant)) for instant in sorted(recorded)]
    captured: dict[int, dict[int, list[Book]]] = defaultdict(lambda: defaultdict(list))
    for (event_id, captured_at), book in sorted(live.items()):
        number = next((n for n, r in enumerate(rounds) if r.began_at <= captured_at <= r.ended_at), None)
        if number is None:
            found.append(f"event {event_id} at {captured_at}: nobody captured it then")
        else:
            captured[number][event_id].append(book)
    for number, scraping in enumerate(rounds):
        found += _differences_in_round(number, scraping, captured[number])
    told = [line for line in found if line]
    return told if len(told) <= MOST_TOLD else [*told[:MOST_TOLD], f"… and {len(told) - MOST_TOLD} more"]


def _differences_in_round(number: int, scraping: Round, captured: Mapping[int, Sequence[Book]]) -> Iterable[str]:
    for event_id in sorted({*scraping.served, *captured}):
        books = captured.get(event_id, [])
        served = Counter(served_book(body) for body in scraping.served.get(event_id, ()))
        where = f"round {number} ({scraping.began_at:%H:%M:%S.%f} to {scraping.ended_at:%H:%M:%S.%f}), event {event_id}"
        wanted = scraping.captures_each
        if len(books) > (wanted or 1) or (wanted is not None and len(books) < wanted):
            yield f"{where}: {len(books)} captures of {served.total()} answers, wanted {wanted or 'at most 1'}"
        for book in (Counter(books) - served).elements():
            told = _difference((event_id, scraping.began_at), next(iter(served), ()), book)
            yield f"{where}: a book was stored that was not served; against one that was: {told}"


def _difference(instant: Instant, wanted: Book, found: Book | None) -> str:
    if found == wanted:
        return ""
    where = f"event {instant[0]} at {instant[1]}"
    if found is None:
        return f"{where}: no capture is stored"
    only_wanted, only_found = set(wanted) - set(found), set(found) - set(wanted)
    return (
        f"{where}: {len(found)} listings stored, {len(wanted)} served; {len(only_wanted)} of the served are not stored "
        f"as they were, such as {_told(only_wanted)}; stored instead: {_told(only_found)}"
    )


def _told(listings: Iterable[tuple[object, ...]]) -> str:
    return str(dict(zip(COLUMNS, listing, strict=True)) if (listing := min(listings, key=str, default=None)) else None)
