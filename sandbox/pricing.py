"""Prices: what sellers ask at first, how they change it, and what buyers pay with fees.

What belongs here: the distributions of prices, price steps and fees, with their sources. What does not: when a
price moves (``rates``) and which listings there are (``population``). Prices are in cents per ticket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_PRICE_CENTS = 500
MAX_PRICE_CENTS = 9_999_900
"""Nobody asks more than $99,999; the largest captured prices are about half of it."""

# Share of the log price's variance: what the place is worth; the rest is the seller's opinion.
PLACE_VARIANCE = 0.6

PLACEHOLDER_SHARE = 0.002
_PLACEHOLDER_TIMES_MEDIAN = (26.0, 440.0)

# Quantiles of a price change in per cent (Super Bowl LVI, ~16 min, 17 % of listings; 27.3 % of the changes up).
_STEP_QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.727, 0.75, 0.95, 0.99, 1.0)
_STEP_PERCENT = (-38.0, -25.8, -12.5, -4.8, -2.3, 0.0, 0.8, 9.1, 16.9, 28.0)
_STEP_LOG = np.log1p(np.array(_STEP_PERCENT) / 100)

# Measured: 39-49 % of listings never change, 4-5 % show ten prices or more, the mean is 3, the most 39-76.
_STILL_SHARE = 0.12
_MOVER_SHAPE = 0.95
# These two give 44 % that never change, a mean of 3.9 and 9 % with ten or more: nearer is not to be had together
# with the measured moves an hour.
# A tenth of the moves cannot be seen: rounded away, or two between one capture and the next.
_VISIBLE_MOVES = 0.9

_DOLLAR = 100
_VF_GRAIN_CENTS = 500
_PERCENT_WITHOUT_CENTS = 0.75

# All-in over price of brokers' listings: 1.347-1.353 in general, up to 1.418 on cheap seats.
_BROKER_FEE = 1.35
_BROKER_FEE_ON_CHEAP = 0.07
_CHEAP_CENTS = 6000.0
BROKER_FEE_JITTER = 0.003


def price_steps(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Changes of the log price, float64[count]."""
    return np.asarray(np.interp(rng.random(count), _STEP_QUANTILES, _STEP_LOG))


def restlessness(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """How often each seller changes prices, as a factor on the measured rate of visible moves, float64[count]."""
    movers = rng.gamma(_MOVER_SHAPE, 1 / _MOVER_SHAPE / (1 - _STILL_SHARE) / _VISIBLE_MOVES, count)
    return np.where(rng.random(count) < _STILL_SHARE, 0.0, movers)


def placeholder_log_factor(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Log of how far above the median a price that nobody is meant to pay stands; 0 for an honest one."""
    low, high = np.log(_PLACEHOLDER_TIMES_MEDIAN)
    factor = low + (high - low) * rng.random(count)
    return np.where(rng.random(count) < PLACEHOLDER_SHARE, factor, 0.0)


class Trend:
    """The event's own drift of what new listings ask: two slow waves and a slope, so that the get-in can rise."""

    def __init__(self, rng: np.random.Generator) -> None:
        # Over the ten measured days the cheapest price moved by tens of per cent, either way, also late.
        self._waves = [
            (period_days * 86_400, rng.normal(0.0, 0.09), rng.uniform(0, 2 * np.pi)) for period_days in (3, 11)
        ]
        self._slope_per_day = rng.normal(0.0, 0.004)

    def log_factor(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log factor on the event's price level at instants counted from the start."""
        waves = [height * np.sin(2 * np.pi * seconds / period + phase) for period, height, phase in self._waves]
        return np.asarray(np.sum(waves, axis=0) + self._slope_per_day * seconds / 86_400)


def rounded(
    log_dollars: NDArray[np.float64], is_broker: NDArray[np.bool_], style: NDArray[np.float64]
) -> NDArray[np.int32]:
    """Prices as sellers write them, int32 cents: brokers in dollars or to the cent, others in steps of $5.

    Steps of $5 keep the other sellers' all-in price, exactly 1.20 times the price, in whole dollars as captured.
    """
    cents = np.clip(np.exp(log_dollars) * _DOLLAR, MIN_PRICE_CENTS, MAX_PRICE_CENTS)
    grain = np.where(is_broker, np.where(style < _PERCENT_WITHOUT_CENTS, _DOLLAR, 1), _VF_GRAIN_CENTS)
    return np.asarray(np.maximum(np.rint(cents / grain) * grain, grain), np.int32)


def all_in_cents(
    price_cents: NDArray[np.int32], is_broker: NDArray[np.bool_], fee_jitter: NDArray[np.float32]
) -> NDArray[np.int64]:
    """All-in prices in cents, whole dollars: brokers' about 1.35 times (1.42 on cheap), others' exactly 1.20."""
    fee = _BROKER_FEE + _BROKER_FEE_ON_CHEAP * np.exp(price_cents / -_CHEAP_CENTS) + fee_jitter
    broker = np.rint(price_cents * fee / _DOLLAR) * _DOLLAR
    return np.where(is_broker, broker, price_cents.astype(np.int64) * 6 // 5).astype(np.int64)
