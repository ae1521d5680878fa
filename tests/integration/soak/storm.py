"""The storm: what goes wrong in which round.

What belongs here: the faults documents. What does not: what follows from faults (``oracle``).

A phase is one document for several rounds: ``times`` counts from its beginning, and what a market stands under (fees
shown otherwise, new ids) comes and goes with it. Chance strikes about 20 % of the answers; besides, each phase has
rules for single events, so that every kind, and every way in which a held drop can end, happens whatever chance does.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from tests.integration.soak.market import large_events

SEED = 20261123
CONCURRENCY = 32

Rule: TypeAlias = dict[str, Any]


class Phase(NamedTuple):
    """So many rounds under one document."""

    name: str
    rounds: int
    rules: list[Rule]

    def document(self) -> dict[str, Any]:
        """What the control endpoint takes."""
        return {"seed": SEED, "keep_served": True, "rules": self.rules}


def _strike(fault: str, first: int, last: int | None = None, *, times: int | None = 1, **options: Any) -> Rule:
    """A rule for large events by number, the last one included; without ``times``, for all of the phase."""
    chosen = large_events()[first : (first if last is None else last) + 1]
    return {"fault": fault, "events": chosen, "options": options} | ({} if times is None else {"times": times})


CHANCE: list[Rule] = [
    {"fault": "server_error", "share": 0.025},
    {"fault": "connection_reset", "share": 0.02},
    {"fault": "connection_reset", "share": 0.01, "options": {"sent_share": 0}},
    {"fault": "truncated_body", "share": 0.02},
    {"fault": "rate_limited", "share": 0.02, "options": {"retry_after_seconds": 0}},
    {"fault": "not_found", "share": 0.015},
    {"fault": "bad_payload", "share": 0.02},
    {"fault": "wrong_production", "share": 0.015},
    {"fault": "count_mismatch", "share": 0.02},
    {"fault": "partial_inventory", "share": 0.025},
    {"fault": "wrong_currency", "share": 0.015},
    {"fault": "empty_unexpected", "share": 0.015},
    {"fault": "too_large", "share": 0.003},
    # What follows is odd, and a good answer all the same.
    {"fault": "bad_rows", "share": 0.03},
    {"fault": "unknown_keys", "share": 0.03},
    {"fault": "slow_body", "share": 0.01, "options": {"seconds": 0.5}},
    {"fault": "cached", "share": 0.1},
]

CLOSED = Phase(
    "turned away",
    2,
    [{"fault": "server_error", "share": 0.4}, {"fault": "blocked", "share": 0.5}, {"fault": "access_denied"}],
)


def phases() -> list[Phase]:
    """The storm, before the marketplace turns us away."""
    return [
        Phase(
            "every kind",
            3,
            [
                _strike("server_error", 0, times=2),
                # Each silence lasts the client's ten seconds; the others are asked meanwhile.
                _strike("timeout", 0, 2),
                _strike("server_error", 3, times=3),
                _strike("connection_reset", 4, times=3),
                _strike("rate_limited", 5, times=3, form="bare"),
                _strike("truncated_body", 6, times=3, form="short"),
                # Two of those that turn us away; three in a row would open the circuit breaker.
                _strike("blocked", 7, form="200"),
                _strike("access_denied", 8, form="401"),
                _strike("slow_body", 9, 10, seconds=2),
                _strike("too_large", 11, form="declared"),
                _strike("too_large", 12, form="chunked"),
                _strike("not_found", 13, times=2),
                _strike("bad_payload", 14, form="garbage"),
                _strike("bad_payload", 15, form="other_shape"),
                _strike("bad_payload", 16, form="empty_global"),
                _strike("wrong_production", 17),
                _strike("count_mismatch", 18, form="fewer"),
                _strike("count_mismatch", 19, form="more"),
                _strike("wrong_currency", 20),
                _strike("empty_unexpected", 21, form="tickets"),
                _strike("empty_unexpected", 25, form="global_and_tickets"),
                _strike("truncated_body", 22, form="clean"),
                _strike("rate_limited", 23, form="seconds", retry_after_seconds=1),
                _strike("rate_limited", 24, form="date", retry_after_seconds=1),
                *CHANCE,
            ],
        ),
        Phase(
            "drops, new ids and fees",
            3,
            [
                _strike("blocked", 7, form="403"),
                _strike("access_denied", 8, form="403"),
                # Held, confirmed by the next round, and then the whole book again.
                _strike("partial_inventory", 30, 39, times=2),
                # Held, and never confirmed.
                _strike("partial_inventory", 40, 44),
                # Held, then more listings than confirm it: held again.
                _strike("partial_inventory", 45, 49, kept_share=0.1),
                _strike("partial_inventory", 45, 49, kept_share=0.35),
                # Held, confirmed, and from then on known: a 304 stands for it.
                _strike("partial_inventory", 50, 52, times=None, kept_share=0.2),
                _strike("re_keying", 55, 70, times=None),
                _strike("fee_display", 65, 85, times=None, percent=4.6),
                *CHANCE,
            ],
        ),
        Phase(
            "fees step back, other ids are new",
            3,
            [
                _strike("fee_display", 65, 85, times=None, percent=2.3),
                _strike("re_keying", 80, 99, times=None, listings_share=1.0),
                *CHANCE,
            ],
        ),
    ]
