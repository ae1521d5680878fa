"""The rules of ``tracking.yaml``: what a person may write there.

What belongs here: the keys, their types and limits. What does not: reading the file and what is said of a mistake
(``tracking_file``), running rules (``discovery``).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

CATEGORIES = {"concerts": 2, "sports": 3, "theater": 4}

Id = Annotated[int, Field(strict=True, gt=0, lt=2**63)]
Count = Annotated[int, Field(strict=True, gt=0)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]


def _date(value: object) -> object:
    # pydantic takes a number for seconds since 1970, and no one writes those here.
    if isinstance(value, bool | int | float):
        raise ValueError("it is a number")  # noqa: TRY004  # pydantic wants a ValueError
    return value


def _category(value: object) -> object:
    return CATEGORIES.get(value, value) if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_date)]


class Strict(BaseModel):
    """A mapping of the file; a key that is not known is a mistake, not a wish for later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Exclusions(Strict):
    """Events that are left out, whatever finds them: by id, or by words in their names, in any case."""

    events: frozenset[Id] = Field(default=frozenset(), examples=["[5990417]"])
    name_contains: frozenset[Text] = Field(default=frozenset(), examples=['["tour of the stadium"]'])


class Dates(Strict):
    """Days at the venue, both included; one of them may be left out."""

    from_day: Day | None = Field(default=None, alias="from", examples=["2026-12-01"])
    to_day: Day | None = Field(default=None, alias="to", examples=["2026-12-31"])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_day is None and self.to_day is None:
            raise ValueError("it says neither from nor to; write for example `dates: {from: 2026-12-01}`")
        if self.from_day is not None and self.to_day is not None and self.to_day < self.from_day:
            raise ValueError(f"to ({self.to_day}) is before from ({self.from_day}); exchange them")
        return self


class Rule(Strict):
    """One rule: the events it names, or a search with conditions that all must hold.

    Attributes:
        events: production ids that are tracked as they are, without a search.
        within_days: only events that start between now and so many times 24 hours from now.
        min_listings: how many listings an event must have to enter; one that is in stays in with fewer.
        max_events: the cap; ``first`` says which events are the first to have a place under it.
        first: those that start soonest, or those that the marketplace ranks highest. Ranks change by the hour, so by
            rank the events that are tracked already keep their places.
    """

    name: Text = Field(examples=["knicks-at-home"])
    events: tuple[Id, ...] | None = Field(default=None, min_length=1, examples=["[5990417, 5990418]"])
    performer: Id | None = Field(default=None, examples=["105"])
    venue: Id | None = Field(default=None, examples=["9847"])
    category: Annotated[Id, BeforeValidator(_category)] | None = Field(
        default=None, examples=[f"{', '.join(CATEGORIES)} or an id"]
    )
    search: Text | None = Field(default=None, examples=["champions league final"])
    dates: Dates | None = Field(default=None, examples=["{from: 2026-12-01, to: 2026-12-31}"])
    within_days: Count | None = Field(default=None, examples=["30"])
    min_listings: Count | None = Field(default=None, examples=["50"])
    max_events: Count | None = Field(default=None, examples=["200"])
    first: Literal["soonest", "rank"] = Field(default="soonest", examples=["soonest or rank"])
    exclude: Exclusions = Field(default=Exclusions(), examples=["{events: [5990417]}"])

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        conditions = {"performer", "venue", "category", "search", "dates", "within_days"}
        said = {key for key in self.model_fields_set if getattr(self, key) is not None}
        if self.events is None and not said & conditions:
            raise ValueError(
                "it does not say what to look for; write events, performer, venue, category, search, dates or "
                "within_days"
            )
        more = sorted(said - {"name", "events"})
        if self.events is not None and more:
            raise ValueError(
                f"events names the events themselves, so {more[0]} means nothing beside it; write two rules"
            )
        return self


class Rules(Strict):
    """All that says which events are tracked.

    Attributes:
        max_events: the cap over all rules. Rules that stand first fill it first; events added by hand do not count.
    """

    rules: tuple[Rule, ...] = Field(default=(), examples=["a list, each item with a name"])
    max_events: Count | None = Field(default=None, examples=["1000"])
    exclude: Exclusions = Field(default=Exclusions(), examples=['{name_contains: ["tour of the stadium"]}'])

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"two rules are named {name!r}; `ticketmarts track list` shows names, so they must differ"
                )
        return self
