"""What front ends ask of each endpoint of the API: the requests that are measured, and whose plans are shown.

What belongs here: the requests, and whether an endpoint has none. What does not: sending them (``endpoints``), or the
statement behind one (``query_plans``).

Every request is of an event chosen at random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeAlias
from urllib.parse import urlencode

import psycopg

Parameters: TypeAlias = list[tuple[str, str]]


@dataclass(frozen=True)
class Asker:
    """Who asks, at which instant, of ``event_count`` events."""

    random: Random
    event_count: int
    now: datetime

    def event(self) -> int:
        """Some event."""
        return self.random.randint(1, self.event_count)

    def events(self, count: int) -> str:
        """Some events, for ``in``."""
        return ",".join(str(self.event()) for _ in range(count))

    def hours_ago(self, hours: float) -> str:
        """An instant as a query has it."""
        return f"{self.now - timedelta(hours=hours):%Y-%m-%dT%H:00:00Z}"

    def days_ago(self, days: float) -> str:
        """A day as a query has it."""
        return f"{self.now - timedelta(days=days):%Y-%m-%d}"


@dataclass(frozen=True)
class Request:
    """A request: of which endpoint, in words, what it asks for, and as which role."""

    endpoint: str
    what: str
    parameters: Callable[[Asker], Parameters]
    role: str = "anon"

    def path(self, asker: Asker) -> str:
        """Path and query, for some event."""
        return f"/rest/v1/{self.endpoint}?{urlencode(self.parameters(asker))}"


def _one_event(**more: str) -> Callable[[Asker], Parameters]:
    return lambda asker: [("event_id", f"eq.{asker.event()}"), *more.items()]


def _fixed(**parameters: str) -> Callable[[Asker], Parameters]:
    return lambda _: list(parameters.items())


def _of_event(**more: str) -> Callable[[Asker], Parameters]:
    return lambda asker: [("event_id", str(asker.event())), *more.items()]


_ANALYTICS_SCREEN = "hour,captures,captures_expected,listings_close,get_in_close,price_median,tickets_sold_est,is_final"

REQUESTS = (
    Request("events", "one event", _one_event()),
    Request("events", "the next 50, by start", lambda a: [
        ("starts_at", f"gte.{a.hours_ago(0)}"), ("order", "starts_at"), ("limit", "50")]),
    Request("events", "of a city", lambda a: [("city", f"eq.City {a.random.randrange(25)}"), ("order", "starts_at")]),
    Request("events", "50 with their performers embedded", lambda a: [
        ("select", "event_id,event_name,starts_at,performers(performer_name)"),
        ("event_id", f"lt.{a.event()}"), ("order", "event_id.desc"), ("limit", "50")]),
    Request("events", "all 1,000 rows", _fixed(order="event_id")),
    Request("performers", "one", lambda a: [("performer_id", f"eq.{a.random.randrange(200)}")]),
    Request("performers", "all 200", _fixed(order="performer_name")),
    Request("event_live", "one event", _one_event()),
    Request("event_live", "20 events", lambda a: [("event_id", f"in.({a.events(20)})")]),
    Request("event_live", "the 50 that fell most in a day", _fixed(
        get_in_change_24h="lt.0", order="get_in_change_24h.asc", limit="50")),
    Request("event_live", "the cheapest 50 with 100 listings", _fixed(
        listings="gte.100", order="get_in.asc", limit="50")),
    Request("event_live", "all 1,000 rows", _fixed(order="event_id")),
    Request("aggregated_analytics", "a week of an event, 168 hours, 8 columns", lambda a: [
        ("select", _ANALYTICS_SCREEN), ("event_id", f"eq.{a.event()}"),
        ("hour", f"gte.{a.hours_ago(168)}"), ("order", "hour")]),
    Request("aggregated_analytics", "a day of an event, every column", lambda a: [
        ("event_id", f"eq.{a.event()}"), ("hour", f"gte.{a.hours_ago(24)}"), ("order", "hour")]),
    Request("aggregated_analytics", "the newest hour of an event", _one_event(order="hour.desc", limit="1")),
    Request("aggregated_analytics", "the newest 50 rows of all events", _fixed(
        order="hour.desc,event_id", limit="50")),
    Request("aggregated_analytics", "one hour of all events, 3 columns, 1,000 rows", lambda a: [
        ("select", "event_id,get_in_close,price_median"),
        ("hour", f"eq.{a.hours_ago(a.random.randint(1, 2000))}"), ("order", "event_id")]),
    Request("aggregated_analytics", "a page of an event behind a key, 8 columns, 1,000 rows", lambda a: [
        ("select", _ANALYTICS_SCREEN), ("event_id", f"eq.{a.event()}"),
        ("hour", f"gt.{a.hours_ago(2500)}"), ("order", "hour")]),
    Request("aggregated_analytics", "a page of an event behind a key, every column, 1,000 rows", lambda a: [
        ("event_id", f"eq.{a.event()}"), ("hour", f"gt.{a.hours_ago(2500)}"), ("order", "hour")]),
    Request("daily_analytics", "90 days of an event", lambda a: [
        ("event_id", f"eq.{a.event()}"), ("day", f"gte.{a.days_ago(90)}"), ("order", "day")]),
    Request("daily_analytics", "a page of all events, every column, 1,000 rows", lambda a: [
        ("day", f"eq.{a.days_ago(a.random.randint(1, 50))}"), ("order", "event_id")]),
    Request("daily_analytics", "the newest 50 rows of all events", _fixed(order="day.desc,event_id", limit="50")),
    Request("zone_analytics", "a day of an event's zones", lambda a: [
        ("event_id", f"eq.{a.event()}"), ("hour", f"gte.{a.hours_ago(24)}"), ("order", "hour,zone_id")]),
    Request("zone_analytics", "a week of a zone", lambda a: [
        ("event_id", f"eq.{a.event()}"), ("zone_id", "eq.2"), ("hour", f"gte.{a.hours_ago(168)}"), ("order", "hour")]),
    Request("zone_analytics", "a page of an event behind a key, every column, 1,000 rows", lambda a: [
        ("event_id", f"eq.{a.event()}"), ("hour", f"gt.{a.hours_ago(300)}"), ("order", "hour,zone_id")]),
    Request("section_analytics", "a page of an event behind a key, every column, 1,000 rows", lambda a: [
        ("event_id", f"eq.{a.event()}"), ("day", f"gt.{a.days_ago(28)}"), ("order", "day,section_id")]),
    Request("section_analytics", "a day of an event's sections", lambda a: [
        ("event_id", f"eq.{a.event()}"), ("day", f"eq.{a.days_ago(1)}"), ("order", "section_id")]),
    Request("section_analytics", "30 days of a section", lambda a: [
        ("event_id", f"eq.{a.event()}"), ("section_id", "eq.7"), ("order", "day")]),
    Request("listings_live", "the cheapest 50 of an event", _one_event(order="price", limit="50"), "authenticated"),
    Request("listings_live", "pairs of an event under a price", _one_event(
        can_be_pair="is.true", price="lt.150", order="price"), "authenticated"),
    Request("listings_live", "all of an event, 500 rows", _one_event(order="source_listing_id"), "authenticated"),
    Request("listing_history", "a page of an event, every column, 1,000 rows", _one_event(
        order="source_listing_id"), "authenticated"),
    Request("listing_history", "the newest 50 that an event has lost", _one_event(
        gone_at="not.is.null", order="gone_at.desc", limit="50"), "authenticated"),
    Request("listing_history", "active ones of an event, the cheapest 50", _one_event(
        ended_as="eq.active", order="last_price", limit="50"), "authenticated"),
    Request("pipeline_health", "one event", _one_event(), "service_role"),
    Request("pipeline_health", "the 50 that lag most", _fixed(order="lag_seconds.desc", limit="50"), "service_role"),
    Request("pipeline_health", "all 1,000 rows", _fixed(order="event_id"), "service_role"),
    Request("rpc/search_events", "a word", lambda a: [("q", f"performer {a.random.randrange(200)}")]),
    Request("rpc/price_history", "a week by the hour", _of_event()),
    Request("rpc/price_history", "90 days by the day", _of_event(granularity="day")),
    Request("rpc/event_summary", "one event", _of_event()),
    Request("rpc/compare_events", "3 events, 13 days by the hour", lambda a: [
        ("event_ids", f"{{{a.events(3)}}}"), ("granularity", "hour"),
        ("from_days_to_event", "100"), ("to_days_to_event", "87")]),
    Request("rpc/top_movers", "of a day", _fixed()),
    Request("rpc/top_movers", "of a week, by median", _fixed(lookback="7d", metric="price_median")),
    Request("rpc/price_distribution", "now", _of_event()),
    Request("rpc/price_distribution", "some hour of yesterday", lambda a: [
        ("event_id", str(a.event())), ("at", a.hours_ago(a.random.randint(1, 40)))]),
    Request("rpc/cheapest_by_zone", "now", _of_event()),
    Request("rpc/pair_get_in", "now", _of_event()),
    Request("rpc/listings_at", "some hour of yesterday", lambda a: [
        ("event_id", str(a.event())), ("at", a.hours_ago(a.random.randint(1, 40))), ("limit", "50")], "authenticated"),
    Request("rpc/market_changes", "500 changes of the last hour", lambda a: [
        ("event_id", str(a.event())), ("since", a.hours_ago(1))], "authenticated"),
)  # fmt: skip


def endpoints(connection: psycopg.Connection[Any]) -> set[str]:
    """What the schema ``public`` serves: its views, and its functions below ``rpc/``."""
    rows = connection.execute(
        """
        select c.relname::text from pg_class as c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
        union all
        select distinct 'rpc/' || p.proname from pg_proc as p
        where
            p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
            and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e')
            -- What embeds one view in another takes a row of the view.
            and not exists (select from pg_class as c where c.reltype = any(p.proargtypes::oid[]))
        """
    )
    return {name for (name,) in rows}


def endpoints_without_request(connection: psycopg.Connection[Any]) -> set[str]:
    """Endpoints that nothing here asks: a new one belongs in ``REQUESTS``."""
    return endpoints(connection) - {request.endpoint for request in REQUESTS}


def asker(event_count: int, seed: int = 0) -> Asker:
    """Somebody who asks now."""
    return Asker(Random(seed), event_count, datetime.now(UTC))
