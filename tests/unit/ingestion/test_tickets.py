"""One ticket: its short and long keys, what may be missing from it, and what makes it unusable."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.codec.book import NO_ALL_IN
from ingestion.codec.content import Placement, Terms, content_hash, placement_id, terms_id
from ingestion.wire_format.scalars import ScalarError
from ingestion.wire_format.tickets import Listing, Ticket, read_listing
from tests.unit.ingestion.bodies import ABSENT, ticket


def read(**keys: Any) -> Listing:
    return read_listing(msgspec.convert(ticket(**keys), Ticket))


def test_a_ticket_is_read_whole() -> None:
    place = Placement("Promenade 316", "Z", zone_id="401890", section_id="316")
    terms = Terms((1, 3), "Ticketmaster Transfer", "Mobile Tickets.", 9581)
    assert read() == Listing(
        "VB17082859486", placement_id(place), place, terms_id(terms), terms, "9", "11", 3, 21255, 28700
    )


def test_numbers_mean_what_their_strings_mean() -> None:
    assert read(i=170, d=316, c=401890, q=3, p=212.55, aip=287, faceValue=95.81, ls=9, hs=11) == read(i="170")
    assert read(q="3.0", p="212.550", m="1, 3") == read()


def test_long_keys_stand_in_for_short_ones_that_are_absent() -> None:
    short = ("i", "s", "r", "q", "aip")
    long = {
        "listingId": "VB17082859486",
        "sectionName": "Promenade 316",
        "row": "Z",
        "quantity": "3",
        "allInPricePerTicket": "287.00",
    }
    assert read(**dict.fromkeys(short, ABSENT), **long) == read()
    assert read(**dict.fromkeys(short), **long) == read()


def test_the_short_key_goes_first() -> None:
    assert read(listingId="x", id="y", sectionName="x", row="x", quantity="9", allInPricePerTicket="1") == read()


@pytest.mark.parametrize("empty", [ABSENT, None, ""])
def test_the_id_is_the_first_that_is_not_empty(empty: Any) -> None:
    assert read(i=empty, listingId="VB1", id="VB2").source_listing_id == "VB1"
    assert read(i=empty, listingId=empty, id=170).source_listing_id == "170"


def test_an_empty_section_or_row_is_one() -> None:
    placement = read(s="", sectionName="x", r="", row="x").placement
    assert (placement.section, placement.seat_row) == ("", "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1,3", (1, 3)),
        ("2", (2,)),
        (2, (2,)),
        (" 1 , 2 ", (1, 2)),
        ("", ()),
        (None, ()),
        (ABSENT, ()),
        (True, ()),
        ("2,any,-1,2.5,", (2,)),
        ("1,32767,32768", (1, 32767)),
        ("9" * 5000, ()),
    ],
)
def test_splits(value: Any, expected: tuple[int, ...]) -> None:
    assert read(m=value).terms.splits == expected


@pytest.mark.parametrize(("value", "expected"), [(ABSENT, None), (None, None), ("", None), ("N/A", "N/A"), (0, "0")])
def test_an_empty_seat_says_as_little_as_a_missing_one(value: Any, expected: str | None) -> None:
    listing = read(ls=value, hs=value)
    assert (listing.seat_low, listing.seat_high) == (expected, expected)


@pytest.mark.parametrize("value", [ABSENT, None, "", "0.00", 0])
def test_no_all_in_price(value: Any) -> None:
    assert read(aip=value).all_in_cents == NO_ALL_IN


@pytest.mark.parametrize("value", [ABSENT, None, "", "0.00", 0])
def test_no_face_value(value: Any) -> None:
    assert read(faceValue=value).terms.face_value_cents is None


@pytest.mark.parametrize("value", [ABSENT, None])
@pytest.mark.parametrize("key", ["s", "r", "d", "c", "n", "stp"])
def test_texts_may_be_missing(key: str, value: Any) -> None:
    listing = read(**{key: value})
    assert None in (*listing.placement, *listing.terms)


def test_one_true_and_a_text_do_not_share_a_memory() -> None:
    assert [read(s=value).placement.section for value in ("1", 1, 1.0, True)] == ["1", "1", "1.0", "true"]


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"i": ABSENT}, "None is no listing id"),
        ({"i": ""}, "None is no listing id"),
        ({"i": "x" * 65}, "is no listing id"),
        ({"p": ABSENT}, "None is no price"),
        ({"p": "NaN"}, "'NaN' is no price"),
        ({"p": "not-a-price"}, "is no price"),
        ({"p": "0.00"}, "its price is zero"),
        ({"p": "0.001"}, "its price is zero"),
        ({"p": "-1"}, "is no price"),
        ({"p": True}, "True is no price"),
        ({"q": ABSENT}, "None is no whole number"),
        ({"q": "0"}, "its quantity is 0"),
        ({"q": "-1"}, "its quantity is -1"),
        ({"q": "32768"}, "its quantity is 32768"),
        ({"q": "1.5"}, "is no whole number"),
        ({"q": True}, "True is no whole number"),
        ({"aip": "NaN"}, "is no price"),
        ({"aip": "-3"}, "is no price"),
        ({"faceValue": "free"}, "'free' is no price"),
    ],
)
def test_an_unusable_ticket_says_why(keys: dict[str, Any], reason: str) -> None:
    with pytest.raises(ScalarError, match=reason):
        read(**keys)


def test_a_text_in_place_of_a_ticket_is_the_reason() -> None:
    with pytest.raises(ScalarError, match="Expected"):
        read_listing("Expected `str`")


_TEXTS = st.none() | st.text(max_size=9)


@given(
    st.builds(Placement, _TEXTS, _TEXTS, _TEXTS, _TEXTS),
    st.builds(
        Terms,
        st.lists(st.integers(0, 2**15 - 1), max_size=3).map(tuple),
        _TEXTS,
        _TEXTS,
        st.none() | st.integers(0, 2**31 - 1),
    ),
)
def test_keys_are_hashes_of_canonical_json(placement: Placement, terms: Terms) -> None:
    assert (placement_id(placement), terms_id(terms)) == (content_hash(placement), content_hash(terms))


def test_keys_that_are_stored_already_stay_as_they_are() -> None:
    assert placement_id(Placement("Promenade 316", "Z", "401890", "316")) == 8269137617825720386
    assert terms_id(Terms((1, 3), "E-tickets", 'Row "É"\n', None)) == -5655635492137122852
