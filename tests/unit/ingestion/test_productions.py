"""Production objects: what is kept of them, when the event starts, and what is no production."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.failures import CaptureError, FailureKind
from ingestion.wire_format.productions import MOVING_KEYS, parse_production, starts_at
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
