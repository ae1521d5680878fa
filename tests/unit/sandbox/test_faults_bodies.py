"""Faults in bodies: what differs from the good one, and that nothing else does."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from sandbox.faults.bodies import sum_up
from tests.unit.sandbox.serving import FEATURED, NOW, Sandbox, good_body


def good() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(good_body())
    return body


def cents(text: str) -> int:
    return round(float(text) * 100)


def test_payloads_that_are_no_listings(sandbox: Sandbox):
    garbage = sandbox.strike("bad_payload", form="garbage")
    assert (garbage.status_code, garbage.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"decode|Expecting"):
        garbage.json()
    assert "tickets" not in sandbox.strike("bad_payload", form="other_shape").json()
    assert sandbox.strike("bad_payload", form="empty_global").json() == {**good(), "global": []}


def test_another_event_s_body(sandbox: Sandbox):
    assert sandbox.strike("wrong_production", event_id=FEATURED[1]).content == good_body(FEATURED[1])
    other = sandbox.strike("wrong_production").json()["global"][0]["productionId"]
    assert int(other) in FEATURED[1:]


def test_counts_that_do_not_match(sandbox: Sandbox):
    expected = good()
    fewer = sandbox.strike("count_mismatch", form="fewer", by=2).json()
    assert fewer == {**expected, "tickets": expected["tickets"][:-2]}
    more = sandbox.strike("count_mismatch", form="more", by=2).json()
    assert more["tickets"] == expected["tickets"]
    assert int(more["global"][0]["listingCount"]) == len(more["tickets"]) - 2


def test_a_subset_that_agrees_with_itself(sandbox: Sandbox):
    expected, partial = good(), sandbox.strike("partial_inventory", kept_share=0.23).json()
    kept = [ticket["i"] for ticket in partial["tickets"]]
    assert 0.1 < len(kept) / len(expected["tickets"]) < 0.4
    assert partial["tickets"] == [ticket for ticket in expected["tickets"] if ticket["i"] in set(kept)]
    facts = partial["global"][0]
    prices = [cents(ticket["p"]) for ticket in partial["tickets"]]
    tickets = sum(int(ticket["q"]) for ticket in partial["tickets"])
    assert (facts["listingCount"], facts["ticketCount"]) == (str(len(kept)), str(tickets))
    assert (cents(facts["lp"]), cents(facts["hp"])) == (min(prices), max(prices))
    assert sum(int(group["q"]) for group in partial["groups"]) == tickets
    assert sum(int(section["q"]) for section in partial["sections"]) == tickets
    assert sandbox.listings().json() == partial, "a second look confirms it"


@pytest.mark.parametrize("event_id", FEATURED[:6])
def test_sums_are_those_of_the_market_itself(event_id: int):
    body = json.loads(good_body(event_id))
    sum_up(body)
    assert body == json.loads(good_body(event_id))


def test_canadian_prices(sandbox: Sandbox):
    body = sandbox.strike("wrong_currency", rate=1.37).json()
    assert body["i18n"] == {"from": "USD", "to": "CAD", "rate": 1.37, "applyCurrencyConversion": True}
    for ours, theirs in zip(good()["tickets"], body["tickets"], strict=True):
        assert abs(cents(theirs["p"]) - 1.37 * cents(ours["p"])) <= 0.51


def test_no_tickets_and_a_count(sandbox: Sandbox):
    body = sandbox.strike("empty_unexpected", form="tickets").json()
    assert body == {**good(), "tickets": []}
    assert int(body["global"][0]["listingCount"]) > 0


def test_no_tickets_and_nothing_that_counts_them(sandbox: Sandbox):
    body = sandbox.strike("empty_unexpected", form="global_and_tickets").json()
    assert body == {**good(), "global": [], "tickets": []}


def test_bad_rows_among_good_ones(sandbox: Sandbox):
    body, expected = sandbox.strike("bad_rows", rows=6).json(), good()
    pairs = list(zip(expected["tickets"], body["tickets"], strict=True))
    bad = [(ours, theirs) for ours, theirs in pairs if ours != theirs]
    assert Counter(theirs["q"] if theirs["q"] == "0" else theirs["p"] for _, theirs in bad) == {
        "NaN": 2, "not-a-price": 2, "0.00": 1, "0": 1,
    }  # fmt: skip
    assert {key for ours, theirs in bad for key in ours if ours[key] != theirs[key]} == {"p", "q", "quantity"}
    assert int(body["global"][0]["ticketCount"]) == sum(int(ticket["q"]) for ticket in body["tickets"])
    assert body["global"][0]["listingCount"] == str(len(pairs))


def test_unknown_keys_and_nothing_else(sandbox: Sandbox):
    body, expected = sandbox.strike("unknown_keys").json(), good()
    for name in ("global", "tickets", "sections"):
        for ours, theirs in zip(expected[name], body[name], strict=True):
            assert set(theirs) > set(ours)
            assert {key: theirs[key] for key in ours} == ours


def test_every_price_is_raised_while_it_is_on(sandbox: Sandbox):
    until = "2026-11-22T22:01:06Z"
    sandbox.set_faults(
        {"fault": "fee_display", "options": {"percent": 4.6, "from": "2026-11-22T22:00:00Z", "until": until}}
    )
    expected, raised = good(), sandbox.listings().json()
    assert raised["global"][0]["listingCount"] == expected["global"][0]["listingCount"]
    for ours, theirs in zip(expected["tickets"], raised["tickets"], strict=True):
        assert abs(cents(theirs["p"]) - 1.046 * cents(ours["p"])) <= 0.51
        assert abs(cents(theirs["aip"]) - 1.046 * cents(ours["aip"])) <= 50.1
        assert theirs["aip"] == theirs["allInPricePerTicket"]
        assert theirs["aip"].endswith(".00"), "all-in prices are whole dollars"
    assert raised["global"][0]["lp"] == raised["tickets"][0]["p"]
    for at in (NOW - timedelta(seconds=1), NOW + timedelta(seconds=66)):
        assert sandbox.listings(at=at.isoformat()).content == good_body(at=at)


def test_most_of_the_book_gets_new_ids_at_once_and_keeps_them(sandbox: Sandbox):
    sandbox.set_faults({"fault": "re_keying", "options": {"from": "2026-11-22T22:00:00Z", "listings_share": 0.9}})
    new_ids: dict[str, str] = {}
    for minutes in (0, 10, 20):
        at = NOW + timedelta(minutes=minutes)
        expected, body = json.loads(good_body(at=at)), sandbox.listings(at=at.isoformat()).json()
        for ours, theirs in zip(expected["tickets"], body["tickets"], strict=True):
            assert {**theirs, "i": None} == {**ours, "i": None}
            assert new_ids.setdefault(ours["i"], theirs["i"]) == theirs["i"]
            assert (len(theirs["i"]), theirs["i"][:2]) == (len(ours["i"]), ours["i"][:2])
    changed = {old: new for old, new in new_ids.items() if old != new}
    assert 0.8 < len(changed) / len(new_ids) < 0.97
    assert len(set(new_ids.values())) == len(new_ids), "no two listings share an id"
    before = NOW - timedelta(seconds=1)
    assert sandbox.listings(at=before.isoformat()).content == good_body(at=before)


def test_standing_faults_stay_on_whatever_else_strikes(sandbox: Sandbox):
    rules = [{"fault": "fee_display"}, {"fault": "re_keying"}, {"fault": "unknown_keys", "times": 1}]
    sandbox.set_faults(*rules, keep_served=True)
    before = len(sandbox.served())
    drifted, plain = sandbox.listings().json(), sandbox.listings().json()
    assert "experiments" in drifted
    assert [(t["i"], t["p"]) for t in drifted["tickets"]] == [(t["i"], t["p"]) for t in plain["tickets"]]
    assert [(each["fault"], each["standing"]) for each in sandbox.served()[before:]] == [
        ("unknown_keys", ["fee_display", "re_keying"]), ("fee_display", ["fee_display", "re_keying"]),
    ]  # fmt: skip


def test_cached_answers_are_old_ones_with_their_etag(sandbox: Sandbox):
    sandbox.set_faults({"fault": "cached", "events": [FEATURED[0]]})
    later = (NOW + timedelta(hours=1)).isoformat()
    first = sandbox.listings()
    assert first.content == good_body(), "there is nothing in the cache yet"
    cached = sandbox.listings(at=later)
    assert cached.content == first.content
    assert cached.headers["etag"] == first.headers["etag"]
    assert sandbox.listings(at=later, if_none_match=first.headers["etag"]).status_code == 304
    sandbox.http.delete("/sandbox/faults")
    assert sandbox.listings(at=later).content != first.content


@pytest.mark.parametrize("fault", ["count_mismatch", "bad_rows", "wrong_production", "partial_inventory", "re_keying"])
def test_an_unknown_event_stays_unknown(sandbox: Sandbox, fault: str):
    sandbox.set_faults({"fault": fault, "options": {"event_id": 1} if fault == "wrong_production" else {}})
    assert sandbox.listings(event_id=1).status_code == 404
