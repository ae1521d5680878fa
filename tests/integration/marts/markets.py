"""Markets to hold the marts against: one made to be difficult, and a real one.

What belongs here: recordings, line by line. What does not: bringing them in (``warehouse``), their truth (``oracle``).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ingestion.settings import PROJECT_FOLDER
from sandbox.catalogue import events_between
from sandbox.randomness import DEFAULT_SEED
from sandbox.recording import RecordingPlan, record
from tests.integration.marts.warehouse import Line

Ticket = dict[str, str]

_SUPER_BOWL = PROJECT_FOLDER.parent / "shared" / "data" / "super_bowl_lvi_vividseats.csv"
SUPER_BOWL_ID = 3_785_100
SUPER_BOWL_STARTS_AT = datetime(2022, 2, 13, 23, 30, tzinfo=UTC)


def line(event_id: int, captured_at: datetime, tickets: Sequence[Ticket]) -> Line:
    """A line of a recording whose body holds ``tickets``."""
    about = {
        "listingCount": str(len(tickets)),
        "productionId": str(event_id),
        "productionName": f"Event {event_id} by its listings",
        "mapTitle": "Arthur Ashe Stadium",
        "venueId": "93",
        "venueCountry": "US",
    }
    body = {
        "global": [about],
        "tickets": list(tickets),
        "groups": [{"i": "401890", "n": "Loge"}],
        "sections": [{"i": "316", "g": "401890", "n": "Promenade 316"}],
    }
    return {"event_id": event_id, "captured_at": captured_at.isoformat(), "status": 200, "headers": {}, "body": body}


def ticket(listing_id: str, price: str, **more: str) -> Ticket:
    """A ticket in the wire format: two seats in one place unless told otherwise."""
    return {"i": listing_id, "p": price, "q": "2", "m": "2", "s": "Floor 1", "r": "A", **more}


@dataclass
class DifficultMarket:
    """Small books that do in a few captures whatever a market can do to a metric.

    Listings vanish, come back under their id, change section and zone under it, and are relisted in the same place
    (also in places without a label, and in another zone); zones are empty for hours; prices tie, jump and lack an
    all-in twin; books are empty; captures fall on the very start of an hour or a day, and leave gaps of hours and days.
    """

    event_id: int
    seed: int
    captures: int
    starts_at: datetime = datetime(2026, 3, 27, 22, 40, tzinfo=UTC)
    _random: np.random.Generator = field(init=False)
    _last_id: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)

    def lines(self) -> Iterator[Line]:
        """The recording, in time order."""
        at = self.starts_at
        book = [self._new() for _ in range(self._random.integers(0, 12))]
        gone: list[Ticket] = []
        for _ in range(self.captures):
            yield line(self.event_id, at, [] if self._happens(0.06) else book)
            at = self._next_instant(at)
            book, gone = self._next_book(book, gone)

    def _next_instant(self, at: datetime) -> datetime:
        kind = self._random.choice(
            ["usual", "odd", "hour", "gap", "midnight", "days"], p=[0.6, 0.2, 0.1, 0.06, 0.03, 0.01]
        )
        match kind:
            case "usual":
                return at + timedelta(minutes=10)
            case "odd":
                return at + timedelta(seconds=int(self._random.integers(20, 1500)), microseconds=1)
            case "hour":
                return at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            case "gap":
                return at + timedelta(hours=int(self._random.integers(2, 6)))
            case "midnight":
                return at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            case _:
                return at + timedelta(days=2)

    def _next_book(self, book: list[Ticket], gone: list[Ticket]) -> tuple[list[Ticket], list[Ticket]]:
        kept: list[Ticket] = []
        for listing in book:
            if self._happens(0.12):
                gone.append(listing)
                kept += [self._relisted(listing)] * self._happens(0.5)
            else:
                kept.append(self._moved(listing))
        kept += [self._new() for _ in range(self._random.integers(0, 3))]
        if gone and self._happens(0.1):
            kept.append(gone.pop())
        return kept, gone

    def _moved(self, listing: Ticket) -> Ticket:
        if self._happens(0.15):
            return {**listing, "p": self._price(), **self._all_in()}
        if self._happens(0.05):
            return {**listing, **self._all_in()}
        if self._happens(0.1):
            return {**listing, "q": self._quantity()}
        if self._happens(0.04):
            return {**listing, **self._place()}
        return listing

    def _new(self) -> Ticket:
        self._last_id += 1
        # Ids of different lengths: order by "C" is neither by number nor by any locale.
        listing_id = f"{self._random.choice(['VB', 'VF', 'vb'])}{self._last_id * 7}"
        listing = {"i": listing_id, "p": self._price(), "q": self._quantity(), "m": self._splits()}
        return {**listing, **self._place(), **self._all_in()}

    def _relisted(self, listing: Ticket) -> Ticket:
        place = {key: listing[key] for key in ("s", "r") if key in listing}
        new = {key: value for key, value in self._new().items() if key not in {"s", "r"}}
        return {**new, **place}

    def _place(self) -> Ticket:
        section = self._random.choice(["", "Floor 1", "Promenade 316", "missing"])
        row = self._random.choice(["A", "B", "missing"])
        zone = self._random.choice(["401890", "401891", "7", "", "missing"], p=[0.5, 0.2, 0.1, 0.1, 0.1])
        section_id = self._random.choice(["1", "316", "", "missing"])
        place = (("s", section), ("r", row), ("c", zone), ("d", section_id))
        return {key: str(value) for key, value in place if value != "missing"}

    def _price(self) -> str:
        if self._happens(0.02):
            return "99999.99"
        return f"{self._random.choice([20, 20.01, 20.02, 55.55, 99.99, 100, 212.55, 700.07]):.2f}"

    def _all_in(self) -> Ticket:
        return {} if self._happens(0.3) else {"aip": f"{self._random.integers(25, 900)}.00"}

    def _quantity(self) -> str:
        return str(self._random.integers(1, 9))

    def _splits(self) -> str:
        return str(self._random.choice(["1", "2", "1,2,3", "4,12", "22", ""]))

    def _happens(self, probability: float) -> bool:
        return bool(self._random.random() < probability)


def sandbox_market() -> tuple[list[Line], dict[int, datetime | None]]:
    """What the sandbox records of two events over the midnight and the start of one, and when they start."""
    evening = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    near, far = events_between(evening, evening + timedelta(hours=16), evening)[:2]
    plan = RecordingPlan(
        event_ids=(near.event_id, far.event_id),
        from_at=near.starts_at - timedelta(hours=6),
        to_at=near.starts_at + timedelta(hours=1),
        interval_seconds=600,
        seed=DEFAULT_SEED,
    )
    return [json.loads(text) for text in record(plan)], {event.event_id: event.starts_at for event in (near, far)}


def super_bowl() -> list[Line]:
    """The 28 real captures of Super Bowl LVI; they tell neither quantities nor all-in prices: two tickets each."""
    if not _SUPER_BOWL.exists():
        pytest.skip(f"the real series is not on this machine: there is no {_SUPER_BOWL}")
    captures: dict[int, list[Ticket]] = {}
    with _SUPER_BOWL.open(newline="") as rows:
        for row in csv.DictReader(rows):
            place: dict[str, Any] = {"s": row["section"], "r": row["row"]}
            captures.setdefault(int(row["snapshot_unix"]), []).append(ticket(row["listing_id"], row["price"], **place))
    return [line(SUPER_BOWL_ID, datetime.fromtimestamp(at, UTC), tickets) for at, tickets in sorted(captures.items())]
