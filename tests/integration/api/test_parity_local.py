"""Where the local server, @supabase/lite, still answers otherwise than PostgREST: as docs/API_DOCUMENTATION.md says.

A test here that fails after a new version of @supabase/lite has good news: the sentence in the documentation can go.
"""

from __future__ import annotations

import os

import pytest

from ingestion.settings import PROJECT_FOLDER
from tests.integration.api.conftest import History
from tests.integration.api.serving import Api

pytestmark = [
    pytest.mark.usefixtures("history"),
    pytest.mark.skipif(
        "API_URL" in os.environ or os.environ.get("API_SERVER", "lite") != "lite", reason="not @supabase/lite"
    ),
]


def test_an_event_is_not_spread_into_its_row(api: Api) -> None:
    _is_documented("`...events(…)`")
    answer = api.ask("/event_live", {"select": "event_id,...events(event_name)"})
    assert (answer.status_code, answer.json()["code"]) == (400, "PGRST120")


def test_rows_are_not_ordered_by_their_event(api: Api) -> None:
    _is_documented("`order=events(…)`")
    answer = api.ask("/event_live", {"select": "event_id,events(starts_at)", "order": "events(starts_at)"})
    assert (answer.status_code, answer.json()["code"]) == (404, "PGRST205")


def test_whether_there_is_an_event_is_not_asked_within_or(api: Api) -> None:
    _is_documented("`or=(events.not.is.null,…)`")
    answer = api.ask("/event_live", {"select": "event_id,events()", "or": "(events.not.is.null,event_id.eq.0)"})
    assert (answer.status_code, answer.json()["code"]) == (400, "42703")


def test_csv_has_the_values_of_json(api: Api, history: History) -> None:
    _is_documented("CSV writes values as JSON does")
    [hour] = history.truth(
        "select to_char(hour at time zone 'UTC', 'YYYY-MM-DD') as day from marts.event_hourly order by hour limit 1"
    )
    params = {"select": "hour,is_final,get_in_low", "order": "hour", "limit": 1}
    answer = api.ask("/aggregated_analytics", params, headers={"Accept": "text/csv"})
    text = answer.text.splitlines()[1]
    assert text.startswith(f"{hour['day']}T")
    assert ",true," in text
    empty = api.ask("/events", {"event_id": "eq.-1"}, headers={"Accept": "text/csv"})
    assert empty.content == b""


def test_instants_are_in_utc_whatever_is_preferred(api: Api) -> None:
    _is_documented("`Prefer: timezone=…`")
    params = {"select": "starts_at", "starts_at": "not.is.null", "limit": 1}
    answer = api.ask("/events", params, headers={"Prefer": "timezone=Asia/Tokyo"})
    assert answer.json()[0]["starts_at"].endswith("+00:00")


def test_the_root_describes_the_api_to_the_service_key_alone(api: Api) -> None:
    _is_documented("403 at `/rest/v1/`")
    assert [api.ask("/", role=role).status_code for role in ("anon", "authenticated", "service_role")] == [
        403,
        403,
        200,
    ]


def _is_documented(words: str) -> None:
    page = (PROJECT_FOLDER / "docs" / "API_DOCUMENTATION.md").read_text()
    section = page.partition("\n### On the local API\n")[2].partition("\n## ")[0]
    assert words in " ".join(section.split()), "to be said under “On the local API”"
