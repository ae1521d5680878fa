"""The faults document: which faults strike which answers.

What belongs here: the form of the document, and saying what is wrong with one. What does not: what faults do.

    {"seed": 1, "keep_served": true, "rules": [
        {"fault": "server_error", "share": 0.2, "times": 3, "events": [5046012], "options": {"form": "503-html"}},
        {"fault": "timeout", "share": 0.01, "paths": "productions", "options": {"seconds": 40}},
        {"fault": "re_keying", "options": {"from": "2026-11-22T22:00:00Z"}}]}

Only ``fault`` is needed. Rules are tried in order, and the first that hits wins. A standing fault (fee_display,
re_keying) takes no turn: it changes the market of ``share`` of the events, whatever else strikes their answers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sandbox.faults.connections import ConnectionReset, Share, SlowBody, Timeout, TooLarge, TruncatedBody
from sandbox.faults.fault import AnyFault, StandingFault
from sandbox.faults.odd_bodies import BadRows, Cached, UnknownKeys
from sandbox.faults.refusals import AccessDenied, Blocked, NotFound, RateLimited, ServerError
from sandbox.faults.standing import FeeDisplay, ReKeying
from sandbox.faults.wrong_bodies import (
    BadPayload,
    CountMismatch,
    EmptyUnexpected,
    PartialInventory,
    WrongCurrency,
    WrongProduction,
)
from sandbox.requests import BadRequestError

FAULTS: dict[str, type[AnyFault]] = {
    "timeout": Timeout,
    "slow_body": SlowBody,
    "connection_reset": ConnectionReset,
    "truncated_body": TruncatedBody,
    "too_large": TooLarge,
    "rate_limited": RateLimited,
    "blocked": Blocked,
    "access_denied": AccessDenied,
    "not_found": NotFound,
    "server_error": ServerError,
    "bad_payload": BadPayload,
    "wrong_production": WrongProduction,
    "count_mismatch": CountMismatch,
    "partial_inventory": PartialInventory,
    "wrong_currency": WrongCurrency,
    "empty_unexpected": EmptyUnexpected,
    "bad_rows": BadRows,
    "unknown_keys": UnknownKeys,
    "cached": Cached,
    "fee_display": FeeDisplay,
    "re_keying": ReKeying,
}

Paths = Literal["listings", "productions"]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which answers one fault strikes.

    Attributes:
        share: of the answers; for a standing fault, of the events.
        events: only of these; None for all (searches are of no event).
        times: only so many answers of each event, so that events do not depend on each other.
        options: the fault's own.
    """

    fault: str
    share: Share = 1.0
    events: frozenset[Annotated[int, Meta(ge=1, le=2**53)]] | None = None
    paths: Paths = "listings"
    times: Annotated[int, Meta(ge=1)] | None = None
    options: dict[str, Any] = {}

    def concerns(self, event_id: int) -> bool:
        """Whether the rule may strike answers of this event."""
        return self.events is None or event_id in self.events


class FaultsDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is to go wrong; ``keep_served`` switches the record of what was served on."""

    seed: Annotated[int, Meta(ge=0, le=2**53)] = 0
    keep_served: bool = False
    rules: tuple[Rule, ...] = ()


def read_document(text: bytes) -> tuple[FaultsDocument, tuple[AnyFault, ...]]:
    """The document, and the fault of each of its rules.

    Raises:
        BadRequestError: it is no such document; the message says what is wrong, where, and which faults there are.
    """
    try:
        document = msgspec.json.decode(text, type=FaultsDocument)
    except msgspec.DecodeError as problem:
        raise _bad(str(problem)) from None
    return document, tuple(_fault(rule, f"$.rules[{number}]") for number, rule in enumerate(document.rules))


def _fault(rule: Rule, where: str) -> AnyFault:
    kind = FAULTS.get(rule.fault)
    if kind is None:
        raise _bad(f"there is no fault {rule.fault!r} - at `{where}.fault`")
    if rule.paths == "productions" and not kind.is_for_productions:
        raise _bad(f"{rule.fault} strikes listings alone - at `{where}.paths`")
    if rule.times is not None and issubclass(kind, StandingFault):
        raise _bad(f"{rule.fault} stands, it has no times; give options from and until - at `{where}.times`")
    try:
        return msgspec.convert(rule.options, kind)
    except msgspec.ValidationError as problem:
        what, _, path = str(problem).partition(" - at `$")
        options = ", ".join(field.encode_name for field in msgspec.structs.fields(kind)) or "none"
        place = f"{where}.options{path.rstrip('`')}"
        raise _bad(f"{what} - at `{place}`; options of {rule.fault}: {options}") from None


def _bad(what: str) -> BadRequestError:
    return BadRequestError(f"bad faults document: {what}. Faults: {', '.join(FAULTS)}")
