"""The form of an answer is PostgREST's: ranges and counts, CSV, one object, what is accepted.

Expected is what PostgREST's documentation says ("Pagination and Count", "Resource Representation", "Errors") and what
its tests hold: test/spec/Feature/Query/RangeSpec.hs, SingularSpec.hs, QuerySpec.hs; the statuses are those of
src/PostgREST/RangeQuery.hs and Error.hs.
"""

from __future__ import annotations

import csv
import io
from typing import Any

import psycopg
import pytest

from tests.integration.api.conftest import HAND_MADE, History
from tests.integration.api.serving import Api

pytestmark = pytest.mark.usefixtures("history")

_EVENTS = 8
"""All there are."""
_BINS = "/rpc/price_distribution"
"""A function that answers with as many rows as it is asked for, whatever the market did."""
_THREE_BINS: dict[str, Any] = {"event_id": HAND_MADE, "bins": 3}
_OBJECT = {"Accept": "application/vnd.pgrst.object+json"}


@pytest.mark.parametrize("count", [None, "exact", "estimated"])
@pytest.mark.parametrize(
    ("path", "params", "ranges", "shown"),
    [
        ("/events", {}, None, "0-7"),
        ("/events", {"limit": 3}, None, "0-2"),
        ("/events", {"limit": 3, "offset": 2}, None, "2-4"),
        ("/events", {"offset": 6}, None, "6-7"),
        ("/events", {"limit": 100}, None, "0-7"),
        ("/events", {"offset": -4}, None, "0-7"),
        ("/events", {}, "2-3", "2-3"),
        ("/events", {}, "6-100", "6-7"),
        ("/events", {}, "5-", "5-7"),
        ("/events", {"limit": 3}, "0-1", "0-1"),
        (_BINS, _THREE_BINS, None, "0-2"),
        (_BINS, {**_THREE_BINS, "limit": 1, "offset": 1}, None, "1-1"),
        (_BINS, _THREE_BINS, "1-9", "1-2"),
    ],
)
def test_a_range_says_what_it_is_of(
    api: Api, path: str, params: dict[str, Any], ranges: str | None, shown: str, *, count: str | None
) -> None:
    headers = {**({"Prefer": f"count={count}"} if count else {}), **({"Range": ranges} if ranges else {})}
    total, key = (_EVENTS, "event_id") if path == "/events" else (3, "bin")
    everything = api.rows(path, {**(_THREE_BINS if path == _BINS else {}), "select": key, "order": key})
    first, last = map(int, shown.split("-"))
    for method in ("GET", "HEAD"):
        query = {"select": key, "order": key, **params}
        answer = api.ask(path, query, method=method, headers=headers)
        assert answer.headers["content-range"] == f"{shown}/{total if count else '*'}"
        assert answer.status_code == (206 if count and last - first + 1 < total else 200)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert answer.headers.get("preference-applied") == (f"count={count}" if count else None)
        if method == "GET":
            assert answer.json() == everything[first : last + 1]
        else:
            assert answer.content == b""


@pytest.mark.parametrize("count", ["exact", "estimated"])
@pytest.mark.parametrize(("path", "params", "total"), [("/events", {}, _EVENTS), (_BINS, _THREE_BINS, 3)])
def test_an_offset_behind_the_last_row(api: Api, path: str, params: dict[str, Any], total: int, count: str) -> None:
    counted = api.ask(path, {**params, "offset": 100}, headers={"Prefer": f"count={count}"})
    assert (counted.status_code, counted.headers["content-range"]) == (416, f"*/{total}")
    assert counted.json()["code"] == "PGRST103"
    assert counted.json()["details"] == f"An offset of 100 was requested, but there are only {total} rows."
    uncounted = api.ask(path, {**params, "offset": 100})
    assert (uncounted.status_code, uncounted.headers["content-range"], uncounted.json()) == (200, "*/*", [])


