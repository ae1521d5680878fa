"""Rows of ``raw.snapshots`` and ``raw.keyframes`` as PostgreSQL's binary copy takes them.

What belongs here: which columns are written, in which order. What does not: the bytes of a field (``copy_format``),
sending them (``writer``).
"""

from __future__ import annotations

from datetime import datetime

from ingestion.codec import copy_format as pg
from ingestion.codec.amending import AmendedCapture
from ingestion.codec.capture import Capture
from ingestion.codec.delta import Delta
from ingestion.codec.stored import ARRAY_COLUMNS

SNAPSHOT_COLUMNS = (
    "event_id",
    "captured_at",
    "content_hash",
    "run_id",
    "listing_count",
    "ticket_count",
    "change_count",
    "interval_seconds",
    "fetch_ms",
    "body_bytes",
    "http_status",
    "rejected_count",
    *ARRAY_COLUMNS,
)
KEYFRAME_COLUMNS = ("event_id", "captured_at", *ARRAY_COLUMNS)
DELTA_COLUMNS = ("event_id", "captured_at", "change_count", *ARRAY_COLUMNS)
AMENDED_COLUMNS = (
    "event_id",
    "captured_at",
    "content_hash",
    "listing_count",
    "ticket_count",
    "change_count",
    "rejected_count",
    *ARRAY_COLUMNS,
)


def snapshot_row(capture: Capture, delta: Delta) -> bytes:
    """A row of ``SNAPSHOT_COLUMNS``."""
    return pg.row(
        pg.int8(capture.event_id),
        pg.timestamptz(capture.captured_at),
        pg.int8(capture.book.content_hash),
        pg.uuid(capture.run_id),
        pg.int4(len(capture.book)),
        pg.int4(capture.book.ticket_count),
        pg.int4(delta.change_count),
        pg.int4(capture.interval_seconds),
        pg.int4(capture.fetch_ms),
        pg.int4(capture.body_bytes),
        pg.int2(capture.http_status),
        pg.int4(capture.rejected_count),
        *_arrays(delta),
    )


def amended_row(amended: AmendedCapture) -> bytes:
    """A row of ``AMENDED_COLUMNS``."""
    return pg.row(
        pg.int8(amended.amendment.event_id),
        pg.timestamptz(amended.amendment.captured_at),
        pg.int8(amended.book.content_hash),
        pg.int4(len(amended.book)),
        pg.int4(amended.book.ticket_count),
        pg.int4(amended.delta.change_count),
        pg.int4(amended.rejected_count),
        *_arrays(amended.delta),
    )


def delta_row(event_id: int, captured_at: datetime, delta: Delta) -> bytes:
    """A row of ``DELTA_COLUMNS``."""
    return pg.row(pg.int8(event_id), pg.timestamptz(captured_at), pg.int4(delta.change_count), *_arrays(delta))


def keyframe_row(event_id: int, captured_at: datetime, book: Delta) -> bytes:
    """A row of ``KEYFRAME_COLUMNS``."""
    return pg.row(pg.int8(event_id), pg.timestamptz(captured_at), *_arrays(book))


def _arrays(delta: Delta) -> tuple[bytes, ...]:
    """The fields of ``ARRAY_COLUMNS``, in their order."""
    return (
        pg.integer_array(delta.listing_key),
        pg.integer_array(delta.quantity),
        pg.integer_array(delta.price_cents),
        pg.integer_array(delta.all_in_cents),
        pg.text_array(delta.source_listing_id),
        pg.integer_array(delta.placement_id),
        pg.integer_array(delta.terms_id),
        pg.seat_array(delta.seat_low),
        pg.seat_array(delta.seat_high),
    )
