"""What is not answered: status 400 or 404 with a hint how to ask instead, whatever is asked, and never 500."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.conftest import HAND_MADE, History
from tests.integration.api.serving import Api

_EVENT: dict[str, Any] = {"event_id": HAND_MADE}
_REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("search_events", {"q": ""}, "q must have 1 to 100 characters"),
    ("search_events", {"q": " \t "}, "q must have 1 to 100 characters"),
    ("search_events", {"q": "x" * 101}, "q must have 1 to 100 characters"),
    ("search_events", {"q": "x", "max_events": 0}, "max_events must be from 1 to 200"),
    ("search_events", {"q": "x", "max_events": 201}, "max_events must be from 1 to 200"),
    ("price_history", {**_EVENT, "granularity": "minute"}, "granularity must be hour or day"),
    ("price_history", {**_EVENT, "granularity": "hour' or true --"}, "granularity must be hour or day"),
    ("price_history", {**_EVENT, "from_at": "2026-03-02", "to_at": "2026-03-02"}, "from_at must be before to_at"),
    ("price_history", {**_EVENT, "from_at": "-infinity", "to_at": "infinity"}, "from_at must be before to_at"),
    ("price_history", {**_EVENT, "from_at": "2026-01-01", "to_at": "2026-02-01T01:00:00Z"}, "the range is too long"),
    (
        "price_history",
        {**_EVENT, "from_at": "2024-01-01", "to_at": "2026-02-01", "granularity": "day"},
        "the range is too long",
    ),
    ("compare_events", {"event_ids": []}, "event_ids must be 1 to 10 events"),
    ("compare_events", {"event_ids": list(range(11))}, "event_ids must be 1 to 10 events"),
    ("compare_events", {"event_ids": list(range(20_000))}, "event_ids must be 1 to 10 events"),
    ("compare_events", {"event_ids": [1, None]}, "event_ids must be 1 to 10 events"),
    ("compare_events", {"event_ids": [1], "granularity": "week"}, "granularity must be hour or day"),
    (
        "compare_events",
        {"event_ids": [1], "from_days_to_event": 1, "to_days_to_event": 2},
        "from_days_to_event must not be below to_days_to_event",
    ),
    ("compare_events", {"event_ids": [1, 2], "from_days_to_event": 600}, "this would be more than 1000 rows"),
    ("compare_events", {"event_ids": [1, 2], "granularity": "hour", "from_days_to_event": 30}, "more than 1000 rows"),
    ("top_movers", {"lookback": "2h"}, "lookback must be 1h, 24h or 7d"),
    ("top_movers", {"metric": "price_max; drop table x"}, "there is no such metric"),
    ("top_movers", {"direction": "sideways"}, "direction must be up, down or both"),
    ("top_movers", {"max_events": 101}, "max_events must be from 1 to 100"),
    ("top_movers", {"at": "infinity"}, "at must be an instant"),
    ("price_distribution", {**_EVENT, "bins": 0}, "bins must be from 1 to 100"),
    ("price_distribution", {**_EVENT, "bins": 101}, "bins must be from 1 to 100"),
    ("price_distribution", {**_EVENT, "price": "face"}, "price must be pre_fee or all_in"),
    ("price_distribution", {**_EVENT, "up_to_price": 0}, "up_to_price must be from 0.01 to 1000000"),
    ("price_distribution", {**_EVENT, "up_to_price": "NaN"}, "up_to_price must be from 0.01 to 1000000"),
    ("price_distribution", {**_EVENT, "at": "-infinity"}, "at must be an instant"),
    ("cheapest_by_zone", {**_EVENT, "at": "infinity"}, "at must be an instant"),
    ("listings_at", {**_EVENT, "at": "infinity"}, "at must be an instant"),
    ("listings_at", {**_EVENT, "after_price": 10}, "after_price and after_source_listing_id belong together"),
    ("listings_at", {**_EVENT, "after_price": "Infinity", "after_source_listing_id": "x"}, "after_price is no price"),
    ("market_changes", _EVENT, "neither since nor after_cursor is given"),
    ("market_changes", {**_EVENT, "after_cursor": "x"}, "after_cursor is no cursor"),
    ("market_changes", {**_EVENT, "after_cursor": "1-1' or true --"}, "after_cursor is no cursor"),
    ("market_changes", {**_EVENT, "since": "2026-01-01", "max_changes": 1001}, "max_changes must be from 1 to 1000"),
]
_FOR_USERS = {"listings_at", "market_changes"}
_WITH_EVENT = [
    "price_history",
    "event_summary",
    "price_distribution",
    "cheapest_by_zone",
    "pair_get_in",
    "listings_at",
    "market_changes",
]


def _role(function: str) -> str:
    return "authenticated" if function in _FOR_USERS else "anon"


@pytest.mark.parametrize(("function", "arguments", "message"), _REFUSED)
def test_a_refusal_says_how_to_ask_instead(api: Api, function: str, arguments: dict[str, Any], message: str) -> None:
    answer = api.ask(f"/rpc/{function}", role=_role(function), method="POST", body=arguments)
    assert answer.status_code == 400, answer.text
    error = answer.json()
    assert error["code"] == "PT400"
    assert message in error["message"]
    assert error["hint"]


@pytest.mark.parametrize("function", _WITH_EVENT)
def test_an_event_that_nobody_knows_is_not_found(api: Api, function: str) -> None:
    arguments = {"event_id": 4_040_404, **({"since": "2026-01-01"} if function == "market_changes" else {})}
    answer = api.ask(f"/rpc/{function}", role=_role(function), method="POST", body=arguments)
    assert (answer.status_code, answer.json()["code"]) == (404, "PT404")
    assert "search_events" in answer.json()["hint"]


@pytest.mark.parametrize("function", _WITH_EVENT)
def test_an_argument_without_a_value_is_refused(api: Api, function: str) -> None:
    answer = api.ask(f"/rpc/{function}", role=_role(function), method="POST", body={"event_id": None})
    assert (answer.status_code, answer.json()["message"]) == (400, "event_id is null")
    assert answer.json()["hint"].startswith("Give event_id a value")


@pytest.mark.parametrize("function", _WITH_EVENT)
def test_an_argument_that_is_missing_or_unknown_is_no_such_function(api: Api, function: str) -> None:
    for arguments in ({}, {"event_id": HAND_MADE, "nonsense": 1}):
        answer = api.ask(f"/rpc/{function}", role=_role(function), method="POST", body=arguments)
        assert (answer.status_code, answer.json()["code"]) == (404, "PGRST202"), answer.text


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("price_history", {"event_id": "seven"}),
        ("price_history", {"event_id": HAND_MADE, "from_at": "yesterday-ish"}),
        ("price_history", {"event_id": HAND_MADE, "to_at": "294277-01-01"}),
        ("price_history", {"event_id": 10**30}),
        ("compare_events", {"event_ids": "{1,2"}),
        ("top_movers", {"max_events": "1e9"}),
        ("price_distribution", {"event_id": HAND_MADE, "up_to_price": "1e400"}),
        ("listings_at", {"event_id": HAND_MADE, "at": "\u0000"}),
    ],
)
def test_what_is_no_value_of_its_type_is_the_clients_mistake(
    api: Api, function: str, arguments: dict[str, Any]
) -> None:
    answer = api.ask(f"/rpc/{function}", role=_role(function), method="POST", body=arguments)
    assert 400 <= answer.status_code < 500, answer.text


def test_results_are_filtered_ordered_and_counted_as_those_of_views(api: Api, history: History) -> None:
    arguments = {"event_id": history.event_ids[0], "select": "at,captures", "captures": "gte.2", "order": "at.desc"}
    answer = api.ask("/rpc/price_history", {**arguments, "limit": 3}, headers={"Prefer": "count=exact"})
    assert answer.status_code == 206
    rows = answer.json()
    assert [list(row) for row in rows] == [["at", "captures"]] * 3
    assert rows == sorted(rows, key=lambda row: row["at"], reverse=True)
    total = int(answer.headers["Content-Range"].split("/")[1])
    assert total == len(
        [row for row in api.call("price_history", event_id=arguments["event_id"]) if row["captures"] >= 2]
    )
    single = api.ask(
        "/rpc/pair_get_in", {"event_id": HAND_MADE}, headers={"Accept": "application/vnd.pgrst.object+json"}
    )
    assert single.json()["pair_get_in"] == 30
    table = api.ask("/rpc/price_history", {**arguments, "limit": 1}, headers={"Accept": "text/csv"})
    assert table.text.splitlines()[0] == "at,captures"
