"""``tracking.yaml``: what each rule means, what is said of mistakes, and the cadence at its edges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion.settings import PROJECT_FOLDER, Settings
from ingestion.tracking.cadence import SCRAPING_GRACE, Cadence, Step, is_due, is_over, slot_began_at
from ingestion.tracking.choosing import Known, choose
from ingestion.tracking.matching import is_excluded, is_meant, search_criteria
from ingestion.tracking.paging import Listing
from ingestion.tracking.rules import Exclusions, Rule, Rules
from ingestion.tracking.tracking_file import Plan, TrackingFileError, load_plan, read_plan
from ingestion.wire_format.productions import FoundProduction

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
EXAMPLE = PROJECT_FOLDER / "tracking.example.yaml"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Plan]:
    def read_text(text: str, default_minutes: int = 10) -> Plan:
        path = tmp_path / "tracking.yaml"
        path.write_text(text)
        return read_plan(path, default_minutes)

    return read_text


def rule(**keys: Any) -> Rule:
    return Rule.model_validate({"name": "r", "venue": 1, **keys})


def found(event_id: int = 7, listing_count: int | None = 100, **keys: Any) -> FoundProduction:
    document = {
        "id": event_id,
        "name": "Final",
        "utcDate": (NOW + 10 * DAY).isoformat(),
        "localDate": "2026-12-11T07:00:00-05:00[America/New_York]",
        "venue": {"id": 1},
        "categoryId": 3,
        "performers": [{"id": 105}, {"id": 106}],
        **keys,
    }
    return FoundProduction(event_id, document, listing_count)


def start(at: datetime) -> dict[str, str]:
    return {"utcDate": at.isoformat(), "localDate": at.isoformat()}


# The file -----------------------------------------------------------------------------------------------------------


def test_the_example_is_valid_and_shows_every_key() -> None:
    plan = read_plan(EXAMPLE, 10)
    assert [each.name for each in plan.rules.rules] == ["knicks-at-home", "concerts-soon", "finals", "by-id"]
    written = yaml.safe_load(EXAMPLE.read_text())
    shown = {key for each in written["rules"] for key in each}
    assert shown == set(Rule.model_fields)
    assert set(written) == {*Rules.model_fields, "cadence"}
    assert plan.cadence == Cadence(600, (Step(90 * MINUTE, 60), Step(DAY, 300)))


@pytest.mark.parametrize("text", ["", "# nothing\n", "rules: []", "{}"])
def test_a_file_may_say_nothing(read: Callable[..., Plan], text: str) -> None:
    assert read(text) == Plan(Rules(), Cadence(600))


def test_a_missing_file_is_a_mistake_only_if_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRACKING_FILE", raising=False)
    missing = tmp_path / "tracking.yaml"
    assert load_plan(Settings(_env_file=None), missing) == Plan(Rules(), Cadence(600))
    named = Settings(_env_file=None, tracking_file=missing)
    with pytest.raises(TrackingFileError, match=rf"there is no file {missing}, which TRACKING_FILE names; copy"):
        load_plan(named)
    missing.write_text("rules: [{name: a, venue: 1}]")
    assert [each.name for each in load_plan(named).rules.rules] == ["a"]
    assert load_plan(Settings(_env_file=None), missing) == load_plan(named)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "the file: it must be keys with values"),
        ("rule: []", "rule: there is no such key; those known here are rules, max_events, exclude, cadence"),
        ("rules: {name: a}", "rules: it must be a list"),
        ("rules: [7]", "rule 1: it must be keys with values"),
        ("rules: [{venue: 1}]", "rule 1, name: it is missing; write for example `name: knicks-at-home`"),
        ("rules: [{name: a}]", "rule 1 (a): it does not say what to look for; write events, performer, "),
        ("rules: [{name: a, max_events: 3}]", "rule 1 (a): it does not say what to look for"),
        ("rules: [{name: a, venue: 1}, {name: b, vneue: 2}]", "rule 2 (b), vneue: there is no such key; those known"),
        ("rules: [{name: a, venue: 1}, {name: a, venue: 2}]", "two rules are named 'a'"),
        ('rules: [{name: a, performer: "105"}]', "rule 1 (a), performer: it must be a whole number; write for example"),
        ("rules: [{name: a, performer: yes}]", "rule 1 (a), performer: it must be a whole number; write for example"),
        ("rules: [{name: a, venue: 0}]", "rule 1 (a), venue: input should be greater than 0; write for example"),
        ("rules: [{name: a, category: opera}]", "`category: concerts, sports, theater or an id`"),
        ("rules: [{name: a, search: 5}]", "rule 1 (a), search: it must be text; write for example `search: "),
        ("rules: [{name: a, search: ' '}]", "rule 1 (a), search: "),
        ("rules: [{name: a, events: []}]", "rule 1 (a), events: "),
        ("rules: [{name: a, events: [1, x]}]", "rule 1 (a), event 2: it must be a whole number; write for example"),
        ("rules: [{name: a, events: [1], venue: 2}]", "so venue means nothing beside it; write two rules"),
        ("rules: [{name: a, dates: {}}]", "rule 1 (a), dates: it says neither from nor to; write for example `dates: "),
        (
            "rules: [{name: a, dates: {from: 2026-12-02, to: 2026-12-01}}]",
            "to (2026-12-01) is before from (2026-12-02)",
        ),
        ("rules: [{name: a, dates: {from: 20261201}}]", "rule 1 (a), dates, from: it is a number; write for example"),
        ("rules: [{name: a, dates: {from: 2026-02-30}}]", "is no YAML: day is out of range for month"),
        ("rules: [{name: a, within_days: 1.5}]", "rule 1 (a), within_days: it must be a whole number"),
        ("rules: [{name: a, venue: 1, first: last}]", "`first: soonest or rank`"),
        (
            "rules: [{name: a, venue: 1, exclude: {names: [b]}}]",
            "rule 1 (a), exclude, names: there is no such key; those ",
        ),
        ("max_events: -1", "max_events: input should be greater than 0; write for example `max_events: 1000`"),
        (
            "cadence: [{within: 24, every: 5}]",
            "cadence 1, within: it is no time with a unit; write for example `within: ",
        ),
        ("cadence: [{within: 1:30, every: 5}]", "cadence 1, within: it is no time with a unit"),
        ("cadence: [{within: 0h, every: 5}]", "cadence 1, within: it must be more than 0"),
        ("cadence: [{within: 24h, every: 5m}]", "cadence 1, every: it must be a whole number; write for example"),
        ("cadence: [{within: 24h}]", "cadence 1, every: it is missing"),
        (
            "cadence: [{within: 1d, every: 7}]",
            "cadence, within 1d: every: 7 does not divide an hour; write 1, 2, 3, 4, ",
        ),
        ("cadence: [{within: 1d, every: 20}]", "within 1d: every: 20 is longer than SCRAPER_INTERVAL_MINUTES (10); "),
        (
            "cadence: [{within: 1d, every: 2}, {within: 1h, every: 5}]",
            "within 1h: every: 5 is longer than that within 1d",
        ),
        (
            "cadence: [{within: 1d, every: 4}]",
            "SCRAPER_INTERVAL_MINUTES: 10 is no multiple of 4, the shortest interval",
        ),
        ("cadence: [{within: 1d, every: 5}, {within: 24h, every: 5}]", "cadence: two steps are within 1d; keep one"),
        ("rules: []\nrules: []", "rules is there twice, again in line 2; keep one"),
        ("rules: [", "is no YAML: "),
        ("rules: !!python/object:os.system {}", "is no YAML: "),
    ],
)
def test_what_is_said_of_a_mistake(read: Callable[..., Plan], tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TrackingFileError) as raised:
        read(text)
    assert str(raised.value).startswith(f"{tmp_path / 'tracking.yaml'} is ")
    assert said in str(raised.value)


def test_every_mistake_is_said(read: Callable[..., Plan]) -> None:
    with pytest.raises(TrackingFileError) as raised:
        read("rules: [{name: a}, {nam: b, venue: 1}]\nmax_events: x\n")
    assert len(str(raised.value).splitlines()) == 1 + 4


def test_the_rules_hash_tells_rules_apart_and_nothing_else(read: Callable[..., Plan]) -> None:
    base = "rules: [{name: a, venue: 1}]\nexclude: {name_contains: [x, y, z], events: [3, 1, 2]}\n"
    same = "exclude: {events: [1, 2, 3], name_contains: [z, x, y]}\nrules: [{venue: 1, name: a}]\n"
    assert read(base).rules_hash == read(same).rules_hash
    assert read(base).rules_hash == read(f"{base}cadence: [{{within: 1h, every: 5}}]").rules_hash
    others = {read(text).rules_hash for text in (base, base.replace("1}", "2}"), f"{base}max_events: 5", "rules: []")}
    assert len(others) == 4


# One rule, one production -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, {"venueId": "1"}),
        ({"venue": None, "performer": 105}, {"performerId": "105"}),
        ({"venue": None, "category": "concerts"}, {"categoryId": "2"}),
        ({"venue": None, "category": "sports"}, {"categoryId": "3"}),
        ({"venue": None, "category": "theater"}, {"categoryId": "4"}),
        ({"venue": None, "category": 55}, {"categoryId": "55"}),
        ({"venue": None, "search": " cup final "}, {"query": "cup final"}),
        ({"performer": 5, "first": "rank"}, {"venueId": "1", "performerId": "5", "sortBy": "RANK"}),
        # Always both ends, and a day more on either side: whose days the marketplace counts by is not known.
        ({"within_days": 3}, {"venueId": "1", "startDate": "2026-11-30", "endDate": "2026-12-05"}),
        (
            {"dates": {"from": "2026-12-10", "to": "2026-12-20"}},
            {"venueId": "1", "startDate": "2026-12-09", "endDate": "2026-12-21"},
        ),
        ({"dates": {"to": "2026-12-20"}}, {"venueId": "1", "startDate": "2026-11-30", "endDate": "2026-12-21"}),
        ({"dates": {"from": "2026-12-10"}}, {"venueId": "1", "startDate": "2026-12-09", "endDate": "2028-12-10"}),
        (
            {"dates": {"from": "2026-12-10"}, "within_days": 14},
            {"venueId": "1", "startDate": "2026-12-09", "endDate": "2026-12-16"},
        ),
    ],
)
def test_what_the_marketplace_is_asked(keys: dict[str, Any], expected: dict[str, str]) -> None:
    assert search_criteria(rule(**keys), NOW) == {"excludeParking": "true", **expected}


def test_days_that_are_over_are_not_asked_for() -> None:
    assert search_criteria(rule(dates={"to": "2026-11-28"}), NOW) is None
    assert search_criteria(rule(dates={"from": "2027-12-10"}, within_days=5), NOW) is None


@pytest.mark.parametrize(
    ("keys", "production", "expected"),
    [
        ({}, found(), True),
        ({"venue": 2}, found(), False),
        ({"venue": 2}, found(venue={"id": "2"}), True),
        ({"venue": 2}, found(venue=None), True),  # it does not say, so the search is believed
        ({"performer": 106}, found(), True),
        ({"performer": 107}, found(), False),
        ({"performer": 107}, found(performers=None), True),
        ({"category": "sports"}, found(), True),
        ({"category": "concerts"}, found(), False),
        ({"category": "concerts"}, found(categoryId="2"), True),
        ({"within_days": 10}, found(), True),
        ({"within_days": 10}, found(**start(NOW + 10 * DAY + MINUTE)), False),
        ({"within_days": 10}, found(dateTbd=True), False),
        ({}, found(dateTbd=True), True),
        # Days count by the calendar at the venue.
        ({"dates": {"from": "2026-12-11", "to": "2026-12-11"}}, found(), True),
        ({"dates": {"from": "2026-12-12"}}, found(), False),
        ({"dates": {"to": "2026-12-10"}}, found(), False),
        (
            {"dates": {"to": "2026-12-10"}},
            found(utcDate="2026-12-11T02:00:00Z", localDate="2026-12-10T21:00:00-05:00[America/New_York]"),
            True,
        ),
        ({"dates": {"to": "2026-12-11"}}, found(localDate=None), True),
        ({"dates": {"to": "2026-12-11"}}, found(localDate="soon"), True),
        ({"dates": {"to": "2026-12-31"}}, found(dateTbd=True), False),
        ({"min_listings": 100}, found(), True),
        ({"min_listings": 101}, found(), False),
        ({"min_listings": 1}, found(listing_count=None), False),
        ({}, found(listing_count=0), True),
        ({}, found(name="PARKING PASSES ONLY Final"), False),
        ({}, found(name=None), True),
        ({}, found(**start(NOW + MINUTE)), True),
        ({}, found(**start(NOW)), False),
    ],
)
def test_what_a_rule_means(keys: dict[str, Any], production: FoundProduction, expected: bool) -> None:
    assert is_meant(rule(**keys), production, NOW, is_in=False) is expected


def test_an_event_that_is_in_stays_in_with_fewer_listings_and_until_it_is_over() -> None:
    assert is_meant(rule(min_listings=101), found(), NOW, is_in=True)
    assert is_meant(rule(), found(**start(NOW - SCRAPING_GRACE + MINUTE)), NOW, is_in=True)
    assert not is_meant(rule(), found(**start(NOW - SCRAPING_GRACE)), NOW, is_in=True)


@pytest.mark.parametrize(
    ("exclusions", "expected"),
    [
        ({}, False),
        ({"events": [7]}, True),
        ({"events": [8]}, False),
        ({"name_contains": ["FIN"]}, True),
        ({"name_contains": ["semi", "final"]}, True),
        ({"name_contains": ["semi"]}, False),
    ],
)
def test_what_is_excluded(exclusions: dict[str, Any], expected: bool) -> None:
    assert is_excluded(Exclusions.model_validate(exclusions), 7, found().document) is expected


# Choosing -----------------------------------------------------------------------------------------------------------


def listing(*productions: FoundProduction, problem: str | None = None) -> Listing:
    return Listing({production.event_id: production for production in productions}, problem)


def coming(event_id: int, days: float, **keys: Any) -> FoundProduction:
    return found(event_id, **{**start(NOW + days * DAY), **keys})


def chosen(
    listings: dict[str, Listing], *rules: dict[str, Any], known: tuple[Known, ...] = (), **more: Any
) -> dict[int, str]:
    written = Rules.model_validate({"rules": [{"venue": 1, **each} for each in rules], **more})
    choices = choose(written, listings, {event.event_id: event for event in known}, NOW)
    return {event_id: choice.rule for event_id, choice in choices.items()}


def tracked(event_id: int, rule_name: str | None = "a", **changes: Any) -> Known:
    usual = {"is_tracked": True, "added_by_hand": False, "removed_by_hand": False, "starts_at": NOW + DAY}
    return Known(event_id=event_id, rule=rule_name, **{**usual, **changes})


FOUR = listing(coming(1, 4), coming(2, 3), coming(3, 2), coming(4, 1), coming(5, 0, dateTbd=True))


def test_a_cap_keeps_those_that_start_soonest_and_an_unknown_start_comes_last() -> None:
    assert chosen({"a": FOUR}, {"name": "a", "max_events": 2}) == {4: "a", 3: "a"}
    assert 5 not in chosen({"a": FOUR}, {"name": "a", "max_events": 4})
    # Soonest means soonest: a newcomer that starts earlier takes the place of one that is in.
    assert set(chosen({"a": FOUR}, {"name": "a", "max_events": 1}, known=(tracked(1),))) == {4}


def test_a_cap_by_rank_keeps_the_marketplaces_order_but_those_that_are_in_go_first() -> None:
    by_rank = {"name": "a", "max_events": 2, "first": "rank"}
    assert list(chosen({"a": FOUR}, by_rank)) == [1, 2]
    assert list(chosen({"a": FOUR}, by_rank, known=(tracked(4),))) == [4, 1]


def test_an_event_belongs_to_the_first_rule_that_chooses_it() -> None:
    listings = {"a": listing(coming(3, 2), coming(4, 1)), "b": FOUR}
    expected = {4: "a", 3: "b", 2: "b"}
    assert chosen(listings, {"name": "a", "max_events": 1}, {"name": "b", "max_events": 2}) == expected


def test_the_overall_cap_is_filled_in_the_order_of_the_file() -> None:
    listings = {"a": listing(coming(1, 9), coming(2, 8)), "b": listing(coming(3, 1), coming(4, 2))}
    assert chosen(listings, {"name": "a"}, {"name": "b"}, max_events=3) == {2: "a", 1: "a", 3: "b"}


def test_events_added_or_removed_by_hand_take_no_place() -> None:
    known = (tracked(4, added_by_hand=True), tracked(3, is_tracked=False, removed_by_hand=True))
    assert set(chosen({"a": FOUR}, {"name": "a", "max_events": 1}, known=known, max_events=1)) == {4, 3, 2}


def test_named_events_are_chosen_unless_they_are_excluded_or_over() -> None:
    named = {"name": "a", "venue": None, "events": [1, 2, 3]}
    over = tracked(3, starts_at=NOW - DAY)
    assert chosen({}, named, known=(over,), exclude={"events": [2]}) == {1: "a"}


def test_exclusions_of_a_rule_are_its_own_and_those_of_the_file_are_for_all() -> None:
    listings = {"a": FOUR, "b": FOUR}
    rules = ({"name": "a", "exclude": {"events": [4]}}, {"name": "b"})
    assert chosen(listings, *rules)[4] == "b"
    assert 4 not in chosen(listings, *rules, exclude={"events": [4]})


def test_an_incomplete_listing_pushes_nobody_out() -> None:
    known = (tracked(8), tracked(9, "b"), tracked(10, starts_at=NOW - DAY))
    listings = {"a": listing(coming(1, 0.5), problem="page 2 failed"), "b": listing(coming(2, 0.5))}
    rules = ({"name": "a", "max_events": 1}, {"name": "b", "max_events": 2})
    assert chosen(listings, *rules, known=known) == {8: "a", 9: "b", 2: "b"}
    complete = {**listings, "a": listing(coming(1, 0.5))}
    assert chosen(complete, *rules, known=known) == {1: "a", 2: "b"}


# The cadence --------------------------------------------------------------------------------------------------------

TIGHTENING = Cadence(600, (Step(HOUR, 60), Step(DAY, 300)))


@pytest.mark.parametrize(
    ("starts_in", "expected"),
    [
        (None, 600),
        (DAY + timedelta(seconds=1), 600),
        (DAY, 300),
        (HOUR + timedelta(seconds=1), 300),
        (HOUR, 60),
        (timedelta(0), 60),
        (-timedelta(seconds=1), 600),
    ],
)
def test_the_interval_by_time_to_start(starts_in: timedelta | None, expected: int) -> None:
    starts_at = None if starts_in is None else NOW + starts_in
    assert TIGHTENING.interval_seconds(starts_at, NOW) == expected


def test_the_next_change_of_the_interval() -> None:
    assert TIGHTENING.next_change(NOW + 2 * DAY, NOW) == (NOW + DAY, 300)
    assert TIGHTENING.next_change(NOW + DAY, NOW) == (NOW + 23 * HOUR, 60)
    assert TIGHTENING.next_change(NOW + HOUR, NOW) is None
    assert TIGHTENING.next_change(None, NOW) is None


@pytest.mark.parametrize(("cadence", "minutes"), [(Cadence(600), 10), (TIGHTENING, 1), (Cadence(3600), 60)])
def test_rounds_begin_at_the_shortest_interval(cadence: Cadence, minutes: int) -> None:
    assert cadence.tightest_minutes == minutes


@pytest.mark.parametrize(
    ("last", "now", "interval", "expected"),
    [
        (None, "12:00:00", 600, True),
        ("11:50:05", "12:00:04", 600, True),  # a little less than the interval ago: the schedule's jitter
        ("11:53:30", "12:00:00", 600, True),  # captured at the end of a long round
        ("12:00:00", "12:00:01", 600, False),
        ("12:00:00", "12:09:59", 600, False),
        ("12:00:00", "12:10:00", 600, True),
        ("11:00:30", "11:59:59", 3600, False),
        ("11:59:59", "12:00:00", 3600, True),
    ],
)
def test_an_event_is_due_once_in_every_slot(last: str | None, now: str, interval: int, expected: bool) -> None:
    def at(clock: str) -> datetime:
        return datetime.fromisoformat(f"2026-12-01T{clock}+00:00")

    assert is_due(at(last) if last else None, at(now), interval) is expected


def test_slots_begin_at_the_full_minutes_of_the_hour() -> None:
    assert slot_began_at(datetime(2026, 12, 1, 12, 47, 31, 5, UTC), 900) == datetime(2026, 12, 1, 12, 45, tzinfo=UTC)


def test_an_event_is_over_well_after_its_start() -> None:
    assert is_over(NOW - SCRAPING_GRACE, NOW)
    assert not is_over(NOW - SCRAPING_GRACE + MINUTE, NOW)
    assert not is_over(None, NOW)


def test_a_day_of_a_rule_is_a_date() -> None:
    dates = rule(dates={"from": "2026-12-01"}).dates
    assert dates is not None
    assert dates.from_day == date(2026, 12, 1)
