"""Reading ``tracking.yaml``.

What belongs here: the file and its ``cadence``. What does not: the keys of rules (``rules``), and the words for a value
of the wrong kind (``mistakes``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, ValidationError

from ingestion.codec.content import content_hash
from ingestion.errors import UserError
from ingestion.settings import PROJECT_FOLDER, Settings
from ingestion.tracking.cadence import MINUTES_AN_HOUR, Cadence, Step
from ingestion.tracking.mistakes import describe_mistake
from ingestion.tracking.rules import Count, Rules, Strict

DEFAULT_TRACKING_FILE = PROJECT_FOLDER / "tracking.yaml"

_DURATION = re.compile(r"(\d{1,6})\s*(d|h|m|min)")
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1), "min": timedelta(minutes=1)}
_LONGEST_WITHIN = timedelta(days=3650)


class TrackingFileError(UserError):
    """The file is missing or wrong; the message says which file, where in it, what is wrong and what to write."""


@dataclass(frozen=True)
class Plan:
    """What a person wants tracked, and how often."""

    rules: Rules
    cadence: Cadence

    @property
    def rules_hash(self) -> int:
        """A number that changes when the rules do."""
        # Sets have no order of their own, and another one in every process.
        document = self.rules.model_dump(mode="json")
        return content_hash(_sorted_lists(document))


def _duration(value: object) -> timedelta:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    # A bare number has no unit, and YAML reads 1:30 as ninety.
    if match is None:
        raise ValueError("it is no time with a unit")
    duration = int(match[1]) * _UNITS[match[2]]
    if not timedelta(0) < duration <= _LONGEST_WITHIN:
        raise ValueError("it must be more than 0 and at most ten years")
    return duration


class _CadenceStep(Strict):
    within: Annotated[timedelta, BeforeValidator(_duration)] = Field(examples=["24h, 3d or 90m"])
    every: Count = Field(examples=["5, in minutes"])


class _TrackingFile(Rules):
    cadence: tuple[_CadenceStep, ...] = Field(default=(), examples=["[{within: 24h, every: 5}]"])


def load_plan(settings: Settings, default_file: Path = DEFAULT_TRACKING_FILE) -> Plan:
    """What TRACKING_FILE says, else ``tracking.yaml`` beside the project's ``.env``, else that there are no rules.

    Raises:
        TrackingFileError: the file that TRACKING_FILE names is missing, or the file is wrong.
    """
    if settings.tracking_file is None and not default_file.exists():
        return Plan(Rules(), Cadence(settings.scraper_interval_seconds))
    return read_plan(settings.tracking_file or default_file, settings.scraper_interval_minutes)


def read_plan(path: Path, default_minutes: int) -> Plan:
    """The plan in a file, where a capture every ``default_minutes`` is the default.

    Raises:
        TrackingFileError: see there.
    """
    document = _document(path)
    try:
        written = _TrackingFile.model_validate({} if document is None else document)
    except ValidationError as error:
        problems = "\n  ".join(describe_mistake(each, document, _TrackingFile) for each in error.errors())
        raise TrackingFileError(f"{path} is wrong:\n  {problems}") from error
    cadence = Cadence(
        default_minutes * 60, tuple(sorted((Step(s.within, s.every * 60) for s in written.cadence), key=_nearness))
    )
    for problem in _cadence_problems(cadence):
        raise TrackingFileError(f"{path} is wrong:\n  {problem}")
    rules = Rules(rules=written.rules, max_events=written.max_events, exclude=written.exclude)
    return Plan(rules, cadence)


def _document(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TrackingFileError(
            f"there is no file {path}, which TRACKING_FILE names; copy tracking.example.yaml there, or unset it"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise TrackingFileError(f"cannot read {path}: {error}") from error
    try:
        _refuse_repeated_keys(yaml.compose(text, Loader=yaml.SafeLoader))
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # a date like 2026-02-30 is a ValueError
        raise TrackingFileError(f"{path} is no YAML: {error}") from error


def _refuse_repeated_keys(node: Any) -> None:
    """YAML forbids a key twice; PyYAML takes the last and drops the other without a word."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise ValueError(f"{key.value} is there twice, again in line {key.start_mark.line + 1}; keep one")
            seen.add(key.value)
            _refuse_repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item)


def _nearness(step: Step) -> timedelta:
    return step.within


def _cadence_problems(cadence: Cadence) -> Iterator[str]:
    """What is wrong with intervals that are each of the right type."""
    default = cadence.default_seconds // 60
    tightest = cadence.tightest_minutes
    farther, farther_name = default, f"SCRAPER_INTERVAL_MINUTES ({default})"
    for step in reversed(cadence.steps):
        minutes = step.interval_seconds // 60
        where = f"cadence, within {_show(step.within)}: every: {minutes}"
        if MINUTES_AN_HOUR % minutes:
            yield f"{where} does not divide an hour; write 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60"
        if minutes > farther:
            yield f"{where} is longer than {farther_name}; the interval tightens as the event comes near, write less"
        farther, farther_name = minutes, f"that within {_show(step.within)} ({minutes})"
    for name, minutes in (
        ("SCRAPER_INTERVAL_MINUTES", default),
        *((f"cadence, within {_show(step.within)}: every", step.interval_seconds // 60) for step in cadence.steps),
    ):
        if minutes % tightest:
            yield (
                f"{name}: {minutes} is no multiple of {tightest}, the shortest interval, at which rounds begin; "
                f"write {' or '.join(str(n) for n in _multiples(tightest))}"
            )
    within = [step.within for step in cadence.steps]
    for one, next_one in pairwise(within):
        if one == next_one:
            yield f"cadence: two steps are within {_show(one)}; keep one"


def _multiples(tightest: int) -> list[int]:
    return [n for n in range(1, MINUTES_AN_HOUR + 1) if MINUTES_AN_HOUR % n == 0 and n % tightest == 0]


def _show(duration: timedelta) -> str:
    minutes = int(duration.total_seconds() // 60)
    return next(f"{minutes // size}{unit}" for unit, size in (("d", 1440), ("h", 60), ("m", 1)) if minutes % size == 0)


def _sorted_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted_lists(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_sorted_lists(item) for item in value]
        return sorted(items, key=str) if all(isinstance(item, str | int) for item in items) else items
    return value
