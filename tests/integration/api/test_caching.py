"""For how long an answer may be kept: what is closed long, what is live for seconds, and by whom."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.integration.api.conftest import HAND_MADE, History
from tests.integration.api.serving import Api

DAY = "public, max-age=86400"
_SCHEMAS = "'public', 'marts', 'staging', 'raw', 'aggregates', 'gateway'"
_OF_USERS = (
    r"(?i)current_setting\s*\(\s*(?!''request\.(method|path)'')|request\.(?!method|path)|\mauth\.|\msession_user\M"
)
"""What tells one user of a role from another, within a text of SQL."""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/event_live", "public, max-age=5"),
        ("/aggregated_analytics", "public, max-age=30"),
        ("/events", "public, max-age=60"),
        ("/rpc/search_events?q=event", "public, max-age=5"),
        ("/rpc/top_movers", "public, max-age=30"),
        (f"/rpc/pair_get_in?event_id={HAND_MADE}", "public, max-age=5"),
    ],
)
def test_what_is_live_is_kept_for_seconds(api: Api, history: History, path: str, expected: str) -> None:
    assert history.event_ids
    answer = api.ask(path)
    assert answer.headers["Cache-Control"] == expected
    assert {"Accept", "Authorization", "apikey"} <= {name.strip() for name in answer.headers["Vary"].split(",")}


def test_postgrest_is_told_by_the_role_that_it_logs_in_as(history: History) -> None:
    """On hosted Supabase there is no configuration file, as `supabase/postgrest.conf` is elsewhere."""
    [told] = history.truth("select rolconfig from pg_roles where rolname = 'authenticator'")
    assert "pgrst.db_pre_request=gateway.before_request" in told["rolconfig"]


def test_what_not_everybody_reads_is_kept_by_its_client_and_by_who_knows_roles(api: Api, history: History) -> None:
    feed = f"/rpc/market_changes?event_id={history.event_ids[0]}&since=2026-01-01T00:00:00Z"
    for path, role, seconds in (
        ("/event_live", "authenticated", 5),
        (feed, "authenticated", 2),
        ("/events", "service_role", 60),
        ("/pipeline_health", "service_role", 5),
    ):
        kept = api.ask(path, role=role).headers["Cache-Control"]
        assert kept == f'private, max-age={seconds}, community="{role}"', path


def test_what_a_role_reads_is_the_same_for_each_of_its_users(history: History) -> None:
    """Else `community` would be a lie. Which path is asked for and by which method is part of what is kept."""
    of_users = history.truth(
        rf"""
        select tablename as name from pg_policies where concat(qual, with_check) ~ '{_OF_USERS}'
        union all
        select viewname from pg_views
        where schemaname in ({_SCHEMAS}) and definition ~ '{_OF_USERS}'
        union all
        select p.proname
        from pg_proc as p
        where
            p.pronamespace::regnamespace::text in ({_SCHEMAS})
            and concat(p.prosrc, pg_get_function_sqlbody(p.oid)) ~ '{_OF_USERS}'
        """
    )
    assert of_users == []


@pytest.mark.parametrize(
    ("words", "is_of_users"),
    [
        ("current_setting('request.method', true)", False),
        ("current_setting('request.path', true)", False),
        ("current_setting('request.jwt.claims', true)", True),
        ("current_setting('request.headers')", True),
        ("CURRENT_SETTING ( 'request.cookies'::text)", True),
        ("current_setting(v_name)", True),
        ("auth.uid()", True),
        ("session_user", True),
    ],
)
def test_what_is_looked_for_in_functions_is_found(history: History, words: str, is_of_users: bool) -> None:
    assert history.truth(rf"select $words${words}$words$ ~ '{_OF_USERS}' as found") == [{"found": is_of_users}]


def test_closed_hours_are_kept_for_a_day_once_they_are_rolled_up(api: Api, history: History) -> None:
    event_id = history.event_ids[0]
    closed_at = history.to_at.replace(minute=0) - timedelta(hours=3)

    def kept(to_at: datetime, granularity: str = "hour") -> str:
        arguments = {"event_id": event_id, "to_at": to_at.isoformat(), "granularity": granularity}
        answer = api.ask("/rpc/price_history", arguments)
        assert answer.json()
        return str(answer.headers["Cache-Control"])

    assert kept(closed_at) == DAY
    assert kept(datetime.now(UTC)) == "public, max-age=30"
    assert kept(datetime.now(UTC), "day") == "public, max-age=30", "the day in progress"
    with psycopg.connect(history.database_url, autocommit=True) as connection:
        key = (event_id, closed_at - timedelta(hours=2))
        connection.execute("insert into raw.stale_hours (event_id, hour_at) values (%s, %s)", key)
        try:
            assert kept(closed_at) == "public, max-age=30"
            assert kept(closed_at - timedelta(hours=3)) == DAY, "what is stale lies behind it"
        finally:
            connection.execute("delete from raw.stale_hours where event_id = %s and hour_at = %s", key)


@pytest.mark.parametrize("function", ["price_distribution", "cheapest_by_zone", "listings_at"])
def test_a_past_instant_is_kept_for_a_day(api: Api, history: History, function: str) -> None:
    arguments = {"event_id": history.event_ids[0], "at": (history.to_at - timedelta(hours=2)).isoformat()}
    past = api.ask(f"/rpc/{function}", arguments, role="authenticated")
    kept = {past.headers["Cache-Control"], past.status_code}
    assert kept == {'private, max-age=86400, community="authenticated"', 200}
    now = api.ask(f"/rpc/{function}", {**arguments, "at": datetime.now(UTC).isoformat()}, role="authenticated")
    assert re.match(r"private, max-age=(?:5|30),", now.headers["Cache-Control"])


def test_what_is_posted_or_refused_is_not_kept(api: Api, history: History) -> None:
    body = {"event_id": history.event_ids[0], "to_at": (history.to_at - timedelta(hours=3)).isoformat()}
    posted = api.ask("/rpc/price_history", method="POST", body=body)
    assert (posted.status_code, posted.headers.get("Cache-Control")) == (200, None)
    for path in ("/rpc/price_history?event_id=4040404", "/listings_live", "/nothing"):
        assert api.ask(path).headers.get("Cache-Control") is None


@pytest.mark.skipif("API_URL" in os.environ, reason="PostgREST itself gives no ETag; the local server does")
def test_who_has_the_answer_is_not_sent_it_again(api: Api, history: History) -> None:
    path = f"/aggregated_analytics?event_id=eq.{history.event_ids[0]}&limit=5"
    first = api.ask(path)
    again = api.ask(path, headers={"If-None-Match": first.headers["ETag"], "Origin": "http://elsewhere"})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    assert again.headers["Access-Control-Allow-Origin"]
    other = api.ask(path.replace("limit=5", "limit=4"), headers={"If-None-Match": first.headers["ETag"]})
    assert (other.status_code, len(other.json())) == (200, 4)
    as_csv = api.ask(path, headers={"If-None-Match": first.headers["ETag"], "Accept": "text/csv"})
    assert as_csv.status_code == 200, "another form of the same rows"
