"""The whole market of one event, from the first listing to the last: everything a body at any instant shows.

What belongs here: drawing all listings and their price paths at once, and keeping them compactly. What does
not: their dates (``lives``), their prices (``price_paths``), what may be drawn (``pricing``, ``terms``), and the view
at an instant (``book``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sandbox import pricing, terms
from sandbox.listing_numbers import listing_numbers
from sandbox.lives import Lives, draw_lives, stock_arrivals
from sandbox.price_paths import draw_price_paths
from sandbox.randomness import Stream, generator
from sandbox.rates import MarketClock
from sandbox.seating import SeatingPlan, seating_plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sandbox.events import Event

# More than the ~1,210 events of the catalogue, so that going through all of it again and again stays warm.
# An event holds ~110 bytes a listing and ~1,300 listings in the mean: about 200 MB when every event was asked for.
CACHED_EVENTS = 1536

_BROKER_SHARE = 0.88
_PARTIAL_SALE_SHARE = 0.10
_ROW_LOG_SPAN = 0.25
_UNSCORED_SHARE = 0.08
_NO_FACE_VALUE_SHARE = 0.06
_UNKNOWN_FACE_VALUE_SHARE = 0.55
_NO_BADGES_SHARE = 0.05
_MIN_FACE_VALUE_CENTS = 1500

# Shares of the ways to say the seats: keys missing, "", "N/A", "0", numbers.
SEATS_MISSING, SEATS_EMPTY, SEATS_NOT_AVAILABLE, SEATS_ZERO, SEATS_NUMBERED = range(5)
_SEATS_SHARES = np.array([0.04, 0.52, 0.07, 0.03, 0.34])


@dataclass(frozen=True, slots=True)
class Population:
    """All listings of one event (arrays of length n) and all their prices (arrays of length m >= n).

    Seconds count from the start of the event. ``price_*`` hold one entry for each price of each listing:
    ``price_owner`` is the listing, valid from ``price_since`` up to, not including, ``price_until``.
    """

    plan: SeatingPlan
    number: NDArray[np.int64]
    is_broker: NDArray[np.bool_]
    section: NDArray[np.int16]
    row: NDArray[np.int16]
    quantity: NDArray[np.int16]
    sold_quantity: NDArray[np.int16]
    sold_seconds: NDArray[np.int32]
    split_policy: NDArray[np.int8]
    delivery: NDArray[np.int8]
    note: NDArray[np.int8]
    seats: NDArray[np.int8]
    low_seat: NDArray[np.int16]
    face_value_cents: NDArray[np.int32]
    """0: unknown; -1: the key is absent."""
    fair_log_dollars: NDArray[np.float32]
    """What the place is worth to the deal score, log dollars."""
    is_scored: NDArray[np.bool_]
    has_badges: NDArray[np.bool_]
    code: NDArray[np.int8]
    fee_jitter: NDArray[np.float32]
    opinion_sigma: float
    price_owner: NDArray[np.int32]
    price_since: NDArray[np.int32]
    price_until: NDArray[np.int32]
    price_cents: NDArray[np.int32]


@lru_cache(maxsize=CACHED_EVENTS)
def population_of(seed: int, event: Event) -> Population:
    """Draw the market of ``event``; a pure function, and the same object while it is remembered."""
    plan = seating_plan(event.venue.venue_id, is_parking=event.is_parking)
    on_sale_seconds = (event.on_sale_at - event.starts_at).total_seconds()
    clock = MarketClock(on_sale_seconds, event.tempo)

    rng = generator(seed, Stream.LIVES, event.event_id)
    arrivals = stock_arrivals(rng, clock, on_sale_seconds, event.peak_listings)
    opinion = rng.standard_normal(len(arrivals))
    lives = draw_lives(rng, clock, arrivals, opinion)

    rng = generator(seed, Stream.SEATS, event.event_id)
    stocks, listings = len(arrivals), len(lives.stock)
    section = rng.choice(len(plan.sections), stocks, p=_section_shares(rng, plan))
    row_counts = np.array([max(len(s.rows), 1) for s in plan.sections])[section]
    depth = rng.random(stocks)
    quantity = (
        np.ones(stocks, np.int64)
        if event.is_parking
        else 1 + rng.choice(terms.MAX_QUANTITY, stocks, p=terms.QUANTITY_SHARES / terms.QUANTITY_SHARES.sum())
    )
    is_broker = rng.random(stocks) < _BROKER_SHARE
    policy = rng.choice(len(terms.SPLITS), stocks, p=terms.SPLIT_POLICY_SHARES)
    seats = np.where(is_broker, rng.choice(len(_SEATS_SHARES), stocks, p=_SEATS_SHARES), SEATS_MISSING)
    place_sigma = event.price_sigma * np.sqrt(pricing.PLACE_VARIANCE)
    value = _standard_values(plan)[section]
    level = np.log(event.median_price_cents / 100)
    fair = level + place_sigma * value + _ROW_LOG_SPAN * (0.5 - depth)
    sold, sold_seconds = _partial_sales(rng, lives, quantity, policy)
    face_value = np.maximum(np.exp(fair) * rng.uniform(30, 95, stocks), _MIN_FACE_VALUE_CENTS).astype(np.int32)
    whether = rng.random(stocks)
    face_value[whether < _UNKNOWN_FACE_VALUE_SHARE] = 0
    face_value[whether > 1 - _NO_FACE_VALUE_SHARE] = -1

    opinion_sigma = event.price_sigma * np.sqrt(1 - pricing.PLACE_VARIANCE)
    paths = draw_price_paths(
        generator(seed, Stream.PRICES, event.event_id), clock, lives, fair + opinion_sigma * opinion, is_broker
    )
    stock = lives.stock
    return Population(
        plan=plan,
        number=listing_numbers(event.event_id, is_broker[stock]),
        is_broker=is_broker[stock],
        section=section[stock].astype(np.int16),
        row=np.minimum(depth * row_counts, row_counts - 1).astype(np.int16)[stock],
        quantity=quantity[stock].astype(np.int16),
        sold_quantity=sold.astype(np.int16),
        sold_seconds=sold_seconds,
        split_policy=policy[stock].astype(np.int8),
        delivery=rng.choice(len(terms.DELIVERIES), stocks, p=terms.DELIVERY_SHARES)[stock].astype(np.int8),
        note=rng.choice(len(terms.NOTES), stocks, p=terms.NOTE_SHARES)[stock].astype(np.int8),
        seats=seats[stock].astype(np.int8),
        low_seat=rng.integers(1, 22, stocks)[stock].astype(np.int16),
        face_value_cents=face_value[stock],
        fair_log_dollars=fair[stock].astype(np.float32),
        is_scored=rng.random(listings) >= _UNSCORED_SHARE,
        has_badges=rng.random(listings) >= _NO_BADGES_SHARE,
        code=rng.integers(0, len(terms.ZONES_OF_SALE), listings).astype(np.int8),
        fee_jitter=rng.normal(0.0, pricing.BROKER_FEE_JITTER / 2, listings).astype(np.float32),
        opinion_sigma=float(opinion_sigma),
        price_owner=paths.owner,
        price_since=paths.since_seconds,
        price_until=paths.until_seconds,
        price_cents=paths.cents,
    )


def _section_shares(rng: np.random.Generator, plan: SeatingPlan) -> NDArray[np.float64]:
    """Each section's share of the supply, float64[sections], uneven from event to event, summing to 1."""
    shares = np.array([section.share for section in plan.sections])
    shares = shares * rng.gamma(2.0, 0.5, len(shares))
    return np.asarray(shares / shares.sum())


