"""Plain tickets are read all at once, and come out as the careful way, ticket by ticket, has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ingestion.codec.book import Book
from ingestion.wire_format.listings import SingleTickets, parse_listings, parse_tickets
from ingestion.wire_format.plain_tickets import read_plain_tickets
from sandbox.book import book_at
from sandbox.catalogue import featured_events
from sandbox.listings_body import listings_body as sandbox_body
from sandbox.randomness import DEFAULT_SEED
from tests.real_captures import real_capture
from tests.unit.ingestion.bodies import ABSENT, EVENT_ID, encoded, listings_body, ticket, tickets


def plainly(listed: Sequence[Any]) -> Any:
    return read_plain_tickets(encoded(listed), [msgspec.Raw(encoded(item)) for item in listed])


def carefully(listed: Sequence[Any]) -> SingleTickets:
    return parse_tickets([encoded(item) for item in listed])


def values(book: Book) -> list[list[Any]]:
    return [getattr(book, name).tolist() for name in Book.__dataclass_fields__]


def assert_same(listed: Sequence[Any]) -> bool:
    """Hold the two ways together; say whether the tickets were plain."""
    plain, careful = plainly(listed), carefully(listed)
    if plain is None:
        return False
    book, placements, terms, reasons = plain
    assert reasons == careful.reasons
    assert values(book) == values(careful.book)
    assert book.content_hash == careful.book.content_hash
    assert (placements, terms) == (careful.placements, careful.terms)
    return True


def test_what_is_captured_today_is_plain() -> None:
    captured = json.loads(real_capture(f"listings_{EVENT_ID}_excerpt.json").read_bytes())
    assert assert_same(captured["tickets"])


def test_the_sandboxs_tickets_are_plain() -> None:
    at = datetime.now(UTC)
    for sandbox_event in featured_events(at, 3):
        body = json.loads(sandbox_body(sandbox_event, book_at(DEFAULT_SEED, sandbox_event, at), at))
        assert assert_same(body["tickets"])


@pytest.mark.parametrize("key", ["faceValue", "ls", "hs", "m", "n", "stp", "vs", "badges"])
def test_a_ticket_without_what_may_be_absent_is_plain(key: str) -> None:
    assert assert_same([ticket(**{key: ABSENT}), ticket(i="b", vs="9.7", badges=[])])


@pytest.mark.parametrize(
    "keys",
    [
        {"p": "NaN"}, {"p": "nan"}, {"p": "inf"}, {"p": "0.00"}, {"p": "0.001"}, {"p": "-1"}, {"p": "1e400"}, {"p": ""},
        {"p": True}, {"p": None}, {"p": "1_0"}, {"p": "21474836.48"}, {"aip": "NaN"}, {"aip": "-3"}, {"aip": None},
        {"aip": ABSENT}, {"q": "0"}, {"q": "1.5"}, {"q": True}, {"q": "32768"}, {"q": 10**30}, {"i": ""},
        {"i": "x" * 65}, {"i": 17}, {"i": "VB\x001"}, {"n": "\x00"}, {"s": None}, {"s": ABSENT}, {"r": 3},
        {"ls": 9}, {"faceValue": "free"}, {"sectionName": {}}, {"quantity": []}, {"i": "VB0"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 7])
def test_one_ticket_that_is_not_plain_is_read_alone(keys: dict[str, Any], place: int) -> None:
    listed = tickets(7)
    listed.insert(place, ticket(**keys))
    careful = carefully(listed)
    # The id twice and NUL concern the other tickets, too.
    assert assert_same(listed) == (keys.get("i") != "VB0" and b"\\u0000" not in encoded(listed))
    parsed = parse_listings(EVENT_ID, listings_body(listed))
    assert values(parsed.book) == values(careful.book)
    assert {one.position: one.reason for one in parsed.rejected} == careful.reasons
    assert [one.content for one in parsed.rejected] == [encoded(listed[position]) for position in careful.reasons]


def test_many_tickets_that_are_not_plain_leave_all_to_the_careful_way() -> None:
    listed = tickets(4) + [ticket(i=f"{n}", aip=ABSENT) for n in range(2)]
    assert plainly(listed) is None
    assert len(parse_listings(EVENT_ID, listings_body(listed)).book) == 6


def test_no_tickets_and_no_objects_are_not_plain() -> None:
    assert [plainly(listed) for listed in ([], [None], ["sold"], [[]])] == [None] * 4


_PRICES = (
    st.integers(1, 2**31 - 1).map(lambda cents: f"{cents / 100:.2f}")
    | st.floats(0.01, 2e7)
    | st.floats(0.01, 2e7).map(str)
    | st.sampled_from(["1", "0.0050001", "0.015", "1.005", "2.675", "1e3", "1E+2", "99.995"])
)
_TEXTS = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=5) | st.sampled_from(
    ["", "Promenade 316", "N/A", "null", "true", "1", "é", '"\\', "\x1f\x7f\u2028"]
)
_TICKETS = st.builds(
    ticket,
    i=st.integers(0, 10**6).map("VB{}".format) | _TEXTS.filter(bool),
    s=_TEXTS, r=_TEXTS, c=_TEXTS, d=_TEXTS, n=_TEXTS, stp=_TEXTS, p=_PRICES, aip=_PRICES | st.just("0.00"),
    q=st.integers(1, 32_767).map(str) | st.integers(1, 9) | st.sampled_from(["3.0", "1e1"]),
    m=st.sampled_from(["1,3", "2", "", "2,any", ABSENT]), faceValue=_PRICES | st.sampled_from(["0.00", "", ABSENT]),
    ls=_TEXTS, hs=_TEXTS | st.just(ABSENT),
)  # fmt: skip
_ODD_KEYS = st.dictionaries(
    st.sampled_from(["i", "s", "r", "c", "d", "q", "m", "p", "aip", "faceValue", "n", "stp", "ls", "row", "listingId"]),
    st.none() | st.booleans() | st.integers(-5, 40_000) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3) | st.just([1])
    | st.sampled_from(["-0.001", "-0", "3.", ".5", "0x1", " 1", "+1", "01", "1_0", "\uff11", "\x00", "1e400", 10**400]),
    max_size=1,
)  # fmt: skip


@given(st.lists(_TICKETS, min_size=4, max_size=6), _ODD_KEYS)
def test_whatever_is_read_as_plain_means_the_same(listed: list[dict[str, Any]], odd: dict[str, Any]) -> None:
    event(f"{assert_same([listed[0] | odd, *listed[1:]])}, {len(odd)} odd")
