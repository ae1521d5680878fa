"""Rules at work on the sandbox: events enter, leave and return by themselves, and nothing is lost by half an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion.database import Database
from ingestion.marketplace import open_marketplace
from ingestion.scraping import scrape_round
from ingestion.settings import Settings
from ingestion.tracking import (
    GONE,
    HIDDEN,
    ON_SALE,
    Cadence,
    Plan,
    TrackingReport,
    describe,
    events_to_scrape,
    list_tracked,
    rehearse_discovery,
    track,
    untrack,
    update_tracking,
)
from ingestion.tracking.cadence import slot_began_at
from ingestion.tracking.discovery import DISCOVERY_AFTER, RETRY_AFTER, is_discovery_due
from ingestion.tracking.rules import Rules
from ingestion.tracking.versions import NOT_FOUND_TO_BE_GONE
from sandbox.marketplace import error
from sandbox.randomness import DEFAULT_SEED
from sandbox.server import app_of
from tests.integration.ingestion.bent_sandbox import PAGE_SIZE, BentSandbox, Page, events_at
from tests.integration.ingestion.conftest import Finished
from tests.integration.ingestion.marketplaces import serving

VENUE = 100
HOUR = timedelta(hours=1)
EVERY = Cadence(600)


@pytest.fixture
def bent() -> BentSandbox:
    return BentSandbox()


@pytest.fixture
def bent_url(bent: BentSandbox) -> Iterator[str]:
    with serving(app_of(bent, DEFAULT_SEED)) as url:
        yield url


class Tracker:
    """Runs rules on the bent sandbox, in the test's database."""

    def __init__(self, settings: Settings, connection: psycopg.Connection[Any]) -> None:
        self.settings = settings
        self.connection = connection
        self.rules: dict[str, Any] = {"rules": [{"name": "venue", "venue": VENUE}]}

    @property
    def plan(self) -> Plan:
        """The rules in force."""
        return Plan(Rules.model_validate(self.rules), EVERY)

    def update(self, *, discover_now: bool = True, rehearse: bool = False) -> TrackingReport:
        """What the asset does in a round, with the rules run in any case or only if they are due."""

        async def run() -> TrackingReport:
            with Database(self.settings.require_database_url()) as database:
                async with open_marketplace(self.settings, database) as marketplace:
                    if rehearse:
                        return await rehearse_discovery(database, marketplace, self.plan)
                    return await update_tracking(database, marketplace, self.plan, discover_now=discover_now)

        return asyncio.run(run())

    def scrape(self, *, only_due: bool = True) -> list[int]:
        """A round; says which events it took."""
        with Database(self.settings.require_database_url()) as database:
            events = events_to_scrape(database.connection, EVERY, datetime.now(UTC))
            intervals = events.due if only_due else events.intervals
            scrape_round(self.settings, database, intervals)
        return list(intervals)

    def tracked(self) -> set[int]:
        """The events that are tracked."""
        return {event.event_id for event in list_tracked(self.connection) if event.is_tracked}

    def forget_asking(self) -> None:
        """As if an hour and more had gone by since the productions were asked about."""
        self.connection.execute(
            "update raw.tracked_events set production_checked_at = production_checked_at - '25h'::interval"
        )

    def versions(self, event_id: int) -> list[Any]:
        """The states of an event, oldest first, with the starts from which it has moved."""
        return self.connection.execute(
            "select state, moved_from_at from raw.productions where event_id = %s order by observed_at", (event_id,)
        ).fetchall()


@pytest.fixture
def tracker(settings_for: Callable[[str], Settings], bent_url: str, connection: psycopg.Connection[Any]) -> Tracker:
    return Tracker(settings_for(bent_url), connection)


@pytest.fixture(scope="module")
def at_venue() -> list[int]:
    """The events of the venue that are certain to start in hours to come."""
    soon = datetime.now(UTC) + HOUR
    return [event.event_id for event in events_at(VENUE) if event.starts_at > soon]


# Entering and leaving ------------------------------------------------------------------------------------------------