def _standard_values(plan: SeatingPlan) -> NDArray[np.float64]:
    """The sections' values brought to mean 0 and standard deviation 1 over the supply, float64[sections]."""
    shares = np.array([section.share for section in plan.sections])
    values = np.array([section.value for section in plan.sections])
    mean = np.average(values, weights=shares)
    return np.asarray((values - mean) / np.sqrt(np.average((values - mean) ** 2, weights=shares)))


def _partial_sales(
    rng: np.random.Generator, lives: Lives, quantity: NDArray[np.int64], policy: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Tickets sold out of a living listing, and when; a listing sells at most once so, one of its splits."""
    listings = len(lives.stock)
    sizes, policies = quantity[lives.stock], policy[lives.stock]
    # The sellable part nearest to a uniform draw; the whole is not a part.
    parts = np.zeros((len(terms.SPLITS), terms.MAX_QUANTITY + 1, 8), np.int64)
    for p, by_quantity in enumerate(terms.SPLITS):
        for q, splits in enumerate(by_quantity):
            part = splits[:-1]
            if part:
                parts[p, q] = [part[i * len(part) // 8] for i in range(8)]
    sold = parts[policies, sizes, rng.integers(0, 8, listings)]
    sold = np.where(rng.random(listings) < _PARTIAL_SALE_SHARE, sold, 0)
    when = lives.born_seconds + rng.random(listings) * (lives.gone_seconds - lives.born_seconds)
    return sold, np.rint(when).astype(np.int32)
