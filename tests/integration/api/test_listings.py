"""Listings and their history, for those who are logged in: every value as raw has it, the past as well as now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import HAND_MADE, History
from tests.integration.api.serving import Api

pytestmark = pytest.mark.usefixtures("history")

_AS_THE_API_SAYS_IT = """
    source_listing_id, zone_id, section_id, section, seat_row, seat_low, seat_high, delivery, notes, quantity, splits,
    2 = any(splits) as can_be_pair, (face_value_cents / 100.0)::numeric(12, 2) as face_value,
    (price_cents / 100.0)::numeric(12, 2) as price, (all_in_cents / 100.0)::numeric(12, 2) as all_in_price, captured_at
"""
USERS = ("authenticated", "service_role")


@pytest.mark.parametrize("role", USERS)
def test_any_past_book_is_raws(api: Api, history: History, role: str) -> None:
    event_id = history.event_ids[1]
    for hours in (0, 3.5, 29):
        at = (history.to_at - timedelta(hours=hours)).isoformat()
        expected = history.truth(f"select {_AS_THE_API_SAYS_IT} from raw.listings_at(%s, %s)", event_id, at)
        assert len(expected) > 50
        assert api.call("listings_at", role=role, event_id=event_id, at=at) == expected


def test_a_book_is_read_page_by_page(api: Api, history: History) -> None:
    event_id, at = history.event_ids[1], history.to_at.isoformat()
    whole = api.call("listings_at", role="authenticated", event_id=event_id, at=at)
    paged: list[dict[str, Any]] = []
    while True:
        arguments = {"event_id": event_id, "at": at, "limit": 200}
        if paged:
            arguments["after_price"] = paged[-1]["price"]
            arguments["after_source_listing_id"] = paged[-1]["source_listing_id"]
        page = api.rows("/rpc/listings_at", arguments, role="authenticated")
        if not page:
            break
        paged += page
    assert len(whole) > 200
    assert paged == whole


def test_before_the_first_capture_there_is_no_book(api: Api) -> None:
    assert api.call("listings_at", role="authenticated", event_id=HAND_MADE, at="2020-01-01T00:00:00Z") == []


@pytest.mark.parametrize("role", USERS)
def test_live_listings_are_the_newest_books(api: Api, history: History, role: str) -> None:
    rows = api.rows("/listings_live", {"event_id": f"eq.{HAND_MADE}", "order": "price,source_listing_id"}, role=role)
    expected = history.truth(f"select {_AS_THE_API_SAYS_IT} from raw.listings_at(%s, 'infinity')", HAND_MADE)
    assert [{name: value for name, value in row.items() if name != "event_id"} for row in rows] == expected
    cheap = api.rows(
        "/listings_live", {"price": "lt.60", "select": "event_id,price", "can_be_pair": "is.true"}, role=role
    )
    assert cheap
    assert all(row["price"] < 60 for row in cheap)


@pytest.mark.parametrize("role", USERS)
def test_the_history_of_listings_is_the_marts_with_names(api: Api, history: History, role: str) -> None:
    event_id = history.event_ids[0]
    asked = {"event_id": f"eq.{event_id}", "ended_as": "eq.sold_est", "order": "gone_at.desc,source_listing_id"}
    rows = api.rows("/listing_history", {**asked, "limit": 50}, role=role)
    expected = history.truth(
        """
        select
            l.*, e.event_name, e.starts_at,
            (
                select z ->> 'name' from raw.seating as s, jsonb_array_elements(s.document -> 'zones') as z
                where s.event_id = l.event_id and z ->> 'id' = l.zone_id order by s.observed_at desc limit 1
            ) as zone_name
        from marts.listing_lifecycle as l inner join public.events as e on l.event_id = e.event_id
        where l.event_id = %s and ended_as = 'sold_est' order by gone_at desc, source_listing_id limit 50
        """,
        event_id,
    )
    assert rows == expected
    assert len(rows) > 10
    assert all(row["zone_name"] and row["event_name"] for row in rows)


def test_what_went_lately_is_read_page_by_page_over_all_events(api: Api, history: History) -> None:
    since = (history.to_at - timedelta(hours=6)).isoformat()
    gone: list[dict[str, Any]] = []
    while True:
        params = {"gone_at": f"gte.{since}", "order": "gone_at,event_id,source_listing_id", "limit": 25}
        if gone:
            at, event_id, listing_id = (gone[-1][key] for key in ("gone_at", "event_id", "source_listing_id"))
            same_event = f"and(event_id.eq.{event_id},source_listing_id.gt.{listing_id})"
            same_instant = f"and(gone_at.eq.{at},or(event_id.gt.{event_id},{same_event}))"
            params["or"] = f"(gone_at.gt.{at},{same_instant})"
        page = api.rows("/listing_history", params, role="authenticated")
        if not page:
            break
        gone += page
    (count,) = history.truth("select count(*) from marts.listing_lifecycle where gone_at >= %s", since)
    keys = [(row["event_id"], row["source_listing_id"]) for row in gone]
    assert len(set(keys)) == len(keys) == count["count"] > 50


def test_what_changed_is_told_with_the_values_before(api: Api, history: History) -> None:
    since = (history.to_at - timedelta(minutes=30)).isoformat()
    rows = api.call("market_changes", role="authenticated", event_id=HAND_MADE, since=since)
    names = ("change", "source_listing_id", "quantity", "previous_quantity", "price", "previous_price")
    told = [tuple(row[name] for name in names) for row in rows]
    assert told == [("gone", "VB1", 0, 1, None, 10), ("changed", "VB5", 5, 5, 45, 50)]
    assert {datetime.fromisoformat(row["captured_at"]) for row in rows} == {history.to_at - timedelta(minutes=20)}


def test_the_feed_of_an_event_is_its_changes_whatever_the_pages(api: Api, history: History) -> None:
    event_id = history.event_ids[2]
    since = history.from_at + timedelta(hours=1)
    expected = history.truth(
        """
        select captured_at, change, source_listing_id, (price_cents / 100.0)::numeric(12, 2) as price
        from raw.listing_changes(%s, %s, 'infinity')
        """,
        event_id,
        since,
    )
    for max_changes in (7, 1000):
        arguments: dict[str, Any] = {"event_id": event_id, "since": since.isoformat(), "max_changes": max_changes}
        rows: list[dict[str, Any]] = []
        while page := api.rows("/rpc/market_changes", arguments, role="authenticated"):
            assert len(page) <= max_changes
            rows += page
            arguments["after_cursor"] = page[-1]["cursor"]
        told = [{name: row[name] for name in expected[0]} for row in rows if row["change"] != "none"]
        assert sorted(told, key=str) == sorted(expected, key=str)
        assert [row["captured_at"] for row in rows] == sorted(row["captured_at"] for row in rows)
        assert len({row["cursor"] for row in rows}) == len(rows)
