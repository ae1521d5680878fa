"""Listing numbers: the digits after "VB" and "VF".

What belongs here: numbers that are given once. What does not: the letters before them (``tickets_body``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sandbox.events import FIRST_EVENT_ID

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Listing numbers are made from a count by multiplication modulo, one to one, so that no id is ever given twice.
# Eleven digits for brokers hold every listing of every event; seven for others are unique within an event.
_LISTINGS_PER_EVENT = 16_384
_BROKER_IDS = (10_000_000_000, 90_000_000_000, 61_803_401)
_OTHER_IDS = (1_000_000, 9_000_000, 2_718_281)


def listing_numbers(event_id: int, is_broker: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The digits of the ids, int64[n], for at most _LISTINGS_PER_EVENT listings in order of birth.

    Raises:
        OverflowError: the event has more listings than ids.
    """
    if len(is_broker) > _LISTINGS_PER_EVENT:
        raise OverflowError(f"event {event_id} has {len(is_broker)} listings, more than {_LISTINGS_PER_EVENT} ids")
    count = (event_id - FIRST_EVENT_ID) * _LISTINGS_PER_EVENT + np.arange(len(is_broker))
    broker_first, broker_span, broker_factor = _BROKER_IDS
    other_first, other_span, other_factor = _OTHER_IDS
    broker = broker_first + count % broker_span * broker_factor % broker_span
    other = other_first + count % other_span * other_factor % other_span
    return np.where(is_broker, broker, other)
