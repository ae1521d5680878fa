"""Price paths: every price of every listing, from its birth to its end.

What belongs here: when each price held. What does not: the distributions (``pricing``) and rates (``rates``)
that this follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sandbox import pricing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sandbox.lives import Lives
    from sandbox.rates import MarketClock

_RELIST_LOG_STEP = -0.02
"""A seller who lists anew asks a little less."""


class PricePaths(NamedTuple):
    """One entry for each price of each listing, by owner, then time; seconds from the start of the event.

    ``owner`` indexes the listings; a price holds from ``since_seconds`` up to, not including, ``until_seconds``.
    """

    owner: NDArray[np.int32]
    since_seconds: NDArray[np.int32]
    until_seconds: NDArray[np.int32]
    cents: NDArray[np.int32]


def draw_price_paths(
    rng: np.random.Generator,
    clock: MarketClock,
    lives: Lives,
    stock_log_dollars: NDArray[np.float64],
    is_broker: NDArray[np.bool_],
) -> PricePaths:
    """Let every seller change prices.

    Args:
        rng: the stream of prices.
        clock: the event's rates.
        lives: the listings.
        stock_log_dollars: float64[stocks], what each seller asks at first, before the event's trend.
        is_broker: bool[stocks].
    """
    trend = pricing.Trend(rng)
    stocks, listings = len(stock_log_dollars), len(lives.stock)
    placeholder = pricing.placeholder_log_factor(rng, stocks)
    style = rng.random(stocks)
    moves_born = clock.moves_at(lives.born_seconds)
    moves_gone = clock.moves_at(lives.gone_seconds)
    restless = pricing.restlessness(rng, stocks)[lives.stock]
    changes = rng.poisson(restless * (moves_gone - moves_born))

    first = np.concatenate([[0], np.cumsum(changes + 1)])[:-1]
    owner = np.repeat(np.arange(listings), changes + 1)
    place = rng.random(len(owner))
    place[first] = 0.0
    place = np.sort(owner + place) - owner
    since = clock.seconds_at_moves(moves_born[owner] + place * (moves_gone - moves_born)[owner])
    # A listing that outlives the last move of the clock keeps its own instants at both ends.
    since = np.clip(np.rint(since), lives.born_seconds[owner], lives.gone_seconds[owner])
    since[first] = lives.born_seconds
    until = np.append(since[1:], 0.0)
    until[np.append(first[1:], len(owner)) - 1] = lives.gone_seconds

    steps = pricing.price_steps(rng, len(owner))
    steps[first] = 0.0
    walk = np.cumsum(steps)
    walk -= walk[first][owner]
    asked = (
        stock_log_dollars[lives.stock]
        + placeholder[lives.stock]
        + _RELIST_LOG_STEP * lives.relist
        + trend.log_factor(lives.born_seconds)
    )
    stock = lives.stock[owner]
    cents = pricing.rounded(asked[owner] + walk, is_broker[stock], style[stock])
    return PricePaths(owner.astype(np.int32), since.astype(np.int32), until.astype(np.int32), cents)
