"""What a listing says besides its place and price: quantities, splits, notes, delivery, seats.

What belongs here: the value lists with their weights, and the rule of splits. What does not: who draws them
(``population``) and how they are written (``listings_body``). Weights are rounded from captured bodies.
"""

from __future__ import annotations

import numpy as np

# Share of listings by quantity 1, 2, ... 15. Measured: 2 tickets 35 %, 4 20 %, 3 8 %, 6 7 %, 1 3-45 %; mean 3-4.4.
QUANTITY_SHARES = np.array(
    [0.15, 0.35, 0.08, 0.20, 0.035, 0.07, 0.015, 0.045, 0.01, 0.02, 0.003, 0.012, 0.003, 0.004, 0.003]
)
MAX_QUANTITY = len(QUANTITY_SHARES)

DELIVERIES = ("Ticketmaster Transfer", "E-tickets", "Mobile Transfer", "AXS Transfer", "UPS")
DELIVERY_SHARES = np.array([0.72, 0.12, 0.09, 0.05, 0.02])

_MOBILE = "Please note that you will need to use an iOS or Android mobile device to gain entry to your event."
NOTES = (
    _MOBILE,
    "",
    f"Mobile Tickets. Tickets must be displayed on a smartphone for entry. {_MOBILE}",
    f"XFER TMX TICKETS MOBILE ENTRY {_MOBILE}",
    f"ADA accessible. {_MOBILE}",
    f"Aisle seats. {_MOBILE}",
    "Tickets are transferred within 48 hours of the event; the buyer's name and e-mail are needed.",
    f"Obstructed view. {_MOBILE}",
    'Includes access to the "Lounge" 90 minutes before the start.',
    f"Piggyback seats: two rows, one behind the other. {_MOBILE}",
)
NOTE_SHARES = np.array([0.50, 0.17, 0.08, 0.07, 0.02, 0.05, 0.05, 0.02, 0.02, 0.02])

ZONES_OF_SALE = ("0", "2", "3")
"""Values of the unexplained code ``t``."""

_SPLIT_POLICIES = 4
SPLIT_POLICY_SHARES = np.array([0.55, 0.25, 0.12, 0.08])


def _splits(policy: int, quantity: int) -> tuple[int, ...]:
    """Quantities a buyer may take, ascending; always contains the whole.

    The policies: leave no single ticket ("1,3", "1,2,3,4,5,6,8" as captured), even numbers only, any number,
    all or nothing. A captured "2" for a pair follows from each but the third.
    """
    if quantity == 1:
        return (1,)
    every = range(1, quantity + 1)
    if policy == 0:
        return tuple(n for n in every if quantity - n != 1)
    if policy == 1 and quantity % 2 == 0:
        return tuple(range(2, quantity + 1, 2))
    return tuple(every) if policy == 2 else (quantity,)  # noqa: PLR2004 - the third policy


SPLITS = tuple(
    tuple(_splits(policy, quantity) if quantity else () for quantity in range(MAX_QUANTITY + 1))
    for policy in range(_SPLIT_POLICIES)
)
"""Allowed splits by policy, then by quantity (0 unused)."""
