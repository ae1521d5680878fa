"""The body of a listings answer: when it is trusted, what is left out of it, and every way in which it fails."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.answers import Answer, GoodCapture, read_answer
from ingestion.failures import CaptureError, FailureKind
from ingestion.wire_format.listings import ListingsBody, parse_listings
from tests.unit.ingestion.bodies import ABSENT, EVENT_ID, changed, encoded, listings_body, ticket, tickets

GOOD = listings_body()


def ids(parsed: ListingsBody) -> set[str]:
    return set(parsed.book.source_listing_id)


def test_a_good_body() -> None:
    parsed = parse_listings(EVENT_ID, listings_body([ticket(i="a", p="1"), ticket(i="b", p="2", s="Floor", m="2")]))
    assert ids(parsed) == {"a", "b"}
    assert parsed.rejected == []
    assert {placement.section for placement in parsed.placements.values()} == {"Promenade 316", "Floor"}
    assert set(parsed.placements) == set(parsed.book.placement_id)
    assert {terms.splits for terms in parsed.terms.values()} == {(1, 3), (2,)}
    assert set(parsed.terms) == set(parsed.book.terms_id)
    assert parsed.seating["venue"]["name"] == "Arthur Ashe Stadium"


def test_the_order_of_the_tickets_says_nothing() -> None:
    many = tickets(20)
    assert len({parse_listings(EVENT_ID, listings_body(t)).book.content_hash for t in (many, many[::-1])}) == 1


@pytest.mark.parametrize("count", ["2", 2, 2.0, "", None, ABSENT])
def test_the_count_may_come_in_any_form_or_not_at_all(count: Any) -> None:
    assert len(parse_listings(EVENT_ID, listings_body(listingCount=count)).book) == 2


@pytest.mark.parametrize("production_id", [EVENT_ID, str(EVENT_ID), "", None, ABSENT])
def test_the_production_may_come_in_any_form_or_not_at_all(production_id: Any) -> None:
    assert len(parse_listings(EVENT_ID, listings_body(productionId=production_id)).book) == 2


@pytest.mark.parametrize("key", ["groups", "sections", "i18n"])
@pytest.mark.parametrize("value", [ABSENT, None])
def test_what_goes_with_the_tickets_may_be_missing(key: str, value: Any) -> None:
    assert len(parse_listings(EVENT_ID, changed(GOOD, **{key: value})).book) == 2


def test_no_tickets_and_a_count_of_zero_are_an_empty_book() -> None:
    parsed = parse_listings(EVENT_ID, listings_body([]))
    assert (len(parsed.book), parsed.rejected) == (0, [])


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"", FailureKind.BAD_PAYLOAD, "no listings body"),
        (GOOD[:-1], FailureKind.BAD_PAYLOAD, "no listings body"),
        (GOOD.replace(b"Stadium", b"\xff"), FailureKind.BAD_PAYLOAD, "no listings body"),
        (b"[" * 100_000, FailureKind.BAD_PAYLOAD, "no listings body"),
        (b'{"badges":' + b"[" * 100_000, FailureKind.BAD_PAYLOAD, "no listings body"),
        (b'"text"', FailureKind.BAD_PAYLOAD, "no listings body"),
        (b"null", FailureKind.BAD_PAYLOAD, "no listings body"),
        (b"{}", FailureKind.EMPTY_UNEXPECTED, "the body has no global"),
        (changed(GOOD, **{"global": []}), FailureKind.BAD_PAYLOAD, "the body has no global"),
        (changed(GOOD, **{"global": {}}), FailureKind.BAD_PAYLOAD, "no listings body"),
        (changed(GOOD, **{"global": [], "tickets": []}), FailureKind.EMPTY_UNEXPECTED, "the body has no global"),
        (changed(GOOD, tickets=ABSENT), FailureKind.EMPTY_UNEXPECTED, "the body has no tickets"),
        (changed(GOOD, tickets={}), FailureKind.BAD_PAYLOAD, "no listings body"),
        (listings_body(mapTitle={"name": "x"}), FailureKind.BAD_PAYLOAD, "no listings body"),
        (listings_body(listingCount="many"), FailureKind.BAD_PAYLOAD, "listingCount: 'many' is no whole number"),
        (listings_body(event_id=7), FailureKind.WRONG_PRODUCTION, f"asked for event {EVENT_ID}, got 7"),
        (listings_body(listingCount="833"), FailureKind.COUNT_MISMATCH, "says 833, the body holds 2 tickets"),
        (listings_body(listingCount="0"), FailureKind.COUNT_MISMATCH, "says 0, the body holds 2 tickets"),
        (listings_body([], listingCount="833"), FailureKind.EMPTY_UNEXPECTED, "says 833, the body holds 0 tickets"),
        (listings_body([], listingCount=ABSENT), FailureKind.EMPTY_UNEXPECTED, "no tickets, and no listingCount"),
        (changed(GOOD, i18n={"to": "CAD"}), FailureKind.WRONG_CURRENCY, "converted to CAD, not USD"),
        (changed(GOOD, i18n={"applyCurrencyConversion": True}), FailureKind.WRONG_CURRENCY, "converted"),
        (changed(GOOD, i18n={"applyCurrencyConversion": "true"}), FailureKind.WRONG_CURRENCY, "converted"),
        (listings_body([{"id": "a"}, None]), FailureKind.BAD_PAYLOAD, "none of its 2 tickets can be read; .*no price"),
    ],
)
def test_a_body_that_cannot_be_trusted_is_kept_for_a_look(body: bytes, kind: FailureKind, message: str) -> None:
    with pytest.raises(CaptureError, match=message) as raised:
        parse_listings(EVENT_ID, body)
    assert raised.value.kind is kind
    assert raised.value.body == body


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (ticket(p="NaN"), "'NaN' is no price"),
        (ticket(p=10**400), "is no price"),
        (ticket(q="0"), "its quantity is 0"),
        (ticket(s={"label": "x"}), "got `object`"),
        (ticket(m=[1, 3]), "got `array`"),
        (None, "got `null`"),
        ("sold", "got `str`"),
        (ticket(i="VB1"), "listing id VB1 comes twice"),
    ],
)
def test_a_bad_ticket_is_left_out_and_the_rest_is_kept(bad: Any, reason: str) -> None:
    good = tickets(3)
    parsed = parse_listings(EVENT_ID, listings_body([*good[:2], bad, good[2]]))
    assert ids(parsed) == {"VB0", "VB1", "VB2"}
    (rejected,) = parsed.rejected
    assert rejected.position == 2
    assert reason in rejected.reason
    assert rejected.content == encoded(bad)


def test_nul_is_left_out_of_texts() -> None:
    listed = [ticket(i="V\x00B1", s="Pro\x00menade", n="\x00", ls="\x009")]
    parsed = parse_listings(EVENT_ID, listings_body(listed, mapTitle="Arthur\x00 Ashe"))
    assert (ids(parsed), list(parsed.book.seat_low)) == ({"VB1"}, ["9"])
    assert [placement.section for placement in parsed.placements.values()] == ["Promenade"]
    assert [terms.notes for terms in parsed.terms.values()] == [""]
    assert parsed.seating["venue"]["name"] == "Arthur Ashe"


def test_a_body_of_2022_without_all_in_prices_and_with_numbers() -> None:
    listed = {"listingId": 12345678, "sectionName": "Floor 1", "row": "3", "quantity": 2, "p": 99.5}
    parsed = parse_listings(EVENT_ID, listings_body([listed], listingCount=1, productionId=EVENT_ID))
    (values,) = zip(parsed.book.source_listing_id, parsed.book.quantity, parsed.book.price_cents, strict=True)
    assert values == ("12345678", 2, 9950)
    assert list(parsed.placements.values()) == [("Floor 1", "3", None, None)]


_scalars = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=6)
_keys = st.sampled_from(["i", "listingId", "s", "r", "q", "quantity", "m", "p", "aip", "faceValue", "ls", "hs", "n"])
_values = _scalars | st.sampled_from(["1", "2.50", "NaN", ""]) | st.lists(_scalars, max_size=1)


@given(st.lists(st.dictionaries(_keys, _values) | _scalars, max_size=5))
def test_whatever_tickets_hold_they_are_read_or_rejected(listed: list[Any]) -> None:
    body = encoded({"global": [{"listingCount": len(listed)}], "tickets": listed})
    read = read_answer(Answer(EVENT_ID, datetime.now(UTC), 200, body), 600, None)
    if isinstance(read, GoodCapture):
        assert len(read.capture.book) + len(read.rejected) == len(listed)
    else:
        assert read.error.kind is FailureKind.BAD_PAYLOAD
        assert listed
