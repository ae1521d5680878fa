"""When listings live: arrivals, ends, relists and the sell-out at the start.

What belongs here: birth and end of every listing of an event. What does not: what is offered (``population``).
A *stock* is one seller's seats; it is offered under one listing id, and after a relist under the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sandbox.rates import RELISTED_SHARE, MarketClock

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HOUR_SECONDS = 3600
# The first listings of an event come within a day and a half of its announcement.
_OPENING_SECONDS = 36 * _HOUR_SECONDS
# Cheap listings go faster: a standard deviation of price below its place lives exp(-0.3) times as long.
_CHEAP_HASTE = 0.3
# Selection: the hasty leave early, so that those who stay are slower than the mean; found by calibration.
_HASTE_CORRECTION = 1.03
_MOST_RELISTS = 12
# Zero tickets minutes after the start, 0.8 % of the peak (3.5 % of those live at the start) for some hours.
_LEFTOVER_SHARE = 0.035
_LEFTOVER_SECONDS = 8 * _HOUR_SECONDS
_CLOSING_MEAN_SECONDS = 150.0
_CLOSING_MOST_SECONDS = 900.0


class Lives(NamedTuple):
    """Every listing of an event; arrays of one length, ordered by birth. Seconds from the start of the event."""

    stock: NDArray[np.int64]
    relist: NDArray[np.int64]
    born_seconds: NDArray[np.float64]
    gone_seconds: NDArray[np.float64]


def stock_arrivals(
    rng: np.random.Generator, clock: MarketClock, on_sale_seconds: float, peak_listings: int
) -> NDArray[np.float64]:
    """When each stock is first offered, unordered float64[stocks]."""
    opening = rng.poisson(peak_listings * clock.opening_level)
    later = rng.poisson(peak_listings * clock.arrivals)
    first = on_sale_seconds + rng.random(opening) ** 2 * _OPENING_SECONDS
    return np.concatenate([first, clock.arrival_seconds(rng.random(later))])


def draw_lives(
    rng: np.random.Generator,
    clock: MarketClock,
    arrivals: NDArray[np.float64],
    opinion: NDArray[np.float64],
) -> Lives:
    """Let every stock live, one relist after the other.

    Args:
        rng: the stream of lives.
        clock: the event's rates.
        arrivals: float64[stocks], when each is first offered.
        opinion: float64[stocks], standard normal: how dear its seller asks for the place.
    """
    haste = np.exp(-_CHEAP_HASTE * opinion - _CHEAP_HASTE**2 / 2) * _HASTE_CORRECTION
    stock = np.arange(len(arrivals))
    born = arrivals
    rounds: list[Lives] = []
    for relist in range(_MOST_RELISTS + 1):
        gone = np.rint(clock.gone_seconds(born, rng.standard_exponential(len(born)) / haste[stock]))
        rounds.append(Lives(stock, np.full(len(born), relist), born, gone))
        returns = np.isfinite(gone) & (gone < 0) & (rng.random(len(born)) < RELISTED_SHARE)
        stock, born = stock[returns], gone[returns]
        if not len(born):
            break
    stock = np.concatenate([each.stock for each in rounds])
    relists = np.concatenate([each.relist for each in rounds])
    born = np.rint(np.concatenate([each.born_seconds for each in rounds]))
    gone = np.concatenate([each.gone_seconds for each in rounds])
    order = np.lexsort((stock, relists, born))
    return Lives(stock[order], relists[order], born[order], _with_closing(rng, gone[order]))


def _with_closing(rng: np.random.Generator, gone: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give those still live at the start (+inf) their end: minutes for nearly all, hours for a few."""
    closing = np.minimum(rng.exponential(_CLOSING_MEAN_SECONDS, len(gone)), _CLOSING_MOST_SECONDS)
    leftover = rng.random(len(gone)) < _LEFTOVER_SHARE
    closing = np.where(leftover, rng.random(len(gone)) * _LEFTOVER_SECONDS, closing)
    return np.where(np.isfinite(gone), gone, np.rint(closing))
