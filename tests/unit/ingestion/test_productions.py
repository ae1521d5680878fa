"""Production objects: what is kept of them, when the event starts, and what is no production."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ingestion.failures import CaptureError, FailureKind
from ingestion.wire_format.productions import (
    MOVING_KEYS,
    FoundProduction,
    ProductionsPage,
    is_hidden,
    local_day,
    parse_production,
    parse_productions_page,
    starts_at,
)
from tests.real_captures import real_capture

PRODUCTION = {
    "id": 7,
    "name": "Final",
    "utcDate": "2024-05-26T00:30:00Z",
    "localDate": "2024-05-25T20:30:00-04:00[America/Indiana/Indianapolis]",
    "venue": {"id": 9847, "name": "Fieldhouse", "productionCount": 68},
    "minPrice": 97,
    "performers": [{"id": 105, "name": "Celtics", "revenueRank": 6679, "category": {"id": 3, "productionCount": 9}}],
}


def parse(value: Any, event_id: int = 7) -> Any:
    return parse_production(event_id, json.dumps(value).encode())


def test_moving_keys_are_left_out_at_any_depth() -> None:
    assert parse(PRODUCTION) == {
        "id": 7,
        "name": "Final",
        "utcDate": "2024-05-26T00:30:00Z",
        "localDate": "2024-05-25T20:30:00-04:00[America/Indiana/Indianapolis]",
        "venue": {"id": 9847, "name": "Fieldhouse"},
        "performers": [{"id": 105, "name": "Celtics", "category": {"id": 3}}],
    }


@pytest.mark.parametrize("event_id", [7, "7"])
def test_an_object_and_an_array_of_one(event_id: Any) -> None:
    assert parse([{"id": event_id}]) == parse({"id": event_id}) == {"id": event_id}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, datetime(2024, 5, 26, 0, 30, tzinfo=UTC)),
        ({"utcDate": "2024-05-25T20:30:00-04:00"}, datetime(2024, 5, 26, 0, 30, tzinfo=UTC)),
        ({"utcDate": "2024-05-26T00:30:00"}, datetime(2024, 5, 26, 0, 30, tzinfo=UTC)),
        ({"dateTbd": False}, datetime(2024, 5, 26, 0, 30, tzinfo=UTC)),
        ({"localDate": None}, datetime(2024, 5, 26, 0, 30, tzinfo=UTC)),
        ({"dateTbd": True}, None),
        ({"dateTbd": "true"}, None),
        ({"utcDate": None}, None),
        ({"utcDate": ""}, None),
        ({"utcDate": "soon"}, None),
        ({"utcDate": 1716683400}, None),
        ({"utcDate": "9999-12-31T23:59:59-05:00"}, None),
    ],
)
def test_the_start(keys: dict[str, Any], expected: datetime | None) -> None:
    assert starts_at(PRODUCTION | keys) == expected


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FailureKind.BAD_PAYLOAD),
        (b"<html>", FailureKind.BAD_PAYLOAD),
        (b"[" * 5000, FailureKind.BAD_PAYLOAD),
        (b"[]", FailureKind.BAD_PAYLOAD),
        (b'[{"id":7},{"id":7}]', FailureKind.BAD_PAYLOAD),
        (b'{"name":"Final"}', FailureKind.BAD_PAYLOAD),
        (b"7", FailureKind.BAD_PAYLOAD),
        (b'{"id":8}', FailureKind.WRONG_PRODUCTION),
    ],
)
def test_what_is_no_production_or_another_one(body: bytes, kind: FailureKind) -> None:
    with pytest.raises(CaptureError) as raised:
        parse_production(7, body)
    assert (raised.value.kind, raised.value.body) == (kind, body)


@pytest.mark.parametrize(("page", "total", "pages"), [(2, 31, 4), ("2", "31", "4"), (2.0, 31, 4)])
def test_a_page_says_which_it_is_and_has_listing_counts_beside_the_documents(page: Any, total: Any, pages: Any) -> None:
    items = [
        {"id": 7, "listingCount": 5, "minPrice": 1},
        {"id": "8", "listingCount": "6"},
        {"id": 9, "listingCount": ""},
    ]
    body = json.dumps({"page": page, "total": total, "numberOfPages": pages, "items": items}).encode()
    found = [FoundProduction(7, {"id": 7}, 5), FoundProduction(8, {"id": "8"}, 6), FoundProduction(9, {"id": 9}, None)]
    assert parse_productions_page(body) == ProductionsPage(2, 4, 31, found)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"page":1,"numberOfPages":1,"total":0}',
        b'{"page":null,"numberOfPages":1,"total":0,"items":[]}',
        b'{"page":1,"numberOfPages":"all","total":0,"items":[]}',
        b'{"page":1,"numberOfPages":1,"total":1,"items":[7]}',
        b'{"page":1,"numberOfPages":1,"total":1,"items":[{"id":"x"}]}',
        b'{"page":1,"numberOfPages":1,"total":1,"items":[{"id":0}]}',
        b'{"page":1,"numberOfPages":1,"total":1,"items":[{"id":1e30}]}',
    ],
)
def test_what_is_no_page(body: bytes) -> None:
    with pytest.raises(CaptureError) as raised:
        parse_productions_page(body)
    assert (raised.value.kind, raised.value.body) == (FailureKind.BAD_PAYLOAD, body)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, date(2024, 5, 25)),
        ({"localDate": None}, date(2024, 5, 26)),
        ({"localDate": "soon"}, date(2024, 5, 26)),
        ({"dateTbd": True}, None),
    ],
)
def test_the_day_at_the_venue(keys: dict[str, Any], expected: date | None) -> None:
    assert local_day(PRODUCTION | keys) == expected


@pytest.mark.parametrize(
    ("said", "expected"), [(True, True), ("true", True), (False, False), (None, False), ("", False)]
)
def test_hidden(said: Any, expected: bool) -> None:
    assert is_hidden({"hidden": said}) is expected


def test_nul_is_left_out() -> None:
    assert parse({"id": 7, "performers": [{"name": "A\x00B"}]}) == {"id": 7, "performers": [{"name": "AB"}]}


def test_the_real_one() -> None:
    body = real_capture("production_4833304.json").read_bytes()
    document = parse_production(4833304, body)
    assert document["name"] == "Boston Celtics at Indiana Pacers (Game 3, Indiana Home Game 1)"
    assert document["venue"]["timezone"] == "America/Indiana/Indianapolis"
    assert [performer["nickname"] for performer in document["performers"]] == ["Celtics", "Pacers"]
    assert starts_at(document) == datetime(2024, 5, 26, 0, 30, tzinfo=UTC)
    assert not any(f'"{key}"' in json.dumps(document) for key in MOVING_KEYS)
