"""The marketplace's scalars: every one may come as string, number, boolean, null or "".

What belongs here: reading one value. What does not: which key it came from.
"""

from __future__ import annotations

import math
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

CURRENCY_DIGITS = 100
MOST_CENTS = 2**31 - 1


class ScalarError(ValueError):
    """A value that cannot be what its key promises."""


def text(*candidates: Scalar) -> str | None:
    """The first candidate that is there, as text without NUL (which PostgreSQL cannot store); "" is there."""
    for candidate in candidates:
        if isinstance(candidate, str):
            return candidate.replace("\x00", "") if "\x00" in candidate else candidate
        if isinstance(candidate, bool):
            return str(candidate).lower()
        if candidate is not None:
            return str(candidate)
    return None


def is_missing(value: Scalar) -> bool:
    """Whether a value says nothing."""
    return value is None or value == ""


def finite_number(value: Scalar) -> float | None:
    """A number, also from "5.1"; None for anything else, ``true`` and infinity included."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    # float() would take true for 1, and "1_000", which is Python's spelling and no marketplace's.
    if value is None or isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def cents(value: Scalar) -> int:
    """A price in whole cents, rounded to the nearest.

    Raises:
        ScalarError: it is no finite number of 0 to 21,474,836.47 (PostgreSQL's integer, in cents).
    """
    amount = finite_number(value)
    # Exact for two decimals: below 2**53 / 100 the nearest double times 100 rounds to the written number.
    whole = -1 if amount is None else round(amount * CURRENCY_DIGITS)
    if not 0 <= whole <= MOST_CENTS:
        raise ScalarError(f"{value!r} is no price")
    return whole


def whole_number(value: Scalar) -> int:
    """A whole number, also from "3" or "3.0".

    Raises:
        ScalarError: it is none.
    """
    number = finite_number(value)
    if number is None or not number.is_integer():
        raise ScalarError(f"{value!r} is no whole number")
    return int(number)
