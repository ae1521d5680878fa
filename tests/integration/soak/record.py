"""The sandbox's record of what it served: the truth of the storm.

What belongs here: asking for the record and its bodies. What does not: what should have come of it (``oracle``).
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from typing import Any

import httpx

_PAGE = 10_000
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Served:
    """An entry of the record, with the body as far as it was sent; for a 304 the one that stays valid."""

    sequence: int
    event_id: int
    request: int
    fault: str | None
    form: str | None
    standing: tuple[str, ...]
    status: int | None
    body_sha256: str = field(repr=False)
    body: bytes = field(repr=False)


_ENTRY_FIELDS = [each.name for each in fields(Served) if each.name != "body"]


class Record:
    """The record, read as it grows."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._last = 0

    def news(self) -> dict[int, list[Served]]:
        """What was served since this was asked last, by event, in the order in which it was asked for."""
        page = self._whole_page()
        assert not page["served"] or page["served"][0]["sequence"] == self._last + 1, "entries are missing"
        assert len(page["served"]) < _PAGE
        self._last += len(page["served"])
        by_event: dict[int, list[Served]] = {}
        for served in sorted(map(self._with_body, page["served"]), key=lambda each: each.request):
            by_event.setdefault(served.event_id, []).append(served)
        return by_event

    def _whole_page(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            response = self._client.get("/sandbox/served", params={"since": self._last, "limit": _PAGE})
            page: dict[str, Any] = response.raise_for_status().json()
            if not page["under_way"]:
                return page
            time.sleep(0.02)
        raise AssertionError(f"{page['under_way']} answers do not end")

    def _with_body(self, entry: dict[str, Any]) -> Served:
        if entry["fault"] == "too_large":  # of what went on past 16 MB no bytes are kept, and nobody asks for any
            return Served(body=b"", **{name: entry[name] for name in _ENTRY_FIELDS})
        body = self._client.get(f"/sandbox/served/{entry['sequence']}/body").raise_for_status().content
        if entry["status"] != HTTPStatus.NOT_MODIFIED:
            assert hashlib.sha256(body).hexdigest() == entry["body_sha256"], entry
        return Served(body=body, **{name: entry[name] for name in _ENTRY_FIELDS})
