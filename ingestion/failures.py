"""How an attempt to capture an event can fail, and what follows from it.

What belongs here: the kinds and the one decision whether trying again makes sense. What does not: trying again
(``marketplace``) and recording it (``loading``).
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus

_EXCERPT_BYTES = 200


class FailureKind(StrEnum):
    """Why an attempt gave no capture; the values are those of ``raw.scrape_failures.kind``."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    RATE_LIMITED = "rate_limited"
    BLOCKED = "blocked"
    ACCESS_DENIED = "access_denied"
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    TOO_LARGE = "too_large"
    BAD_PAYLOAD = "bad_payload"
    WRONG_PRODUCTION = "wrong_production"
    COUNT_MISMATCH = "count_mismatch"
    PARTIAL_INVENTORY = "partial_inventory"
    WRONG_CURRENCY = "wrong_currency"
    EMPTY_UNEXPECTED = "empty_unexpected"

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed in a moment; asking again after any other kind is hammering."""
        return self in _TRANSIENT


_TRANSIENT = frozenset(
    (FailureKind.TIMEOUT, FailureKind.CONNECTION, FailureKind.RATE_LIMITED, FailureKind.SERVER_ERROR)
)


class CaptureError(Exception):
    """An attempt that gave no capture.

    Attributes:
        kind: what sort of failure it was.
        http_status: the answer's status, None where there was no answer.
        body: the answer's body where it should be kept for a look (it cannot be trusted), else None.
    """

    def __init__(
        self, kind: FailureKind, message: str, *, http_status: int | None = None, body: bytes | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.http_status = http_status
        self.body = body


def failure_of_status(status: int, body: bytes) -> CaptureError | None:
    """The failure that an answer's status and first byte tell of; None for an answer worth parsing.

    A bot challenge is HTML, with status 200 as often as with 403, so it is known by its first byte.
    """
    looks_like_html = body.lstrip()[:1] == b"<"
    if looks_like_html and status in (HTTPStatus.OK, HTTPStatus.FORBIDDEN):
        message = f"status {status} with an HTML page instead of JSON: the marketplace wants to see a browser"
        return CaptureError(FailureKind.BLOCKED, message, http_status=status, body=body)
    if status == HTTPStatus.OK:
        return None
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        kind = FailureKind.ACCESS_DENIED
    elif status == HTTPStatus.REQUEST_TIMEOUT:
        kind = FailureKind.TIMEOUT
    elif status == HTTPStatus.NOT_FOUND:
        kind = FailureKind.NOT_FOUND
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = FailureKind.RATE_LIMITED
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = FailureKind.SERVER_ERROR
    else:
        kind = FailureKind.BAD_PAYLOAD
    said = body[:_EXCERPT_BYTES].decode(errors="replace").strip()
    message = f"the marketplace answered with status {status}" + (f": {said!r}" if said else "")
    return CaptureError(kind, message, http_status=status)
