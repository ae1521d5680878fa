"""Running the rules: events enter and leave by themselves.

What belongs here: the flow, ``raw.discoveries``, and writing the choice into ``raw.tracked_events``. What does not:
searching (``paging``) and choosing (``choosing``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ingestion.database import Database
from ingestion.marketplace import Marketplace
from ingestion.tracking.cadence import SCRAPING_GRACE
from ingestion.tracking.choosing import Choice, Known, choose
from ingestion.tracking.matching import search_criteria
from ingestion.tracking.paging import Listing, list_productions
from ingestion.tracking.tracking_file import Plan
from ingestion.tracking.versions import ProductionChange, lock_versions, save_productions

DISCOVERY_AFTER = timedelta(minutes=55)
"""An hour, less what a tick of the schedule may be early against the one that found last."""
RETRY_AFTER = timedelta(minutes=9)
"""After a run that was not answered in full: not at every tick, since it may be a hundred pages each time."""


@dataclass(frozen=True)
class Entered:
    """An event that a rule has brought in."""

    event_id: int
    name: str | None
    rule: str


@dataclass(frozen=True)
class Left:
    """An event that is no longer tracked, with the rule that brought it and why it left."""

    event_id: int
    name: str | None
    rule: str | None
    why: str


@dataclass
class DiscoveryReport:
    """What running the rules did; ``problems`` says by rule why its listing is not complete."""

    found_count: int = 0
    entered: list[Entered] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    changes: list[ProductionChange] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def is_discovery_due(connection: psycopg.Connection[Any], plan: Plan, now: datetime) -> bool:
    """Whether the rules have changed, or were last run about an hour ago, less where one was not answered in full."""
    last = connection.execute(
        "select rules_hash, started_at, is_complete from raw.discoveries order by started_at desc limit 1"
    ).fetchone()
    if last is None or last[0] != plan.rules_hash:
        return True
    _, started_at, was_complete = last
    return bool(plan.rules.rules) and started_at < now - (DISCOVERY_AFTER if was_complete else RETRY_AFTER)


async def discover(
    database: Database, marketplace: Marketplace, plan: Plan, now: datetime, *, is_rehearsal: bool = False
) -> DiscoveryReport:
    """Run the rules as of ``now``; a rehearsal reports what would happen and keeps nothing.

    An event enters when a rule finds it, and leaves when none does any more. Where a listing is not complete, none
    leaves. Events that a person has added stay, those that a person has removed stay out.
    """
    listings = {}
    for rule in plan.rules.rules:
        if rule.events is None:
            criteria = search_criteria(rule, now)
            listings[rule.name] = Listing() if criteria is None else await list_productions(marketplace, criteria)
    return database.run(lambda connection: _store(connection, plan, listings, now, is_rehearsal=is_rehearsal))


def let_go_what_is_over(connection: psycopg.Connection[Any], now: datetime) -> list[Left]:
    """Stop tracking the events that rules have brought in and that are over."""
    return _leave(connection, [], now, is_complete=False, ask_once_more=False)


def _store(
    connection: psycopg.Connection[Any],
    plan: Plan,
    listings: Mapping[str, Listing],
    now: datetime,
    *,
    is_rehearsal: bool,
) -> DiscoveryReport:
    report = DiscoveryReport(problems={name: each.problem for name, each in listings.items() if each.problem})
    with connection.transaction(force_rollback=is_rehearsal):
        lock_versions(connection)
        # One at a time, and nobody adds or removes by hand between the look and what follows from it.
        connection.execute("lock table raw.tracked_events in share row exclusive mode")
        known = _known(connection)
        chosen = choose(plan.rules, listings, known, now)
        wanted = {
            event_id: choice
            for event_id, choice in chosen.items()
            if event_id not in known or not known[event_id].removed_by_hand
        }
        documents = {event_id: each.document for event_id, each in wanted.items() if each.document is not None}
        _note_rules(connection, plan, chosen, now, forget_others=not report.problems)
        report.found_count = len(wanted)
        report.entered = [
            Entered(event_id, (choice.document or {}).get("name"), choice.rule)
            for event_id, choice in wanted.items()
            if event_id not in known or not known[event_id].is_tracked
        ]
        last = connection.execute(
            "select rules_hash from raw.discoveries where is_complete order by started_at desc limit 1"
        ).fetchone()
        report.left = _leave(
            connection,
            list(chosen),
            now,
            is_complete=not report.problems,
            # What leaves since a person has changed the rules is where it was; it may be a thousand events.
            ask_once_more=last == (plan.rules_hash,),
        )
        report.changes = save_productions(connection, documents, datetime.now(UTC))
        _note_run(connection, plan, report, now)
    return report


def _known(connection: psycopg.Connection[Any]) -> dict[int, Known]:
    with connection.cursor(row_factory=class_row(Known)) as cursor:
        rows = cursor.execute(
            """
            select
                t.event_id, t.is_tracked, t.added_by_hand and t.is_tracked as added_by_hand, t.removed_by_hand,
                t.rule, newest.starts_at
            from raw.tracked_events as t
            left join lateral (
                select p.starts_at from raw.productions as p
                where p.event_id = t.event_id order by p.observed_at desc limit 1
            ) as newest on true
            """
        ).fetchall()
    return {row.event_id: row for row in rows}


def _note_rules(
    connection: psycopg.Connection[Any], plan: Plan, chosen: Mapping[int, Choice], now: datetime, *, forget_others: bool
) -> None:
    connection.execute(
        """
        insert into raw.tracked_events (event_id, interval_seconds, added_by_hand, rule, added_at)
        select g.event_id, g.interval_seconds, false, g.rule, %(now)s
        from unnest(%(event_ids)s::bigint[], %(intervals)s::integer[], %(rules)s::text[])
            as g (event_id, interval_seconds, rule)
        on conflict (event_id) do update
        set rule = excluded.rule,
            is_tracked = not tracked_events.removed_by_hand,
            left_at = case when tracked_events.removed_by_hand then tracked_events.left_at end
        """,
        {
            "now": now,
            "event_ids": list(chosen),
            "intervals": [plan.cadence.interval_seconds(choice.starts_at, now) for choice in chosen.values()],
            "rules": [choice.rule for choice in chosen.values()],
        },
    )
    if forget_others:
        connection.execute(
            "update raw.tracked_events set rule = null where rule is not null and (added_by_hand or not is_tracked)"
            " and not (event_id = any(%s))",
            (list(chosen),),
        )


def _leave(
    connection: psycopg.Connection[Any],
    chosen: list[int],
    now: datetime,
    *,
    is_complete: bool,
    ask_once_more: bool,
) -> list[Left]:
    """Let go what no rule has chosen, if that can be known, and what is over in any case.

    With ``ask_once_more``, the next refresh has a last look at what has become of those that are not over.
    """
    with connection.cursor(row_factory=class_row(Left)) as cursor:
        return cursor.execute(
            """
            with leaving as (
                select t.event_id, newest.name, t.rule,
                    case
                        when coalesce(newest.starts_at <= %(over_before)s, false) then 'over'
                        else 'no rule finds it any more'
                    end as why
                from raw.tracked_events as t
                left join lateral (
                    select p.starts_at, p.document ->> 'name' as name from raw.productions as p
                    where p.event_id = t.event_id order by p.observed_at desc limit 1
                ) as newest on true
                where t.is_tracked and not t.added_by_hand and not t.event_id = any(%(chosen)s)
                    and (%(is_complete)s or newest.starts_at <= %(over_before)s)
            ),
            gone as (
                update raw.tracked_events as t
                set is_tracked = false, left_at = %(now)s,
                    production_checked_at = case
                        when l.why = 'over' or not %(ask_once_more)s then coalesce(t.production_checked_at, %(now)s)
                    end
                from leaving as l where t.event_id = l.event_id
            )
            select event_id, name, rule, why from leaving order by event_id
            """,
            {
                "chosen": chosen,
                "is_complete": is_complete,
                "ask_once_more": ask_once_more,
                "over_before": now - SCRAPING_GRACE,
                "now": now,
            },
        ).fetchall()


def _note_run(connection: psycopg.Connection[Any], plan: Plan, report: DiscoveryReport, now: datetime) -> None:
    connection.execute(
        """
        insert into raw.discoveries
            (started_at, finished_at, rules_hash, is_complete, found_count, entered_count, left_count, problems)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (started_at) do nothing
        """,
        (
            now,
            datetime.now(UTC),
            plan.rules_hash,
            not report.problems,
            report.found_count,
            len(report.entered),
            len(report.left),
            Jsonb(report.problems),
        ),
    )
