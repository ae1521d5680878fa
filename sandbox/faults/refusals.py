"""Faults that refuse: an HTTP status, or a page for people, instead of the answer.

What belongs here: rate limits, blocks, missing rights, transient 404s, errors of the server. What does not: answers
that look good and are not (``wrong_bodies``).
"""

from __future__ import annotations

import math
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal, get_args

from msgspec import Meta

from sandbox.faults.fault import Fault, Hit, Reply
from sandbox.marketplace import Answer, error

_HTML = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}

_CHALLENGE = b"""<!DOCTYPE html>
<html lang="en"><head><title>Just a moment...</title><meta name="robots" content="noindex,nofollow"></head>
<body><h1>Checking your browser before you go on</h1><noscript>Enable JavaScript and cookies to continue</noscript>
<form id="challenge-form" method="POST"></form><script>/* challenge */</script></body></html>
"""
_ERROR_PAGE = "<html><head><title>{0} {1}</title></head><body><center><h1>{0} {1}</h1></center></body></html>\n"

RateLimitForm = Literal["seconds", "date", "bare"]
BlockForm = Literal["200", "403"]
DenialForm = Literal["401", "403"]
ServerErrorForm = Literal["500-html", "500-json", "502-html", "502-json", "503-html", "503-json"]


class RateLimited(Fault):
    """429, with Retry-After in seconds, as an HTTP date (whole seconds, never too early), or without."""

    is_for_productions: ClassVar[bool] = True
    form: RateLimitForm | None = None
    retry_after_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 2

    def strike(self, hit: Hit) -> Reply:
        """Refuse."""
        form = hit.chosen(self.form, get_args(RateLimitForm))
        answer = error(HTTPStatus.TOO_MANY_REQUESTS, "too many requests")
        if form == "seconds":
            answer.headers["retry-after"] = str(self.retry_after_seconds)
        elif form == "date":
            answer.headers["retry-after"] = formatdate(math.ceil(time.time()) + self.retry_after_seconds, usegmt=True)
        return Reply(answer, hit.at, form=form)


class Blocked(Fault):
    """A challenge for browsers, HTML, with 200 or with 403."""

    is_for_productions: ClassVar[bool] = True
    form: BlockForm | None = None

    def strike(self, hit: Hit) -> Reply:
        """Challenge."""
        form = hit.chosen(self.form, get_args(BlockForm))
        return Reply(Answer(int(form), _CHALLENGE, dict(_HTML)), hit.at, form=form)


class AccessDenied(Fault):
    """401 or 403, as JSON."""

    is_for_productions: ClassVar[bool] = True
    form: DenialForm | None = None

    def strike(self, hit: Hit) -> Reply:
        """Deny."""
        form = hit.chosen(self.form, get_args(DenialForm))
        return Reply(error(HTTPStatus(int(form)), "access denied"), hit.at, form=form)


class NotFound(Fault):
    """404 for an event that is there."""

    is_for_productions: ClassVar[bool] = True

    def strike(self, hit: Hit) -> Reply:
        """Pretend that there is nothing."""
        return Reply(error(HTTPStatus.NOT_FOUND, f"no production {hit.event_id}"), hit.at)


class ServerError(Fault):
    """500, 502 or 503, as HTML (a proxy's page) or JSON."""

    is_for_productions: ClassVar[bool] = True
    form: ServerErrorForm | None = None

    def strike(self, hit: Hit) -> Reply:
        """Break down."""
        form = hit.chosen(self.form, get_args(ServerErrorForm))
        number, _, language = form.partition("-")
        status = HTTPStatus(int(number))
        if language == "json":
            return Reply(error(status, "something went wrong"), hit.at, form=form)
        return Reply(Answer(status, _ERROR_PAGE.format(number, status.phrase).encode(), dict(_HTML)), hit.at, form=form)
