"""The server over real HTTP: wire format, conditional requests, paging, and what it says of bad questions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.catalogue import featured_events, listed_events
from sandbox.server import API, create_app
from tests.unit.sandbox.serving import AT, NOW, SEED, serving


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving(create_app(seed=SEED)) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def event_id() -> int:
    return featured_events(NOW, 24, SEED)[3].event_id


def search(client: httpx.Client, **parameters: str | int) -> dict[str, Any]:
    response = client.get(f"{API}/productions", params={"at": AT, **parameters})
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    assert list(page) == ["page", "total", "numberOfPages", "items", "i18n"]
    return page


def test_listings_answer_the_site_s_own_question(client: httpx.Client, event_id: int):
    extra = {"includeIpAddress": "true", "currency": "USD", "localizeCurrency": "true", "priceGroupId": "21"}
    response = client.get(f"{API}/listings", params={"productionId": event_id, "at": AT, **extra})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public,max-age=15"
    assert response.json()["global"][0]["productionId"] == str(event_id)


def test_now_is_asked_unless_an_instant_is_given(client: httpx.Client):
    now = featured_events(datetime.now(UTC), 5, SEED)[2].event_id
    response = client.get(f"{API}/listings", params={"productionId": now})
    assert response.status_code == 200
    assert int(response.json()["global"][0]["listingCount"]) > 0


@pytest.mark.parametrize("path", [f"{API}/listings?productionId=%d&at={AT}", f"{API}/productions/%d?at={AT}"])
def test_a_known_body_is_not_sent_again(client: httpx.Client, event_id: int, path: str):
    url = path % event_id
    etag = client.get(url).headers["etag"]
    for condition in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = client.get(url, headers={"If-None-Match": condition})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == etag
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("at", ["2026-11-22T22:00:00", "2026-11-22T22:00:00+00:00", "2026-11-23T00:00:00+02:00"])
def test_instants_may_be_written_in_several_ways(client: httpx.Client, event_id: int, at: str):
    question = f"{API}/listings?productionId={event_id}&at="
    assert client.get(question + at).content == client.get(question + AT).content


@pytest.mark.parametrize(
    ("path", "parameters", "words"),
    [
        ("listings", {}, "productionId is missing"),
        ("listings", {"productionId": "abc"}, "productionId='abc' is wrong"),
        ("listings", {"productionId": "-5"}, "productionId='-5' is wrong"),
        ("listings", {"productionId": "9" * 5000}, "is wrong; give a whole number"),
        ("listings", {"productionId": "5046012", "currency": "CAD"}, "currency='CAD'"),
        ("listings", {"productionId": "5046012", "at": "yesterday"}, "at='yesterday' is no instant"),
        ("listings", {"productionId": "5046012", "at": "9999-12-31T23:59:59-10:00"}, "is no instant"),
        ("productions/5046012", {"at": "0001-01-01"}, "is no instant"),
        ("productions", {"categoryId": "sports"}, "categoryId='sports' is wrong"),
        ("productions", {"startDate": "22.11.2026"}, "startDate='22.11.2026' is no date"),
        ("productions", {"startDate": "2026-12-02", "endDate": "2026-12-01"}, "is before startDate"),
        ("productions", {"page": "0"}, "page='0' is wrong"),
        ("productions", {"pageSize": "501"}, "from 1 to 500"),
        ("productions", {"rows": "10", "limit": "20"}, "rows and limit disagree"),
        ("productions", {"sortBy": "PRICE"}, "sortBy='PRICE' is unknown"),
        ("productions", {"excludeParking": "yes"}, "excludeParking='yes' is wrong"),
    ],
)
def test_a_bad_parameter_is_named(client: httpx.Client, path: str, parameters: dict[str, str], words: str):
    response = client.get(f"{API}/{path}", params=parameters)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"
    assert words in response.json()["message"]


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/listings?productionId=1",
        f"{API}/listings?productionId=9007199254740991",
        f"{API}/productions/1",
        f"{API}/productions/words",
        "/anything",
    ],
)
def test_what_there_is_not_is_a_404_in_json(client: httpx.Client, path: str):
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["status"] == 404
    assert "etag" not in response.headers


def test_only_get_is_answered(client: httpx.Client):
    response = client.post(f"{API}/listings")
    assert response.status_code == 405
    assert "use GET" in response.json()["message"]


def test_pages_together_are_everything_once(client: httpx.Client):
    first = search(client, pageSize=400)
    pages = [first, *(search(client, pageSize=400, page=n) for n in range(2, first["numberOfPages"] + 1))]
    found = [item["id"] for page in pages for item in page["items"]]
    assert found == [event.event_id for event in listed_events(NOW, SEED)]
    assert [page["page"] for page in pages] == list(range(1, len(pages) + 1))
    assert {page["total"] for page in pages} == {len(found)}


@pytest.mark.parametrize(("size_name", "page_name"), [("pageSize", "page"), ("rows", "pageNumber"), ("limit", "page")])
def test_page_parameters_have_several_names(client: httpx.Client, size_name: str, page_name: str):
    page = search(client, **{size_name: 7, page_name: 3})
    assert (page["page"], len(page["items"])) == (3, 7)


def test_a_page_past_the_last_is_empty(client: httpx.Client):
    page = search(client, query="no such words anywhere")
    assert (page["total"], page["numberOfPages"], page["items"]) == (0, 0, [])
    assert search(client, page=10_000)["items"] == []


def test_searches_find_what_they_say(client: httpx.Client):
    item = search(client, limit=1, categoryId=3)["items"][0]
    performer, venue = item["performers"][0]["id"], item["venue"]["id"]
    for found in search(client, performerId=performer)["items"]:
        assert performer in [each["id"] for each in found["performers"]]
    assert {each["venue"]["id"] for each in search(client, venueId=venue)["items"]} == {venue}
    assert {each["categoryId"] for each in search(client, categoryId=3)["items"]} == {3}
    named = search(client, query=item["performers"][0]["name"].upper())["items"]
    assert item["id"] in [each["id"] for each in named]
    assert search(client, query="parking")["total"] > 20
    assert search(client, query="parking", excludeParking="true")["total"] == 0


def test_date_ranges_are_local_and_include_both_ends(client: httpx.Client):
    page = search(client, startDate="2026-12-04", endDate="2026-12-05", pageSize=100)
    dates = {item["localDate"][:10] for item in page["items"]}
    assert dates == {"2026-12-04", "2026-12-05"}
    assert page["total"] == len(page["items"])
    open_end = search(client, startDate="2026-12-04")
    assert open_end["total"] > 10 * page["total"]
    past = search(client, startDate="2026-11-10", endDate="2026-11-11")
    assert past["total"] > 0, "history can be asked for"


def test_rank_puts_the_largest_market_first(client: httpx.Client):
    item = search(client, sortBy="RANK", limit=1)["items"][0]
    assert item["id"] == max(listed_events(NOW, SEED), key=lambda event: event.peak_listings).event_id


def test_one_production_is_the_item_of_a_search(client: httpx.Client):
    item = search(client, limit=1, page=40)["items"][0]
    assert client.get(f"{API}/productions/{item['id']}", params={"at": AT}).json() == item


def test_featured_and_health(client: httpx.Client):
    featured = client.get("/sandbox/featured", params={"count": 24, "at": AT}).json()
    assert featured == {"event_ids": [event.event_id for event in featured_events(NOW, 24, SEED)]}
    assert client.get("/healthz").json() == {"status": "ok", "seed": SEED}