def test_ranges_that_are_empty_or_none(api: Api) -> None:
    for params, headers, status, content_range in (
        ({"event_id": "eq.-1"}, {}, 200, "*/*"),
        ({"event_id": "eq.-1"}, {"Prefer": "count=exact"}, 200, "*/0"),
        ({"event_id": "eq.-1"}, {"Range": "0-1"}, 200, "*/*"),
        ({"limit": 0}, {}, 200, "*/*"),
    ):
        answer = api.ask("/events", params, headers=headers)
        assert (answer.status_code, answer.headers["content-range"]) == (status, content_range), params
        assert answer.json() == []
    for params, headers in (({}, {"Range": "3-1"}), ({"limit": -1}, {})):
        answer = api.ask("/events", params, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (416, "PGRST103"), answer.text


@pytest.mark.parametrize("view", ["events", "aggregated_analytics"])
def test_a_planned_count_is_the_planners(api: Api, history: History, view: str) -> None:
    """It knows nothing of limit and offset."""
    before = _planned_rows(history, view)
    answer = api.ask(f"/{view}", {"limit": 2, "select": "event_id"}, headers={"Prefer": "count=planned"})
    shown, planned = answer.headers["content-range"].split("/")
    assert (answer.status_code, shown) == (206, "0-1")
    # Autovacuum may look at the tables meanwhile.
    assert int(planned) in {before, _planned_rows(history, view)}


def _planned_rows(history: History, view: str) -> int:
    with psycopg.connect(history.database_url) as connection:
        [[plan]] = connection.execute(f"explain (format json) select event_id from public.{view}".encode()).fetchall()
    rows: int = plan[0]["Plan"]["Plan Rows"]
    return rows


def test_csv(api: Api, history: History) -> None:
    select = "event_id,event_name,address,capacity,venue_name"
    query = {"select": select, "order": "event_id"}
    answer = api.ask("/events", query, headers={"Accept": "text/csv"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-range"] == "0-7/*"
    header, *lines = csv.reader(io.StringIO(answer.text))
    assert header == select.split(",")
    rows = api.rows("/events", query)
    assert lines == [["" if row[name] is None else str(row[name]) for name in header] for row in rows]
    assert '77,"100% Ünïque_Event",,,' in answer.text
    assert not answer.text.endswith("\n")

    quoted = api.ask(
        "/events",
        {"select": "performers(performer_name)", "event_id": f"eq.{history.event_ids[0]}"},
        headers={"Accept": "text/csv"},
    )
    assert '""performer_name""' in quoted.text
    called = api.ask(_BINS, {**_THREE_BINS, "select": "bin", "order": "bin"}, headers={"Accept": "text/csv"})
    assert called.text.splitlines() == ["bin", "1", "2", "3"]


@pytest.mark.parametrize("accept", ["application/vnd.pgrst.object+json", "application/vnd.pgrst.object"])
def test_one_object(api: Api, accept: str) -> None:
    headers = {"Accept": accept}
    one = api.ask("/events", {"event_id": f"eq.{HAND_MADE}", "select": "event_id"}, headers=headers)
    assert (one.status_code, one.json()) == (200, {"event_id": HAND_MADE})
    assert one.headers["content-type"] == "application/vnd.pgrst.object+json; charset=utf-8"
    called = api.ask("/rpc/pair_get_in", {"event_id": HAND_MADE, "select": "listings"}, headers=headers)
    assert called.json() == {"listings": 10}
    posted = api.ask("/rpc/pair_get_in", method="POST", body={"event_id": HAND_MADE}, headers=headers)
    assert posted.json()["listings"] == 10


@pytest.mark.parametrize(
    ("path", "params", "rows"),
    [
        ("/events", {"event_id": "eq.-1"}, 0),
        ("/events", {"select": "event_id"}, _EVENTS),
        (_BINS, _THREE_BINS, 3),
        ("/rpc/pair_get_in", {"event_id": "78"}, 0),
    ],
)
def test_one_object_of_none_or_many_is_refused(api: Api, path: str, params: dict[str, Any], rows: int) -> None:
    answer = api.ask(path, params, headers=_OBJECT)
    assert (answer.status_code, answer.json()["code"]) == (406, "PGRST116"), answer.text
    assert answer.json()["details"] == f"The result contains {rows} rows"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("application/json;charset=utf-8", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("image/png, text/csv", "text/csv"),
    ],
)
def test_the_best_of_what_is_accepted(api: Api, accept: str, content_type: str) -> None:
    for path, params in (("/events", {"limit": 1}), ("/rpc/pair_get_in", {"event_id": HAND_MADE})):
        answer = api.ask(path, params, headers={"Accept": accept})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == f"{content_type}; charset=utf-8"


@pytest.mark.parametrize(
    "accept",
    ["text/html", "application/xml", "image/png, text/plain", "application/octet-stream", "application/geo+json"],
)
@pytest.mark.parametrize("path", ["/events", "/rpc/top_movers"])
def test_a_type_that_is_not_served_is_not_acceptable(api: Api, path: str, accept: str) -> None:
    answer = api.ask(path, headers={"Accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (406, "PGRST107"), answer.text
    assert answer.json()["message"] == f"None of these media types are available: {accept}"


def test_nulls_are_left_out_where_that_is_asked(api: Api) -> None:
    params: dict[str, Any] = {"select": "event_id,event_name,starts_at", "event_id": "eq.78"}
    for accept, expected in (
        ("application/vnd.pgrst.array+json;nulls=stripped", [{"event_id": 78}]),
        ("application/vnd.pgrst.object+json;nulls=stripped", {"event_id": 78}),
    ):
        assert api.ask("/events", params, headers={"Accept": accept}).json() == expected


def test_preferences_that_there_are_not(api: Api) -> None:
    lenient = api.ask("/events", {"limit": 1}, headers={"Prefer": "nothing=1"})
    assert lenient.status_code == 200
    strict = api.ask("/events", {"limit": 1}, headers={"Prefer": "handling=strict, nothing=1"})
    assert (strict.status_code, strict.json()["code"]) == (400, "PGRST122")
