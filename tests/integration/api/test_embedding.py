"""Events beside what is measured of them, and performers beside events: PostgREST's resource embedding.

Expected is what PostgREST says of it: its documentation ("Resource Embedding", "Computed Relationships") and its tests
(test/spec/Feature/Query/ComputedRelsSpec.hs, EmbedInnerJoinSpec.hs, RelatedQueriesSpec.hs).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.conftest import HAND_MADE, NEVER_CAPTURED, History
from tests.integration.api.serving import Api, Row

pytestmark = pytest.mark.usefixtures("history")

_VIEWS = {
    "aggregated_analytics": "anon",
    "daily_analytics": "anon",
    "zone_analytics": "anon",
    "section_analytics": "anon",
    "event_live": "anon",
    "listings_live": "authenticated",
    "pipeline_health": "service_role",
}
"""Every view of events, and somebody who reads it."""
_COLUMNS = ("event_name", "venue_name", "country_code", "capacity", "latitude", "is_tracked", "starts_at")


@pytest.mark.parametrize("view", _VIEWS)
def test_every_row_has_its_event(api: Api, view: str) -> None:
    role = _VIEWS[view]
    events = {row.pop("event_id"): row for row in api.rows("/events", {"select": f"event_id,{','.join(_COLUMNS)}"})}
    rows = api.rows(f"/{view}", {"select": f"event_id,events({','.join(_COLUMNS)})", "order": "event_id"}, role=role)
    assert len({row["event_id"] for row in rows}) > 2
    assert [row["events"] for row in rows] == [events[row["event_id"]] for row in rows]


@pytest.mark.parametrize("view", _VIEWS)
def test_a_filter_on_the_event_leaves_rows_or_with_inner_drops_them(api: Api, history: History, view: str) -> None:
    # The first of them, whose rows are all within the first 1,000.
    event_id = min(history.event_ids)
    role, name = _VIEWS[view], _name_of(api, event_id)
    condition = {"events.event_name": f"eq.{name}", "order": "event_id"}
    everything = api.rows(f"/{view}", {"select": "event_id", "order": "event_id"}, role=role)

    left = api.rows(f"/{view}", {"select": "event_id,events(event_name)", **condition}, role=role)
    assert [row["event_id"] for row in left] == [row["event_id"] for row in everything]
    for row in left:
        assert row["events"] == ({"event_name": name} if row["event_id"] == event_id else None)

    inner = api.rows(f"/{view}", {"select": "event_id,events!inner(event_name)", **condition}, role=role)
    assert inner == [row for row in left if row["events"] is not None] != []


def test_filters_counts_and_aliases_reach_through(api: Api, history: History) -> None:
    truth = history.truth(
        "select count(*) as n from public.aggregated_analytics join public.events using (event_id)"
        " where country_code = 'US' and capacity > 100"
    )[0]["n"]
    select = {"select": "event_id,event:events!inner(name:event_name,event_id::text)", "limit": 1}
    for condition in (
        {"event.country_code": "eq.US", "event.capacity": "gt.100"},
        {"events.country_code": "eq.US", "events.and": "(capacity.gt.100,capacity.not.is.null)"},
        {"event.or": "(and(country_code.eq.US,capacity.gt.100),event_id.eq.0)"},
    ):
        answer = api.ask("/aggregated_analytics", {**select, **condition}, headers={"Prefer": "count=exact"})
        assert (answer.status_code, answer.headers["content-range"]) == (206, f"0-0/{truth}"), answer.text
        [row] = answer.json()
        assert row["event"] == {"name": _name_of(api, row["event_id"]), "event_id": str(row["event_id"])}


def test_whether_there_is_an_event_can_be_asked(api: Api) -> None:
    condition = {"select": "event_id,events()", "events.event_id": f"eq.{HAND_MADE}", "order": "event_id"}
    there = api.rows("/daily_analytics", {**condition, "events": "not.is.null"})
    elsewhere = api.rows("/daily_analytics", {**condition, "events": "is.null"})
    assert {row["event_id"] for row in there} == {HAND_MADE}
    assert HAND_MADE not in {row["event_id"] for row in elsewhere}
    assert [*there[0]] == ["event_id"]


def test_an_event_has_its_performers(api: Api, history: History) -> None:
    truth: dict[int, list[Row]] = {}
    for row in history.truth("select event_id, performer_name from marts.event_performers join marts.dim_performers"
                             " using (performer_id) order by performer_name desc"):  # fmt: skip
        truth.setdefault(row["event_id"], []).append({"performer_name": row["performer_name"]})
    assert set(truth) == set(history.event_ids)
    rows = api.rows(
        "/events", {"select": "event_id,performers(performer_name)", "performers.order": "performer_name.desc"}
    )
    assert {row["event_id"]: row["performers"] for row in rows if row["performers"]} == truth
    assert {row["event_id"] for row in rows if row["performers"] == []} > {HAND_MADE, NEVER_CAPTURED}

    event_id, performers = next(iter(truth.items()))
    name = performers[0]["performer_name"]
    inner = {"select": "event_id,performers!inner(performer_name)", "performers.performer_name": f"eq.{name}"}
    assert api.rows("/events", inner) == [{"event_id": event_id, "performers": [{"performer_name": name}]}]
    nested = {"select": "events(performers(performer_name))", "event_id": f"eq.{event_id}", "limit": 1}
    [row] = api.rows("/event_live", {**nested, "events.performers.order": "performer_name.desc"})
    assert row == {"events": {"performers": performers}}
    limited = {"select": "performers(performer_name)", "performers.limit": 1, "event_id": f"eq.{event_id}"}
    assert len(api.rows("/events", limited)[0]["performers"]) == 1


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("/performers", {"select": "performer_id,events(event_id)"}, 400, "PGRST200"),
        ("/events", {"select": "event_id,aggregated_analytics(hour)"}, 400, "PGRST200"),
        ("/event_live", {"select": "event_id,nothing(hour)"}, 400, "PGRST200"),
        ("/rpc/top_movers", {"select": "event_id,events(event_name)"}, 400, "PGRST200"),
        ("/rpc/top_movers", {"select": "event_id,e:events!inner(event_name)"}, 400, "PGRST200"),
        ("/event_live", {"select": "event_id,events(nothing)"}, 400, "42703"),
        ("/event_live", {"select": "event_id", "events.country_code": "eq.US"}, 400, "PGRST108"),
        ("/listings_live", {"select": "event_id,events(event_id)"}, 401, "42501"),
        ("/pipeline_health", {"select": "event_id,events(event_id)"}, 401, "42501"),
    ],
)
def test_what_is_not_embedded_is_refused(api: Api, path: str, params: dict[str, Any], status: int, code: str) -> None:
    answer = api.ask(path, params)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def _name_of(api: Api, event_id: int) -> str:
    name: str = api.rows("/events", {"select": "event_name", "event_id": f"eq.{event_id}"})[0]["event_name"]
    return name