def test_what_a_rule_finds_enters_over_all_pages_with_its_production(
    tracker: Tracker, bent: BentSandbox, at_venue: list[int]
) -> None:
    report = tracker.update()
    assert report.discovery is not None
    assert report.discovery.problems == {}
    assert len(at_venue) > 2 * PAGE_SIZE
    assert tracker.tracked() >= set(at_venue)
    assert {event.event_id for event in report.discovery.entered} == tracker.tracked()
    # Each item is a whole production, so none is asked for again.
    assert bent.asked == {"productions": -(-len(tracker.tracked()) // PAGE_SIZE)}
    listed = list_tracked(tracker.connection)
    assert {(event.rule, event.added_by_hand, event.state, event.name is None) for event in listed} == {
        ("venue", False, ON_SALE, False)
    }
    assert tracker.versions(at_venue[0]) == [(ON_SALE, None)]
    assert report.turned(ON_SALE) == []  # that is no news of an event that was not known before

    again = tracker.update(discover_now=False)
    assert again.discovery is None
    assert list(describe(again)) == []


def test_events_leave_when_no_rule_finds_them_and_return(
    tracker: Tracker, bent: BentSandbox, at_venue: list[int]
) -> None:
    tracker.rules["rules"].append({"name": "same", "search": "a", "venue": VENUE})
    tracker.update()
    bent.unlisted = {at_venue[0]}
    bent.changes = {at_venue[0]: {"hidden": True}}
    report = tracker.update()
    (left,) = report.left
    assert (left.event_id, left.rule, left.why) == (at_venue[0], "venue", "no rule finds it any more")
    assert at_venue[0] not in tracker.tracked()
    # One last look says what has become of it.
    assert [change.event_id for change in report.turned(HIDDEN)] == [at_venue[0]]
    assert bent.asked["production"] == 1
    tracker.update()
    assert bent.asked["production"] == 1

    bent.unlisted, bent.changes = set(), {}
    report = tracker.update()
    assert report.discovery is not None
    assert [event.event_id for event in report.discovery.entered] == [at_venue[0]]
    assert at_venue[0] in tracker.tracked()
    assert [state for state, _ in tracker.versions(at_venue[0])] == [ON_SALE, HIDDEN, ON_SALE]


def test_other_rules_find_other_events(tracker: Tracker, at_venue: list[int]) -> None:
    tracker.update()
    tracker.rules = {"rules": [{"name": "soonest", "venue": VENUE, "max_events": 2, "within_days": 400}]}
    report = tracker.update(discover_now=False)
    assert report.discovery is not None
    assert report.discovery.found_count == 2
    assert len(tracker.tracked()) == 2
    assert {event.rule for event in list_tracked(tracker.connection)} == {"soonest"}
    tracker.rules = {"rules": [{"name": "named", "events": at_venue[-2:]}]}
    tracker.update(discover_now=False)
    assert tracker.tracked() == set(at_venue[-2:])
    assert {event.name is None for event in list_tracked(tracker.connection)} == {False}
    tracker.rules = {}
    tracker.update(discover_now=False)
    assert tracker.tracked() == set()


def test_an_event_that_is_over_leaves_even_if_a_page_fails(
    tracker: Tracker, bent: BentSandbox, at_venue: list[int]
) -> None:
    tracker.update()
    tracker.connection.execute(
        "update raw.productions set starts_at = now() - interval '7 hours' where event_id = %s", (at_venue[0],)
    )
    bent.unlisted = {at_venue[0], at_venue[1]}
    bent.bend_page = lambda page: {**page, "total": page["total"] + 1}
    report = tracker.update()
    assert [(left.event_id, left.why) for left in report.left] == [(at_venue[0], "over")]
    assert at_venue[1] in tracker.tracked()


# Half an answer ------------------------------------------------------------------------------------------------------

SECOND_PAGE: dict[str, Callable[[Page], Any]] = {
    "asked for page 2, got page 1": lambda page: {**page, "page": 1},
    "asked for page 2, got page 3": lambda page: {**page, "page": "3"},
    "page 2 of": lambda page: {**page, "items": []},
    "not_found: ": lambda _: error(HTTPStatus.NOT_FOUND, "no such page"),
    "access_denied: ": lambda _: error(HTTPStatus.FORBIDDEN, "no"),
    "bad_payload: no page of productions: 'total' is missing": lambda _: {"page": 2, "numberOfPages": 4},
    "bad_payload: no page of productions: 'id' is missing": lambda page: {**page, "items": [{"name": "no id"}]},
    "bad_payload: no page of productions: 'NoneType' object": lambda page: {**page, "items": None},
    f"{2 * PAGE_SIZE} productions on 2 pages": lambda page: {**page, "numberOfPages": 2},
}
EVERY_PAGE: dict[str, Callable[[Page], Any]] = {
    f"{PAGE_SIZE} productions on 1 pages, where": lambda page: {**page, "page": 1, "numberOfPages": 1},
    "were said to be": lambda page: {**page, "total": page["total"] + 1},
    "where 1 were said to be": lambda page: {**page, "total": 1},
    # As a market that moves between two pages: one is there twice, another is not.
    "productions on": lambda page: {**page, "items": [*page["items"][1:], page["items"][1]]},
}


@pytest.mark.parametrize(
    ("bend", "problem"),
    [
        *(
            ((lambda page, bend=bend: bend(page) if page["page"] == 2 else page), said)
            for said, bend in SECOND_PAGE.items()
        ),
        *((bend, said) for said, bend in EVERY_PAGE.items()),
    ],
    ids=[*SECOND_PAGE, *EVERY_PAGE],
)
def test_half_an_answer_makes_nobody_leave(
    tracker: Tracker, bent: BentSandbox, bend: Callable[[Page], Any], problem: str
) -> None:
    tracker.update()
    before = tracker.tracked()
    bent.bend_page = bend
    report = tracker.update()
    assert report.discovery is not None
    assert problem in report.discovery.problems["venue"]
    assert report.left == []
    assert tracker.tracked() == before
    assert any(line.startswith("the rule venue was not answered in full") for line in describe(report))
    kept = tracker.connection.execute(
        "select is_complete, problems from raw.discoveries order by started_at"
    ).fetchall()
    assert kept == [(True, {}), (False, report.discovery.problems)]


def test_newcomers_of_half_an_answer_take_free_places_only(tracker: Tracker, bent: BentSandbox) -> None:
    tracker.rules = {"rules": [{"name": "venue", "venue": VENUE, "max_events": 5}]}
    bent.unlisted = {event.event_id for event in events_at(VENUE)[:3]}
    tracker.update()
    before = tracker.tracked()
    bent.unlisted = set()
    bent.bend_page = lambda page: {**page, "total": page["total"] + 1}
    tracker.rules["rules"][0]["max_events"] = 6
    tracker.update()
    assert tracker.tracked() > before
    assert len(tracker.tracked()) == 6


def test_a_marketplace_that_turns_us_away_makes_nobody_leave(tracker: Tracker, bent: BentSandbox) -> None:
    tracker.rules["rules"] = [{"name": f"rule {n}", "venue": VENUE} for n in range(5)]
    tracker.update()
    before, asked = tracker.tracked(), bent.asked["productions"]
    bent.bend_page = lambda _: error(HTTPStatus.FORBIDDEN, "no")
    report = tracker.update()
    assert report.discovery is not None
    assert len(report.discovery.problems) == 5
    assert bent.asked["productions"] == asked + 3  # then the circuit breaker is open
    assert "nothing is asked before" in report.discovery.problems["rule 4"]
    assert tracker.tracked() == before


def test_the_rules_are_run_hourly_and_when_they_change(tracker: Tracker, bent: BentSandbox) -> None:
    now = datetime.now(UTC)
    assert is_discovery_due(tracker.connection, tracker.plan, now)
    bent.bend_page = lambda page: {**page, "page": 99}
    tracker.update()
    assert not is_discovery_due(tracker.connection, tracker.plan, now + RETRY_AFTER)
    assert is_discovery_due(tracker.connection, tracker.plan, datetime.now(UTC) + RETRY_AFTER)
    bent.bend_page = lambda page: page
    tracker.update()
    later = datetime.now(UTC)
    assert not is_discovery_due(tracker.connection, tracker.plan, later)
    assert not is_discovery_due(tracker.connection, tracker.plan, now + DISCOVERY_AFTER)
    assert is_discovery_due(tracker.connection, tracker.plan, later + DISCOVERY_AFTER)
    tracker.rules["max_events"] = 7
    assert is_discovery_due(tracker.connection, tracker.plan, later)


def test_a_rehearsal_keeps_nothing(tracker: Tracker) -> None:
    rehearsed = tracker.update(rehearse=True)
    assert tracker.tracked() == set()
    assert (
        tracker.connection.execute("select from raw.productions union all select from raw.discoveries").fetchall() == []
    )
    done = tracker.update()
    assert rehearsed.discovery is not None
    assert done.discovery is not None
    assert rehearsed.discovery.entered == done.discovery.entered


# By hand -------------------------------------------------------------------------------------------------------------


def test_by_hand_goes_before_every_rule(tracker: Tracker, bent: BentSandbox, at_venue: list[int]) -> None:
    found, other = at_venue[0], events_at(VENUE + 1)[-1].event_id
    track(tracker.connection, [other], 600)
    tracker.update()
    assert tracker.tracked() >= {found, other}
    assert untrack(tracker.connection, [found]) == 1
    report = tracker.update()
    assert report.discovery is not None
    assert (report.discovery.entered, report.left) == ([], [])
    listed = {event.event_id: event for event in list_tracked(tracker.connection)}
    assert listed[found].why_not_scraped(datetime.now(UTC)) == "removed by hand, though the rule venue finds it"
    assert found not in tracker.tracked()
    assert (listed[other].added_by_hand, listed[other].rule) == (True, None)

    track(tracker.connection, [found], 600)
    bent.unlisted = {found}
    tracker.update()
    assert found in tracker.tracked()
    (event,) = list_tracked(tracker.connection, [found])
    assert (event.added_by_hand, event.rule) == (True, None)


def test_what_was_removed_by_hand_and_is_found_no_more_is_not_listed(
    tracker: Tracker, bent: BentSandbox, at_venue: list[int]
) -> None:
    tracker.update()
    untrack(tracker.connection, at_venue[:1])
    bent.unlisted = {at_venue[0]}
    tracker.update()
    assert at_venue[0] not in {event.event_id for event in list_tracked(tracker.connection)}
    (event,) = list_tracked(tracker.connection, at_venue[:1])
    assert event.why_not_scraped(datetime.now(UTC)) == "removed by hand"


# What becomes of events ----------------------------------------------------------------------------------------------


def test_a_moved_date_is_noticed_kept_and_shown(tracker: Tracker, bent: BentSandbox, at_venue: list[int]) -> None:
    event_id = at_venue[-1]
    tracker.update()
    (before,) = list_tracked(tracker.connection, [event_id])
    assert before.starts_at is not None
    moved_to = before.starts_at + timedelta(days=1)
    bent.changes = {event_id: {"utcDate": moved_to.isoformat()}}
    report = tracker.update()
    assert [(change.event_id, change.moved_from_at) for change in report.moved] == [(event_id, before.starts_at)]
    assert f"event {event_id} moved ({before.name}): from {before.starts_at} to {moved_to}" in describe(report)
    bent.changes[event_id]["name"] = "Another name"
    assert tracker.update().moved == []
    (after,) = list_tracked(tracker.connection, [event_id])
    assert (after.starts_at, after.moved_from_at) == (moved_to, before.starts_at)

    # Postponed without a new day, then given one: each is a move; being given the same day again is none.
    bent.changes[event_id]["dateTbd"] = True
    assert [change.starts_at for change in tracker.update().moved] == [None]
    bent.changes[event_id]["dateTbd"] = False
    assert tracker.update().moved == []
    assert [moved for _, moved in tracker.versions(event_id)] == [None, before.starts_at, None, moved_to, None]


def test_an_event_by_hand_that_is_hidden_and_back(tracker: Tracker, bent: BentSandbox, at_venue: list[int]) -> None:
    tracker.rules = {}
    track(tracker.connection, at_venue[:1], 600)
    tracker.update()
    bent.changes = {at_venue[0]: {"hidden": True}}
    assert tracker.update().changes == []  # not yet due
    tracker.forget_asking()
    report = tracker.update()
    assert f"event {at_venue[0]} is hidden" in next(iter(describe(report)))
    assert tracker.scrape() == at_venue[:1]
    bent.changes = {}
    tracker.forget_asking()
    assert [change.event_id for change in tracker.update().turned(ON_SALE)] == at_venue[:1]


def test_a_streak_of_404s_of_the_production_means_gone_and_one_means_nothing(
    tracker: Tracker, bent: BentSandbox, at_venue: list[int]
) -> None:
    tracker.rules = {}
    track(tracker.connection, at_venue[:1], 600)
    tracker.update()
    bent.gone_productions = {at_venue[0]}
    for turn in range(1, NOT_FOUND_TO_BE_GONE):
        tracker.forget_asking()
        report = tracker.update()
        assert (turn, report.turned(GONE)) == (turn, [])
    bent.gone_productions = set()
    tracker.forget_asking()
    tracker.update()
    bent.gone_productions = {at_venue[0]}
    for _ in range(NOT_FOUND_TO_BE_GONE):
        tracker.forget_asking()
        report = tracker.update()
    assert [change.event_id for change in report.turned(GONE)] == at_venue[:1]
    (event,) = list_tracked(tracker.connection)
    assert (event.state, event.name is None) == (GONE, False)
    assert str(event.why_not_scraped(datetime.now(UTC))).startswith("gone")

    bent.gone_productions = set()
    tracker.forget_asking()
    assert [change.event_id for change in tracker.update().turned(ON_SALE)] == at_venue[:1]
    assert [state for state, _ in tracker.versions(at_venue[0])] == [ON_SALE, GONE, ON_SALE]


def test_a_production_that_is_not_found_while_its_listings_are_is_not_gone(
    tracker: Tracker, bent: BentSandbox, at_venue: list[int]
) -> None:
    tracker.rules = {}
    track(tracker.connection, at_venue[:1], 600)
    bent.gone_productions = {at_venue[0]}
    for _ in range(NOT_FOUND_TO_BE_GONE + 1):
        tracker.forget_asking()
        report = tracker.update()
        tracker.scrape(only_due=False)
    assert report.turned(GONE) == []


def test_a_streak_of_404s_of_the_listings_means_gone_until_they_are_back(
    tracker: Tracker, bent: BentSandbox, at_venue: list[int]
) -> None:
    tracker.rules = {}
    event_ids = at_venue[:2]
    track(tracker.connection, event_ids, 600)
    tracker.update()
    bent.gone_listings = {event_ids[0]}
    for _ in range(NOT_FOUND_TO_BE_GONE):
        assert tracker.update().turned(GONE) == []
        assert event_ids[0] in tracker.scrape()  # a failure is due again at once
    assert [change.event_id for change in tracker.update().turned(GONE)] == event_ids[:1]
    # What is gone is not asked for again within the hour, whatever its production says.
    tracker.forget_asking()
    assert tracker.update().changes == []
    (failed_at,) = tracker.connection.execute("select max(attempted_at) from raw.scrape_failures").fetchone() or ()
    hour_at = slot_began_at(failed_at, 3600)
    for minutes, is_due in ((59, False), (60, True)):
        at = hour_at + timedelta(minutes=minutes)
        assert (event_ids[0] in events_to_scrape(tracker.connection, EVERY, at).due) is is_due
    intervals = {event.event_id: event.interval_seconds for event in list_tracked(tracker.connection)}
    assert intervals == {event_ids[0]: 3600, event_ids[1]: 600}

    tracker.connection.execute("update raw.scrape_failures set attempted_at = attempted_at - interval '1 hour'")
    bent.gone_listings = set()
    assert event_ids[0] in tracker.scrape()
    assert [change.event_id for change in tracker.update().turned(ON_SALE)] == event_ids[:1]
    assert [state for state, _ in tracker.versions(event_ids[0])] == [ON_SALE, GONE, ON_SALE]


@pytest.mark.parametrize(
    ("kinds", "streak"),
    [
        (["not_found"] * 3, 3),
        (["not_found", "timeout", "not_found", "rate_limited"], 2),
        # Whatever came with status 200 was of an event that is there.
        (["not_found", "not_found", "count_mismatch", "not_found"], 1),
        (["not_found", "blocked", "not_found"], 2),
        (["count_mismatch"], 0),
        ([], 0),
    ],
)
def test_what_is_a_streak(connection: psycopg.Connection[Any], kinds: list[str], streak: int) -> None:
    status = {"not_found": 404, "timeout": None, "rate_limited": 429, "count_mismatch": 200, "blocked": 200}
    for n, kind in enumerate(kinds):
        connection.execute(
            "insert into raw.scrape_failures (event_id, attempted_at, kind, message, http_status)"
            " values (7, now() + %s * interval '1 minute', %s, '', %s)",
            (n, kind, status[kind]),
        )
    assert connection.execute("select raw.not_found_streak(7)").fetchone() == (streak,)


def test_an_event_that_nobody_knows_is_gone_after_a_streak(tracker: Tracker) -> None:
    tracker.rules = {}
    track(tracker.connection, [1], 600)
    for _ in range(NOT_FOUND_TO_BE_GONE):
        tracker.forget_asking()
        report = tracker.update()
    assert [(change.event_id, change.name) for change in report.turned(GONE)] == [(1, None)]
    assert "event 1 is gone (no name known)" in describe(report)


def test_an_event_that_is_over_is_asked_about_once_a_day_and_scraped_again_when_it_has_moved(
    tracker: Tracker, bent: BentSandbox, at_venue: list[int]
) -> None:
    tracker.rules = {}
    track(tracker.connection, at_venue[:1], 600)
    bent.changes = {at_venue[0]: {"utcDate": (datetime.now(UTC) - timedelta(hours=7)).isoformat()}}
    tracker.update()
    assert tracker.scrape() == []
    (event,) = list_tracked(tracker.connection)
    assert event.why_not_scraped(datetime.now(UTC)) == "over"
    asked = bent.asked["production"]
    tracker.connection.execute("update raw.tracked_events set production_checked_at = now() - interval '23 hours'")
    tracker.update()
    assert bent.asked["production"] == asked
    bent.changes = {}
    tracker.forget_asking()
    tracker.update()
    assert tracker.scrape() == at_venue[:1]


# The command ---------------------------------------------------------------------------------------------------------


def test_the_command(
    ticketmarts: Callable[..., Finished], bent: BentSandbox, bent_url: str, tmp_path: Path, at_venue: list[int]
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        f"rules: [{{name: named, venue: {VENUE}, max_events: 2, first: rank}}]\n"
        "cadence: [{within: 3000d, every: 5}]\n"
    )

    def run(*arguments: object) -> Finished:
        return ticketmarts(*arguments, marketplace=bent_url, TRACKING_FILE=str(rules))

    rehearsal = run("track", "discover", "--dry-run")
    assert rehearsal.returncode == 0, rehearsal.stderr
    assert rehearsal.stderr.decode().splitlines()[-1] == "2 events found by the rules; 2 entered, 0 left"
    done = run("track", "discover", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    entered = [event["event_id"] for event in answer["entered"]]
    assert (answer["found"], len(entered), answer["left"], answer["problems"]) == (2, 2, [], {})

    removed = run("track", "remove", entered[0])
    assert (removed.returncode, removed.stderr) == (0, b"1 of 1 events are no longer tracked\n")
    assert b"removed by hand, though the rule named finds it" in removed.stdout
    added = run("track", "add", at_venue[-1])
    assert added.returncode == 0
    assert b"hand" in added.stdout
    listed = {event["event_id"]: event for event in json.loads(run("track", "list", "--json").stdout)}
    assert listed[entered[0]]["not_scraped_because"] == "removed by hand, though the rule named finds it"
    assert listed[entered[1]]["not_scraped_because"] is None
    assert (listed[entered[1]]["rule"], listed[entered[1]]["interval_seconds"]) == ("named", 300)
    assert b"rule named" in run("track", "list").stdout

    bent.bend_page = lambda page: {**page, "total": 10_000}
    incomplete = run("track", "discover")
    assert incomplete.returncode == 1
    assert "the rule named was not answered in full, so no event leaves: " in incomplete.stderr.decode()

    rules.write_text("rules: [{name: named, vneue: 5}]\n")
    for command in (["track", "discover"], ["track", "list"], ["scrape"]):
        wrong = run(*command)
        assert wrong.returncode == 1
        assert wrong.stderr.decode().startswith(
            f"error: {rules} is wrong:\n  rule 1 (named), vneue: there is no such key"
        )
