"""From a status and a body to a capture, or to the failure that they are."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from ingestion.answers import Answer, FailedAttempt, GoodCapture, read_answer
from ingestion.failures import FailureKind, failure_of_status
from tests.unit.ingestion.bodies import EVENT_ID, listings_body, ticket, tickets

AT = datetime(2026, 9, 7, 12, tzinfo=UTC)
RUN = UUID(int=7)
HTML = b"\r\n <!DOCTYPE html><title>Just a moment...</title>"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"{}", None),
        (200, b"", None),
        (200, HTML, FailureKind.BLOCKED),
        (403, HTML, FailureKind.BLOCKED),
        (403, b"{}", FailureKind.ACCESS_DENIED),
        (401, b"", FailureKind.ACCESS_DENIED),
        (401, HTML, FailureKind.ACCESS_DENIED),
        (404, b"{}", FailureKind.NOT_FOUND),
        (404, HTML, FailureKind.NOT_FOUND),
        (429, HTML, FailureKind.RATE_LIMITED),
        (500, b"", FailureKind.SERVER_ERROR),
        (503, HTML, FailureKind.SERVER_ERROR),
        (599, b"", FailureKind.SERVER_ERROR),
        (204, b"", FailureKind.BAD_PAYLOAD),
        (302, HTML, FailureKind.BAD_PAYLOAD),
        (400, b"{}", FailureKind.BAD_PAYLOAD),
    ],
)
def test_statuses(status: int, body: bytes, kind: FailureKind | None) -> None:
    failure = failure_of_status(status, body)
    assert (failure and failure.kind) == kind
    if failure:
        assert failure.http_status == status
        # Only a challenge is worth a look: the other statuses say all there is.
        assert failure.body == (body if kind is FailureKind.BLOCKED else None)


def test_only_what_may_pass_is_transient() -> None:
    assert {kind.value for kind in FailureKind if kind.is_transient} == {
        "timeout",
        "connection",
        "rate_limited",
        "server_error",
    }


def test_a_good_answer_is_a_capture() -> None:
    body = listings_body([*tickets(3), ticket(p="NaN")])
    good = read_answer(Answer(EVENT_ID, AT, 200, body, fetch_ms=12), 600, RUN)
    assert isinstance(good, GoodCapture)
    capture = good.capture
    assert (capture.event_id, capture.captured_at, capture.interval_seconds) == (EVENT_ID, AT, 600)
    assert (capture.fetch_ms, capture.body_bytes, capture.http_status, capture.run_id) == (12, len(body), 200, RUN)
    assert (len(capture.book), capture.rejected_count, len(good.rejected)) == (3, 1, 1)


@pytest.mark.parametrize(
    ("status", "body", "kind", "is_kept"),
    [
        (404, b"{}", FailureKind.NOT_FOUND, False),
        (200, HTML, FailureKind.BLOCKED, True),
        (200, b"garbage", FailureKind.BAD_PAYLOAD, True),
    ],
)
def test_a_bad_answer_is_a_failure_with_its_figures(status: int, body: bytes, kind: FailureKind, is_kept: bool) -> None:
    failed = read_answer(Answer(EVENT_ID, AT, status, body, fetch_ms=12), 600, RUN)
    assert isinstance(failed, FailedAttempt)
    assert (failed.event_id, failed.attempted_at, failed.fetch_ms, failed.run_id) == (EVENT_ID, AT, 12, RUN)
    assert (failed.body_bytes, failed.error.http_status, failed.error.kind) == (len(body), status, kind)
    assert (failed.error.body == body) is is_kept
