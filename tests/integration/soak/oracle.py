"""What must be in ``raw`` after a storm, from the record of what was served and the rules of the documentation alone.

What belongs here: the rules, event by event and answer by answer. What does not: reading bodies (``bodies``), reading
tables (``tables``) and comparing (``test_storm``). Nothing of ``ingestion`` decides here: a rule that is wrong there
must not be wrong here too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple, TypeAlias
from uuid import UUID

from tests.integration.resilience.books import Book
from tests.integration.soak.bodies import etag_of, told_book
from tests.integration.soak.record import Served

_MOST_TRIES = 3
_SMALLEST_BOOK, _LARGEST_REMAINDER, _CONFIRMING_SHARE = 50, 0.4, 1.25
PARTIAL_INVENTORY = "partial_inventory"

_Fault: TypeAlias = tuple[str | None, str | None]
_KINDS: dict[_Fault, str] = {
    ("connection_reset", None): "connection",
    ("truncated_body", "short"): "connection",
    ("truncated_body", "clean"): "bad_payload",
    # No tickets, without a listingCount of 0: that is how empty_unexpected is defined.
    ("bad_payload", "other_shape"): "empty_unexpected",
}
"""Where the kind of the failure is not the name of the fault."""
_NAMED_KINDS = {
    "timeout",
    "rate_limited",
    "blocked",
    "access_denied",
    "not_found",
    "server_error",
    "too_large",
    "bad_payload",
    "wrong_production",
    "count_mismatch",
    "wrong_currency",
    "empty_unexpected",
}
KINDS = _NAMED_KINDS | {"connection", PARTIAL_INVENTORY}
_GOOD_FAULTS = {None, "fee_display", "re_keying", "cached", "slow_body", "unknown_keys", "bad_rows", PARTIAL_INVENTORY}
"""Their bodies agree with themselves. Whether one holds only a part of the book, the book before it must tell."""
_TRANSIENT = {"timeout", "connection", "rate_limited", "server_error"}
_KEPT = {
    "blocked",
    "bad_payload",
    "wrong_production",
    "wrong_currency",
    "count_mismatch",
    "empty_unexpected",
    PARTIAL_INVENTORY,
}
"""Their bodies are in quarantine."""
_WITHOUT_STATUS = {"timeout", "connection"}
_WITHOUT_SIZE = _TRANSIENT | {"too_large"}


class Captured(NamedTuple):
    """What a row of ``raw.snapshots`` says of how it came about."""

    run: str
    http_status: int
    body_bytes: int
    rejected_count: int


class Failed(NamedTuple):
    """What a row of ``raw.scrape_failures`` says."""

    run: str
    kind: str
    was_retried: bool
    http_status: int | None
    body_bytes: int | None


@dataclass
class Step:
    """A row that must be there for an answer, and what else must be there of its instant.

    Attributes:
        book: of a capture.
        etag: of a capture whose answer named one.
        quarantined: item to kind and content, in ``raw.quarantine``.
    """

    row: Captured | Failed
    served: Served
    book: Book | None = None
    etag: str | None = None
    quarantined: dict[str, tuple[str, bytes]] = field(default_factory=dict)


@dataclass
class RoundOutcome:
    """What a round must report, and what in the record cannot have come from a client that keeps to the rules."""

    captured_count: int = 0
    unchanged: int = 0
    rejected_tickets: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)


class Oracle:
    """Follows the storm; ``steps`` are the rows that must be there, by event and in order of time."""

    def __init__(self) -> None:
        self.steps: dict[int, list[Step]] = {}

    def follow(
        self, run_id: UUID, news: Mapping[int, Sequence[Served]], *, may_be_cut_short: bool = False
    ) -> RoundOutcome:
        """What a round makes of the answers that it got, given by event in order.

        A round is cut short when the marketplace turns it away: then nothing is asked again either.
        """
        outcome = RoundOutcome()
        for event_id, answers in news.items():
            outcome.breaches += _breaches_of_tries(answers, may_be_cut_short=may_be_cut_short)
            self._follow_event(str(run_id), event_id, answers, outcome)
        return outcome

    def captures(self, event_id: int) -> list[Step]:
        """The captures of an event so far."""
        return [step for step in self.steps.get(event_id, []) if isinstance(step.row, Captured)]

    def _follow_event(self, run: str, event_id: int, answers: Sequence[Served], outcome: RoundOutcome) -> None:
        steps = self.steps.setdefault(event_id, [])
        *before_last, last = answers
        for served in before_last:
            retried = failure_kind(served) or "nothing failed"
            steps.append(_failed(run, retried, served, was_retried=True))
            outcome.retried[retried] += 1
        kind = failure_kind(last)
        if kind is None:
            outcome.breaches += self._breaches_of_conditions(event_id, last)
            self._follow_good_answer(run, event_id, last, outcome)
        else:
            steps.append(_failed(run, kind, last, was_retried=False))
            outcome.failures[kind] += 1

    def known_body(self, event_id: int) -> tuple[Step, str] | None:
        """The newest capture whose body the marketplace need not send again, and its ETag."""
        known = [(step, step.etag) for step in self.captures(event_id) if step.etag is not None]
        return known[-1] if known else None

    def _breaches_of_conditions(self, event_id: int, served: Served) -> list[str]:
        """A 304 comes if and only if the answer's ETag is the one that must have been asked with."""
        known = self.known_body(event_id)
        etag = _etag(served)
        wanted = HTTPStatus.NOT_MODIFIED if known and known[1] == etag else HTTPStatus.OK
        return [] if served.status == wanted else [f"asked with another ETag than {known and known[1]}: {served}"]

    def _follow_good_answer(self, run: str, event_id: int, served: Served, outcome: RoundOutcome) -> None:
        steps, told = self.steps[event_id], told_book(served.body)
        step = _captured(run, served)
        if served.status == HTTPStatus.NOT_MODIFIED:
            outcome.unchanged += 1
        elif _is_drop(self.captures(event_id), told.book):
            held = _newest_held(steps)
            if held is None or len(told.book) > _CONFIRMING_SHARE * len(told_book(held.served.body).book):
                steps.append(_failed(run, PARTIAL_INVENTORY, served, was_retried=False))
                outcome.failures[PARTIAL_INVENTORY] += 1
                return
            released = _captured(held.row.run, held.served)
            released.etag = None  # quarantine keeps bodies, not headers
            held.quarantined.clear()
            steps.insert(steps.index(held), released)
            outcome.rejected_tickets += len(released.quarantined)
        steps.append(step)
        outcome.captured_count += 1
        outcome.rejected_tickets += len(step.quarantined)


