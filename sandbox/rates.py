"""How fast a market moves by time to the event: the measured rates, and a clock that runs on them.

What belongs here: the rates with their source, and their integrals over time. What does not: single listings
(``population``) or the size of a price step (``pricing``).
Source: hourly statistics of a tennis final of 2022 (3,543 listings over ten days); relists from 28 snapshots of
Super Bowl LVI. Beyond ten days nothing was measured: the market is taken to be quieter the farther off it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HOUR_SECONDS = 3600.0
_STEP_SECONDS = 6 * _HOUR_SECONDS

RELISTED_SHARE = 0.375
"""Share of vanishing listings that come back at once under a new id; with chance matches 0.38 are measured."""


class Regime(NamedTuple):
    """Rates while the event is at most so many hours off; shares an hour of the live listings."""

    hours_to_event: float
    gone: float
    new: float
    price_moves: float


# The last six hours were measured as one (gone 0.1354, moves 0.458): split, with the same mean, so that it quickens.
_REGIMES = (
    Regime(24_000.0, 0.0010, 0.0012, 0.003),
    Regime(720.0, 0.0040, 0.0045, 0.010),
    Regime(240.0, 0.0157, 0.0201, 0.065),
    Regime(168.0, 0.0079, 0.0114, 0.033),
    Regime(96.0, 0.0135, 0.0153, 0.080),
    Regime(48.0, 0.0354, 0.0260, 0.022),
    Regime(24.0, 0.0673, 0.0249, 0.217),
    Regime(12.0, 0.0690, 0.0217, 0.075),
    Regime(6.0, 0.0900, 0.0243, 0.340),
    Regime(3.0, 0.1808, 0.0243, 0.576),
)
# Late, relists alone exceed the measured new listings (another event's figure): so many for each gone one come all
# the same.
_LEAST_FRESH_OF_GONE = 0.015
_NET_OF_RELISTS = 1.0 - RELISTED_SHARE


class MarketClock:
    """The integrals of one event's rates from its first sale to its start.

    Seconds count from the start (negative before it). ``tempo`` multiplies every rate.
    """

    def __init__(self, on_sale_seconds: float, tempo: float) -> None:
        borders = [-regime.hours_to_event * _HOUR_SECONDS for regime in _REGIMES]
        steps = np.arange(on_sale_seconds, 0.0, _STEP_SECONDS)
        inner = [border for border in borders if border > on_sale_seconds]
        self._seconds = np.unique(np.concatenate([steps, inner, [0.0]]))
        regime = np.searchsorted(borders, self._seconds[:-1], side="right") - 1
        hours = np.diff(self._seconds) / _HOUR_SECONDS * tempo
        gone = np.array([-np.log1p(-r.gone) for r in _REGIMES])[regime]
        new = np.array([r.new for r in _REGIMES])[regime]
        moves = np.array([r.price_moves for r in _REGIMES])[regime]
        fresh = np.maximum(new - RELISTED_SHARE * gone, _LEAST_FRESH_OF_GONE * gone)
        growth = np.concatenate([[0.0], np.cumsum((fresh - _NET_OF_RELISTS * gone) * hours)])
        level = np.exp(growth - growth.max())
        self._gone = np.concatenate([[0.0], np.cumsum(gone * hours)])
        self._moves = np.concatenate([[0.0], np.cumsum(moves * hours)])
        self._arrivals = np.concatenate([[0.0], np.cumsum(fresh * hours * (level[1:] + level[:-1]) / 2)])
        self.opening_level = float(level[0])
        """Live listings at the first sale as a share of the peak."""
        self.arrivals = float(self._arrivals[-1])
        """Fresh listings after the first sale, as a multiple of the peak."""

    def arrival_seconds(self, quantile: NDArray[np.float64]) -> NDArray[np.float64]:
        """Instants of fresh listings from uniform numbers in [0, 1)."""
        return np.asarray(np.interp(quantile * self.arrivals, self._arrivals, self._seconds))

    def gone_seconds(self, born: NDArray[np.float64], wear: NDArray[np.float64]) -> NDArray[np.float64]:
        """When listings born at ``born`` have used up ``wear`` (unit exponential); +inf if not before the start."""
        used_up = np.interp(born, self._seconds, self._gone) + wear
        return np.where(used_up < self._gone[-1], np.interp(used_up, self._gone, self._seconds), np.inf)

    def moves_at(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected price moves of an average listing from the first sale to ``seconds``."""
        return np.asarray(np.interp(seconds, self._seconds, self._moves))

    def seconds_at_moves(self, moves: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of ``moves_at``."""
        return np.asarray(np.interp(moves, self._moves, self._seconds))
