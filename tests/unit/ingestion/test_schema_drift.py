"""Keys that are not known: found wherever they are, never fatal, and none of them in what is sent today."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.wire_format.listings import parse_listings
from sandbox.book import book_at
from sandbox.catalogue import featured_events
from sandbox.listings_body import listings_body as sandbox_body
from sandbox.randomness import DEFAULT_SEED
from tests.real_captures import real_capture
from tests.unit.ingestion.bodies import EVENT_ID, changed, encoded, listings_body, ticket, tickets

GOOD = listings_body()


def found(body: bytes) -> list[tuple[str, str, str]]:
    return [(unknown.place, unknown.key, unknown.example) for unknown in parse_listings(EVENT_ID, body).unknown_keys]


def test_a_captured_body_has_none() -> None:
    captured = json.loads(real_capture(f"listings_{EVENT_ID}_excerpt.json").read_bytes())
    about = captured["global"][0] | {"listingCount": str(len(captured["tickets"]))}
    assert found(encoded(captured | {"global": [about]})) == []


def test_the_sandboxs_bodies_have_none() -> None:
    at = datetime.now(UTC)
    for event in featured_events(at, 4):
        body = sandbox_body(event, book_at(DEFAULT_SEED, event, at), at)
        assert parse_listings(event.event_id, body).unknown_keys == []


def test_long_keys_of_older_bodies_are_known() -> None:
    listed = {"listingId": 1, "id": 1, "sectionName": "A", "row": "3", "quantity": 2, "p": 99.5, "tags": []}
    assert found(listings_body([listed])) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (changed(GOOD, alerts=[{"a": 1}]), ("body", "alerts", '[{"a":1}]')),
        (listings_body(mood="good"), ("global[0]", "mood", '"good"')),
        (listings_body([ticket(), ticket(i="b", foo={"x": [1]})]), ("tickets[]", "foo", '{"x":[1]}')),
        (listings_body([ticket(), ticket(i="b", p="NaN", foo=1)]), ("tickets[]", "foo", "1")),
        (changed(GOOD, groups=[{"i": "1", "vip": None}]), ("groups[]", "vip", "null")),
        (changed(GOOD, sections=[{"i": "1"}, {"i": "2", "level": 3}]), ("sections[]", "level", "3")),
        (changed(GOOD, i18n={"to": "USD", "tax": 0.5}), ("i18n", "tax", "0.5")),
    ],
)
def test_a_key_that_nobody_knows(body: bytes, expected: tuple[str, str, str]) -> None:
    assert found(body) == [expected]


def test_it_says_where_and_shows_a_value() -> None:
    (unknown,) = parse_listings(EVENT_ID, listings_body([ticket(foo="bar")])).unknown_keys
    assert str(unknown) == 'the marketplace sends a key we do not know: tickets[].foo (example "bar")'


def test_the_rest_of_the_body_is_read_as_ever() -> None:
    strange = changed(listings_body([t | {"foo": 1} for t in tickets(3)], mood="good"), alerts=[])
    parsed, plain = parse_listings(EVENT_ID, strange), parse_listings(EVENT_ID, listings_body(tickets(3)))
    assert parsed.book.content_hash == plain.book.content_hash
    assert (parsed.seating, parsed.rejected) == (plain.seating, [])


@pytest.mark.parametrize("not_an_object", [None, "sold", 3, [1]])
def test_what_is_no_object_has_no_keys(not_an_object: Any) -> None:
    assert found(listings_body([ticket(), not_an_object])) == []


def test_each_key_is_reported_once_of_a_body() -> None:
    assert [key for _, key, _ in found(listings_body([t | {"foo": t["i"]} for t in tickets(40)]))] == ["foo"]


def lengthened(ticket_count: int, marked: int) -> Iterator[bytes]:
    """Bodies of one book, each a byte longer, in which one ticket has a key that is not known."""
    listed = tickets(ticket_count)
    listed[marked]["foo"] = 1
    for length in range(ticket_count):
        yield listings_body(listed, productionName="x" * length)


@pytest.mark.parametrize("marked", [0, 37, 99])
def test_a_key_of_one_ticket_in_a_hundred_is_found_in_time(marked: int) -> None:
    assert 0 < sum(bool(found(body)) for body in lengthened(100, marked)) < 50


def test_nul_and_length_are_no_trouble() -> None:
    (unknown,) = parse_listings(EVENT_ID, listings_body([ticket(**{"a\x00" + "b" * 300: "é" * 300})])).unknown_keys
    assert unknown.key == "a" + "b" * 98
    assert len(unknown.example) <= 200


def test_a_body_full_of_them_does_not_fill_the_table() -> None:
    assert len(found(listings_body([ticket(**{f"k{n}": n for n in range(1000)})]))) == 100
