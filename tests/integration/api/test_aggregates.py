"""The functions that everybody may call: their rows against what PostgreSQL's tables say, by GET and by POST."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.integration.api.conftest import HAND_MADE, NEVER_CAPTURED, History
from tests.integration.api.serving import Api

pytestmark = pytest.mark.usefixtures("history")


def test_price_history_is_the_hours_that_overlap_the_range(api: Api, history: History) -> None:
    event_id, hour = history.event_ids[0], history.to_at.replace(minute=0)
    from_at, to_at = hour - timedelta(hours=5, minutes=10), hour - timedelta(minutes=1)
    rows = api.call("price_history", event_id=event_id, from_at=from_at.isoformat(), to_at=to_at.isoformat())

    expected = history.truth(
        "select * from marts.event_hourly where event_id = %s and hour >= %s and hour < %s order by hour",
        event_id,
        hour - timedelta(hours=6),
        hour,
    )
    assert [row["at"] for row in rows] == [row["hour"] for row in expected]
    assert len(rows) == 6
    for row, truth in zip(rows, expected, strict=True):
        metrics = {name: value for name, value in truth.items() if name not in {"event_id", "hour"}}
        assert row == {"at": truth["hour"], **metrics, "is_final": True}


def test_price_history_by_the_day_and_by_default(api: Api, history: History) -> None:
    event_id = history.event_ids[1]
    days = api.call("price_history", event_id=event_id, granularity="day")
    expected = history.truth("select * from marts.event_daily where event_id = %s order by day", event_id)
    assert [(row["at"], row["captures"], row["sold_value_est"]) for row in days] == [
        (f"{row['day']}T00:00:00+00:00", row["captures"], row["sold_value_est"]) for row in expected
    ]
    hours = api.call("price_history", event_id=event_id)
    assert (
        len(hours) == history.truth("select count(*) from marts.event_hourly where event_id = %s", event_id)[0]["count"]
    )


def test_missing_hours_stay_missing_and_the_others_say_how_well_they_are_covered(api: Api) -> None:
    rows = api.call("price_history", event_id=HAND_MADE)
    assert sum(row["captures"] for row in rows) == 2
    assert {row["captures_expected"] for row in rows} == {3}
    assert api.call("price_history", event_id=NEVER_CAPTURED) == []


def test_search_wants_every_word_and_takes_none_for_a_pattern(api: Api) -> None:
    (found,) = api.call("search_events", q="  ÜNïQUE_event 100%  ")
    assert (found["event_id"], found["event_name"], found["listings"]) == (HAND_MADE, "100% Ünïque_Event", 10)
    assert api.call("search_events", q="100% knicks") == []
    assert api.call("search_events", q="u%que") == []
    assert api.call("search_events", q="'; drop table marts.dim_events; --") == []


def test_search_pages_by_the_last_event(api: Api, history: History) -> None:
    found = [row["event_id"] for row in api.call("search_events", q="us")]
    assert set(found) >= set(history.event_ids)
    paged: list[int] = []
    while page := api.call("search_events", q="us", max_events=1, **({"after_event_id": paged[-1]} if paged else {})):
        paged += [row["event_id"] for row in page]
    assert paged == found
    starts = [row["starts_at"] for row in api.call("search_events", q="us") if row["starts_at"]]
    upcoming = [at for at in starts if datetime.fromisoformat(at) > history.to_at + timedelta(hours=2)]
    assert upcoming == sorted(upcoming)


def test_a_summary_adds_up(api: Api, history: History) -> None:
    event_id = history.event_ids[0]
    (summary,) = api.call("event_summary", event_id=event_id)
    (live,) = api.rows("/event_live", {"event_id": f"eq.{event_id}"})
    for name in ("listings", "tickets", "get_in", "price_median", "pair_get_in", "all_in_get_in", "captured_at"):
        assert summary[name] == live[name], name
    (truth,) = history.truth(
        """
        select sum(captures) as captures, sum(tickets_sold_est) as sold, sum(sold_value_est) as sold_value,
            min(get_in_low) as lowest, max(get_in_high) as highest, count(*) as days from marts.event_daily
        where event_id = %s
        """,
        event_id,
    )
    assert summary["captures_total"] == truth["captures"]
    assert summary["tickets_sold_est_total"] == truth["sold"]
    assert summary["sold_value_est_total"] == truth["sold_value"]
    assert (summary["get_in_lowest"], summary["get_in_highest"]) == (truth["lowest"], truth["highest"])
    assert summary["days_captured"] == truth["days"]
    (day,) = history.truth(
        """
        select sum(captures) as captures, sum(listings_added) as added from marts.event_hourly
        where event_id = %s and hour > %s::timestamptz - interval '24 hours'
        """,
        event_id,
        live["captured_at"],
    )
    assert (summary["captures_24h"], summary["listings_added_24h"]) == (day["captures"], day["added"])
    assert summary["captures_expected_24h"] == 72
    (before,) = history.truth(
        """
        select get_in_close from marts.event_hourly
        where event_id = %s and hour = date_trunc('hour', %s::timestamptz - interval '24 hours', 'UTC')
        """,
        event_id,
        live["captured_at"],
    )
    assert summary["get_in_24h_ago"] == before["get_in_close"] == live["get_in"] - live["get_in_change_24h"]


def test_a_summary_of_an_event_that_was_never_captured_has_no_numbers(api: Api) -> None:
    (summary,) = api.call("event_summary", event_id=NEVER_CAPTURED)
    assert summary["is_tracked"] is True
    assert summary["captured_at"] is summary["get_in"] is summary["captures_24h"] is summary["get_in_lowest_on"] is None
    assert summary["days_captured"] == 0


def test_events_are_compared_by_the_days_left(api: Api, history: History) -> None:
    rows = api.call("compare_events", event_ids=[*history.event_ids, HAND_MADE])
    expected = history.truth(
        """
        select h.event_id, h.get_in_low, (e.starts_at at time zone 'UTC')::date - h.day as days_to_event
        from marts.event_daily as h inner join marts.dim_events as e using (event_id)
        where h.event_id = any(%s) and e.starts_at is not null and h.day <= (e.starts_at at time zone 'UTC')::date
        order by days_to_event desc, event_id
        """,
        list(history.event_ids),
    )
    assert [{name: row[name] for name in ("event_id", "get_in_low", "days_to_event")} for row in rows] == expected
    assert len({row["event_id"] for row in rows}) == 3


def test_hours_are_compared_on_the_same_axis(api: Api, history: History) -> None:
    event_id = history.event_ids[0]
    (event,) = api.rows("/events", {"event_id": f"eq.{event_id}"})
    starts_at = datetime.fromisoformat(event["starts_at"])
    days = (starts_at - history.to_at).days + 1  # of thirty hours, six at least lie in the day before that
    rows = api.call(
        "compare_events",
        event_ids=[event_id],
        granularity="hour",
        from_days_to_event=days + 1,
        to_days_to_event=days,
    )
    start_hour = starts_at.replace(minute=0, second=0, microsecond=0)
    assert len(rows) >= 5
    for row in rows:
        hours = (start_hour - datetime.fromisoformat(row["at"])) / timedelta(hours=1)
        assert row["hours_to_event"] == hours
        assert row["days_to_event"] == float(round(Decimal(row["hours_to_event"]) / 24, 4))
        assert 24 * days <= hours <= 24 * (days + 1)


@pytest.mark.parametrize("metric", ["get_in", "all_in_get_in", "pair_get_in", "price_median", "listings", "tickets"])
@pytest.mark.parametrize("lookback", ["1h", "24h"])
def test_movers_are_those_that_moved_most(api: Api, history: History, metric: str, lookback: str) -> None:
    column = {"get_in": "get_in_close", "all_in_get_in": "all_in_get_in_close"}.get(metric, metric)
    column += "_close" if metric in {"listings", "tickets"} else ""
    rows = api.call("top_movers", metric=metric, lookback=lookback, at=history.to_at.isoformat())
    span = timedelta(hours=int(lookback[:-1]))
    expected = {}
    for event_id in (*history.event_ids, HAND_MADE):
        hours = history.truth(
            f"select {column} as value, last_captured_at as at from marts.event_hourly where event_id = %s"
            " and last_captured_at <= %s order by hour",
            event_id,
            history.to_at,
        )
        newest = hours[-1]
        at = datetime.fromisoformat(newest["at"])
        earlier = [h for h in hours if datetime.fromisoformat(h["at"]) <= at - span]
        if earlier and None not in {newest["value"], earlier[-1]["value"]} and newest["value"] != earlier[-1]["value"]:
            expected[event_id] = (newest["value"], earlier[-1]["value"], newest["at"], earlier[-1]["at"])
    assert {
        row["event_id"]: (row["value"], row["earlier_value"], row["captured_at"], row["compared_at"]) for row in rows
    } == expected
    percents = [abs(row["change_percent"]) for row in rows]
    assert percents == sorted(percents, reverse=True)
    for row in rows:
        assert row["change"] == pytest.approx(row["value"] - row["earlier_value"])
        assert row["change_percent"] == pytest.approx(100 * row["change"] / row["earlier_value"], abs=0.01)
    up = api.call("top_movers", metric=metric, lookback=lookback, at=history.to_at.isoformat(), direction="up")
    assert up == [row for row in rows if row["change"] > 0]


def test_an_event_that_is_no_longer_captured_has_not_moved(api: Api, history: History) -> None:
    later = history.to_at + timedelta(hours=30)
    assert api.call("top_movers", metric="listings", at=later.isoformat()) == []


def test_a_histogram_counts_every_listing_once(api: Api, history: History) -> None:
    bins = api.call("price_distribution", event_id=HAND_MADE, bins=4, up_to_price=80)
    assert [(row["from_price"], row["to_price"], row["listings"], row["tickets"]) for row in bins] == [
        (20, 40, 2, 2 + 3),
        (40, 60, 2, 4 + 5),
        (60, 80, 2, 6 + 7),
        (80, None, 4, 8 + 9 + 10 + 1),
    ]
    earlier = (history.to_at - timedelta(minutes=30)).isoformat()
    assert [row["listings"] for row in api.call("price_distribution", event_id=HAND_MADE, bins=1, at=earlier)] == [11]
    assert [row["listings"] for row in api.call("price_distribution", event_id=HAND_MADE, price="all_in", bins=2)] == [
        1,
        0,
    ]
    (live,) = api.rows("/event_live", {"event_id": f"eq.{history.event_ids[0]}"})
    whole = api.call("price_distribution", event_id=history.event_ids[0])
    assert len(whole) == 20
    assert sum(row["listings"] for row in whole) == live["listings"]
    assert sum(row["tickets"] for row in whole) == live["tickets"]
    assert {row["captured_at"] for row in whole} == {live["captured_at"]}


def test_zones_come_cheapest_first(api: Api, history: History) -> None:
    cheapest = api.call("cheapest_by_zone", event_id=HAND_MADE)
    assert [
        (row["zone_id"], row["listings"], row["tickets"], row["get_in"], row["pair_get_in"], row["all_in_get_in"])
        for row in cheapest
    ] == [("z1", 3, 2 + 3 + 4, 20, 30, 36.5), ("z2", 7, 5 + 6 + 7 + 8 + 9 + 10 + 1, 45, 45, None)]
    zones = api.call("cheapest_by_zone", event_id=history.event_ids[0])
    assert all(zone["zone_name"] for zone in zones)
    (live,) = api.rows("/event_live", {"event_id": f"eq.{history.event_ids[0]}"})
    assert sum(zone["listings"] for zone in zones) == live["listings"]
    assert zones[0]["get_in"] == live["get_in"]


def test_a_pair_costs_what_listings_that_sell_two_ask(api: Api, history: History) -> None:
    (pair,) = api.call("pair_get_in", event_id=HAND_MADE)
    captured_at = pair.pop("captured_at")
    assert pair == {
        "pair_get_in": 30,
        "all_in_pair_get_in": 36.5,
        "get_in": 20,
        "all_in_get_in": 36.5,
        "pair_listings": 2,
        "listings": 10,
    }
    assert datetime.fromisoformat(captured_at) == history.to_at - timedelta(minutes=20)
    (live,) = api.rows("/event_live", {"event_id": f"eq.{history.event_ids[0]}"})
    (pair,) = api.call("pair_get_in", event_id=history.event_ids[0])
    assert (pair["pair_get_in"], pair["get_in"]) == (live["pair_get_in"], live["get_in"])
    assert api.call("pair_get_in", event_id=NEVER_CAPTURED) == []


@pytest.mark.parametrize("function", ["price_distribution", "cheapest_by_zone"])
def test_before_the_first_capture_there_is_nothing(api: Api, function: str) -> None:
    assert api.call(function, event_id=HAND_MADE, at="2020-01-01T00:00:00Z") == []
