"""PostgreSQL's binary COPY format for rows that hold arrays, straight from numpy.

What belongs here: bytes. What does not: which columns a table has (``writer``, ``stored``).
The formats are those of https://www.postgresql.org/docs/current/sql-copy.html (Binary Format) and of ``array_send``
in the server: dimensions, has-nulls, element type; length and lower bound of each dimension; the elements.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np

from ingestion.codec.book import Texts

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_NULL = b"\xff\xff\xff\xff"
_TEXT_OID = 25
_ELEMENTS = {  # numpy kind: (type OID, one array element as PostgreSQL sends it)
    np.dtype(np.int16): (21, np.dtype([("length", ">i4"), ("value", ">i2")])),
    np.dtype(np.int32): (23, np.dtype([("length", ">i4"), ("value", ">i4")])),
    np.dtype(np.int64): (20, np.dtype([("length", ">i4"), ("value", ">i8")])),
}
_ARRAY_HEADER_BYTES = 20

_pack_length = struct.Struct(">i").pack
_pack_array_header = struct.Struct(">iiiii").pack
_pack_field_count = struct.Struct(">h").pack


def row(*fields: bytes) -> bytes:
    """One row of the copy stream; each field comes from one of the functions below."""
    return _pack_field_count(len(fields)) + b"".join(fields)


def int2(value: int | None) -> bytes:
    """A smallint field."""
    return _NULL if value is None else struct.pack(">ih", 2, value)


def int4(value: int | None) -> bytes:
    """An integer field."""
    return _NULL if value is None else struct.pack(">ii", 4, value)


def int8(value: int | None) -> bytes:
    """A bigint field."""
    return _NULL if value is None else struct.pack(">iq", 8, value)


def timestamptz(value: datetime) -> bytes:
    """A timestamptz field: microseconds since 2000-01-01 UTC, exact."""
    since = value - _EPOCH
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return struct.pack(">iq", 8, microseconds)


def uuid(value: UUID | None) -> bytes:
    """A uuid field."""
    return _NULL if value is None else _pack_length(16) + value.bytes


def integer_array(values: np.ndarray[Any, Any]) -> bytes:
    """A smallint[], integer[] or bigint[] field, by the array's numpy type."""
    oid, element = _ELEMENTS[values.dtype]
    if not len(values):
        return _array_field(oid, 0, b"")
    elements = np.empty(len(values), dtype=element)
    elements["length"] = values.dtype.itemsize
    elements["value"] = values
    return _array_field(oid, len(values), elements.tobytes())


def text_array(values: Texts) -> bytes:
    """A text[] field; None becomes a null element."""
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            encoded = value.encode()
            parts += (_pack_length(len(encoded)), encoded)
    return _array_field(_TEXT_OID, len(values), b"".join(parts))


def seat_array(values: Texts) -> bytes:
    """A text[] field of seats: null when no listing names one, which most do not."""
    return text_array(values) if any(value is not None for value in values) else _NULL


def _array_field(oid: int, count: int, elements: bytes) -> bytes:
    if not count:
        return struct.pack(">iiii", 12, 0, 0, oid)
    # The has-nulls flag is only a hint: array_recv looks at the elements themselves.
    return _pack_length(_ARRAY_HEADER_BYTES + len(elements)) + _pack_array_header(1, 1, oid, count, 1) + elements


def joined_integer_arrays(
    sent: Sequence[bytes], element: np.dtype[Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, np.dtype[np.int64]]]:
    """Arrays in the form that ``array_send`` gives them, without nulls, end to end; and the length of each."""
    _, form = _ELEMENTS[element]
    elements = b"".join([array[_ARRAY_HEADER_BYTES:] for array in sent])
    lengths = np.array([max(len(array) - _ARRAY_HEADER_BYTES, 0) // form.itemsize for array in sent], dtype=np.int64)
    return np.frombuffer(elements, dtype=form)["value"].astype(element), lengths
