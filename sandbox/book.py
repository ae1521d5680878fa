"""The book: what is on sale at one instant.

What belongs here: the cut through a population at an instant, and the sums over it. What does not: drawing
the population, or writing it as JSON (``listings_body``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sandbox.population import Population, population_of
from sandbox.pricing import all_in_cents

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from sandbox.events import Event


@dataclass(frozen=True, slots=True)
class Book:
    """The listings live at one instant, by ascending price, then listing number; arrays of one length.

    ``listing`` indexes the population's arrays.
    """

    population: Population
    listing: NDArray[np.int32]
    price_cents: NDArray[np.int32]
    all_in_cents: NDArray[np.int64]
    quantity: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.listing)

    @property
    def ticket_count(self) -> int:
        """Tickets on sale."""
        return int(self.quantity.sum())


def book_at(seed: int, event: Event, at: datetime) -> Book:
    """The book of ``event`` at ``at`` (aware); resolution one second."""
    population = population_of(seed, event)
    seconds = (at - event.starts_at).total_seconds()
    live = np.flatnonzero((population.price_since <= seconds) & (seconds < population.price_until))
    listing = population.price_owner[live]
    price_cents = population.price_cents[live]
    order = np.lexsort((population.number[listing], price_cents))
    listing, price_cents = listing[order], price_cents[order]
    sold = np.where(seconds >= population.sold_seconds[listing], population.sold_quantity[listing], 0)
    return Book(
        population=population,
        listing=listing,
        price_cents=price_cents,
        all_in_cents=all_in_cents(price_cents, population.is_broker[listing], population.fee_jitter[listing]),
        quantity=(population.quantity[listing] - sold).astype(np.int16),
    )
