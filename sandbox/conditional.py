"""Conditional requests (RFC 9110): not sending again what the client has.

What belongs here: comparing what the client knows with an answer. What does not: making ETags (``marketplace``).
"""

from __future__ import annotations

from http import HTTPStatus

from sandbox.marketplace import Answer


def unless_known(if_none_match: str | None, answer: Answer) -> Answer:
    """The answer, or 304 without a body where the client has just that one (weak comparison)."""
    etag = answer.headers.get("etag")
    if etag is None or if_none_match is None:
        return answer
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    if etag not in known and "*" not in known:
        return answer
    kept = {name: value for name, value in answer.headers.items() if name != "content-type"}
    return Answer(HTTPStatus.NOT_MODIFIED, b"", kept)
