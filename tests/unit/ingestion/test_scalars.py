"""The marketplace's scalars: what each form of a value means, and exact cents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.wire_format.scalars import Scalar, ScalarError, cents, finite_number, is_missing, text, whole_number

MOST_CENTS = 2**31 - 1
NO_NUMBERS: list[Scalar] = [None, "", "NaN", "inf", "-inf", "not-a-price", True, False, "true", "1_000", "1,5", 10**400]


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        (("A",), "A"),
        (("",), ""),
        ((None,), None),
        ((), None),
        ((3,), "3"),
        ((2.5,), "2.5"),
        ((True,), "true"),
        ((False,), "false"),
        ((0,), "0"),
        (("", "long"), ""),
        ((None, "long"), "long"),
        (("a\x00b",), "ab"),
    ],
)
def test_text_is_the_first_that_is_there(candidates: tuple[Scalar, ...], expected: str | None) -> None:
    assert text(*candidates) == expected


@pytest.mark.parametrize(("value", "expected"), [(None, True), ("", True), (0, False), (False, False), ("0", False)])
def test_only_null_and_the_empty_text_are_missing(value: Scalar, expected: bool) -> None:
    assert is_missing(value) is expected


def test_every_price_of_two_decimals_is_exact() -> None:
    for n in range(1_000_000):
        assert cents(f"{n / 100:.2f}") == n


@given(st.integers(0, MOST_CENTS))
def test_prices_of_any_size_are_exact_in_every_form(n: int) -> None:
    assert cents(f"{n / 100:.2f}") == cents(n / 100) == n
    assert cents(f"{n // 100}") == cents(n // 100) == n // 100 * 100


@pytest.mark.parametrize(("value", "expected"), [("95.814", 9581), ("95.816", 9582), (" 7 ", 700), ("1e2", 10_000)])
def test_prices_are_rounded_to_the_nearest_cent(value: Scalar, expected: int) -> None:
    assert cents(value) == expected


@pytest.mark.parametrize("value", [*NO_NUMBERS, "-0.01", -1, "21474836.48", 1e300, "9" * 400])
def test_what_is_no_price_is_refused(value: Scalar) -> None:
    with pytest.raises(ScalarError, match="is no price"):
        cents(value)


@pytest.mark.parametrize(("value", "expected"), [("3", 3), (3, 3), ("3.0", 3), (3.0, 3), ("-2", -2), ("0", 0)])
def test_whole_numbers(value: Scalar, expected: int) -> None:
    assert whole_number(value) == expected


@pytest.mark.parametrize("value", [*NO_NUMBERS, "2.5", 0.1])
def test_what_is_no_whole_number_is_refused(value: Scalar) -> None:
    with pytest.raises(ScalarError, match="is no whole number"):
        whole_number(value)


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_no_number_is_none(value: Scalar) -> None:
    assert finite_number(value) is None