def _breaches_of_tries(answers: Sequence[Served], *, may_be_cut_short: bool) -> list[str]:
    """Where an event was asked again, or was not, against the rules."""
    kinds = [failure_kind(served) for served in answers]
    breaches = [
        f"asked again after {kind or 'a good answer'}: {answers}" for kind in kinds[:-1] if kind not in _TRANSIENT
    ]
    if len(kinds) > _MOST_TRIES:
        breaches.append(f"asked {len(kinds)} times: {answers}")
    if len(kinds) < _MOST_TRIES and kinds[-1] in _TRANSIENT and not may_be_cut_short:
        breaches.append(f"not asked again: {answers}")
    return breaches


def failure_kind(served: Served) -> str | None:
    """The kind that an answer must be recorded as; None for one that can be read."""
    if served.fault in _GOOD_FAULTS:
        told = told_book(served.body)
        return "bad_payload" if told.bad_tickets and not told.book else None
    form = served.form if (served.fault, served.form) in _KINDS else None
    if (served.fault, form) in _KINDS:
        return _KINDS[served.fault, form]
    assert served.fault in _NAMED_KINDS, f"nobody has said what follows from {served}"
    return served.fault


def _is_drop(captures: Sequence[Step], book: Book) -> bool:
    before = captures[-1].book if captures else None
    return before is not None and len(before) >= _SMALLEST_BOOK and len(book) < _LARGEST_REMAINDER * len(before)


def _newest_held(steps: Sequence[Step]) -> Step | None:
    """What is held since the newest capture."""
    for step in reversed(steps):
        if isinstance(step.row, Captured):
            return None
        if step.row.kind == PARTIAL_INVENTORY:
            return step
    return None


def _etag(served: Served) -> str | None:
    return None if served.fault == "slow_body" else etag_of(served.body)


def _captured(run: str, served: Served) -> Step:
    told = told_book(served.body)
    assert served.status is not None
    is_sent = served.status != HTTPStatus.NOT_MODIFIED
    row = Captured(run, served.status, len(served.body) if is_sent else 0, len(told.bad_tickets))
    quarantined = {f"ticket {place}": ("bad_payload", ticket) for place, ticket in told.bad_tickets.items()}
    return Step(row, served, told.book, _etag(served), quarantined if is_sent else {})


def _failed(run: str, kind: str, served: Served, *, was_retried: bool) -> Step:
    row = Failed(
        run,
        kind,
        was_retried,
        None if kind in _WITHOUT_STATUS else served.status,
        None if kind in _WITHOUT_SIZE else len(served.body),
    )
    return Step(row, served, quarantined={"body": (kind, served.body)} if kind in _KEPT else {})
