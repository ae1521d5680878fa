"""Where every random number of the sandbox comes from: named streams keyed by seed and subject.

What belongs here: the default seed, the names of the streams, the way a generator is made. What does not: what
is drawn. A stream depends on its key alone, never on what was asked before, so any process answers alike.
The streams are numpy's: another numpy release may change them (its policy), and with them the whole market.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

DEFAULT_SEED = 2026


class Stream(IntEnum):
    """One independent sequence a subject; numbers are part of the market's identity and never change."""

    CATALOGUE = 1
    LIVES = 2
    SEATS = 3
    PRICES = 4
    CAPTURES = 5


def generator(seed: int, stream: Stream, subject: int) -> np.random.Generator:
    """The generator of one stream for one subject (a week or an event id).

    Raises:
        ValueError: ``seed`` is negative, which numpy cannot take.
    """
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, not {seed}")
    return np.random.default_rng([seed, int(stream), subject])
