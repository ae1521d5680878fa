"""Which answers are hit: the same ones every time, as many as asked for, independently of each other."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sandbox.faults.chance import draw
from sandbox.faults.injection import Injection
from sandbox.marketplace import Answer, InventedMarketplace, ok
from tests.unit.sandbox.serving import FEATURED, NOW, Sandbox

STORM: list[dict[str, Any]] = [
    {"fault": "server_error", "share": 0.2},
    {"fault": "not_found", "share": 0.3, "times": 2},
    {"fault": "access_denied", "share": 0.5, "events": FEATURED[:2]},
]


def outcomes(sandbox: Sandbox, order: list[int], seed: int = 1) -> dict[int, list[int]]:
    """The statuses of each event, asked in this order."""
    sandbox.set_faults(*STORM, seed=seed)
    seen: dict[int, list[int]] = {}
    for event_id in order:
        seen.setdefault(event_id, []).append(sandbox.listings(event_id).status_code)
    return seen


def test_the_same_requests_are_hit_again_in_any_order_of_events(sandbox: Sandbox):
    order = FEATURED[:4] * 12
    first = outcomes(sandbox, order)
    shuffled = random.Random(7).sample(order, len(order))
    assert outcomes(sandbox, shuffled) == first
    assert outcomes(sandbox, FEATURED[:1] * 12) == {FEATURED[0]: first[FEATURED[0]]}, "others change nothing"
    assert outcomes(sandbox, order, seed=2) != first
    assert len({tuple(statuses) for statuses in first.values()}) == 4, "events do not fail in step"


class _Market(InventedMarketplace):
    """A market whose answers cost nothing."""

    def listings(self, event_id: int, at: Any) -> Answer:
        del event_id, at
        return ok(b"{}")


@pytest.fixture
def injection() -> Injection:
    return Injection(_Market())


def test_shares_are_kept(injection: Injection):
    injection.set(b'{"seed":3,"rules":[{"fault":"not_found","share":0.2},{"fault":"blocked","share":0.5}]}')
    faults = [injection.listings(event_id, NOW).fault for event_id in range(1, 201) for _ in range(50)]
    assert abs(faults.count("not_found") / 10_000 - 0.2) < 0.015
    assert abs(faults.count("blocked") / 10_000 - 0.8 * 0.5) < 0.02, "of what the first rule left"


def test_forms_are_all_used_and_independent_of_the_hit(injection: Injection):
    injection.set(b'{"rules":[{"fault":"rate_limited","share":0.1}]}')
    replies = [injection.listings(event_id, NOW) for event_id in range(1, 6001)]
    forms = [reply.form for reply in replies if reply.fault]
    assert {form: abs(forms.count(form) / len(forms) - 1 / 3) < 0.07 for form in forms} == dict.fromkeys(
        ("seconds", "date", "bare"), True
    )


def test_a_standing_fault_takes_a_share_of_events_for_good(injection: Injection):
    injection.set(b'{"rules":[{"fault":"re_keying","share":0.3}]}')
    struck = [[bool(injection.listings(event_id, NOW).standing) for _ in range(3)] for event_id in range(1, 2001)]
    assert all(len(set(each)) == 1 for each in struck)
    assert abs(sum(each[0] for each in struck) / 2000 - 0.3) < 0.03


def test_times_count_for_each_event(injection: Injection):
    injection.set(b'{"rules":[{"fault":"not_found","times":3}]}')
    for event_id in (1, 2):
        assert [injection.listings(event_id, NOW).fault for _ in range(5)] == ["not_found"] * 3 + [None] * 2


def test_draws_are_part_of_the_document_s_meaning():
    assert draw(1, 0, 5046012, 1) == draw(1, 0, 5046012, 1)
    assert round(draw(1, 0, 5046012, 1).share, 6) == 0.326043
    assert len({draw(s, r, e, n) for s in range(3) for r in range(3) for e in range(1, 4) for n in range(3)}) == 81
