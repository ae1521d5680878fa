"""The views of hours and days: what they say beside the marts' metrics."""

from __future__ import annotations

import pytest

from tests.integration.api.conftest import HAND_MADE, History
from tests.integration.api.serving import Api


@pytest.mark.parametrize(
    ("view", "mart", "window"),
    [("aggregated_analytics", "event_hourly", "hour"), ("daily_analytics", "event_daily", "day")],
)
def test_a_window_says_how_far_off_the_event_is(api: Api, history: History, view: str, mart: str, window: str) -> None:
    event_id = history.event_ids[0]
    rows = api.rows(f"/{view}", {"event_id": f"eq.{event_id}", "order": window})
    expected = history.truth(
        f"""
        select m.*, round(extract(epoch from (
            select p.starts_at from raw.productions as p where p.event_id = m.event_id
        ) - {window}::timestamptz) / 86400, 2) as days_to_event
        from marts.{mart} as m where event_id = %s order by {window}
        """,
        event_id,
    )
    assert [{name: value for name, value in row.items() if name != "is_final"} for row in rows] == expected
    assert len({row["days_to_event"] for row in rows}) == len(rows) > 1
    middle = rows[len(rows) // 2]["days_to_event"]
    near = api.rows(f"/{view}", {"event_id": f"eq.{event_id}", "days_to_event": f"lte.{middle}", "order": window})
    assert near == rows[len(rows) // 2 :]
    unknown = api.rows(f"/{view}", {"event_id": f"eq.{HAND_MADE}"})
    assert {row["days_to_event"] for row in unknown} == {None}


@pytest.mark.parametrize(("part", "window"), [("zone", "hour"), ("section", "day")])
def test_zones_and_sections_have_the_names_of_the_seating(api: Api, history: History, part: str, window: str) -> None:
    for event_id in history.event_ids:
        names = {
            row["id"]: row["name"]
            for row in history.truth(
                f"select e ->> 'id' as id, e ->> 'name' as name from raw.seating as s,"
                f" jsonb_array_elements(s.document -> '{part}s') as e where s.event_id = %s order by s.observed_at",
                event_id,
            )
        }
        rows = api.rows(f"/{part}_analytics", {"event_id": f"eq.{event_id}", "order": f"{window}.desc", "limit": 300})
        assert {row[f"{part}_name"] for row in rows} <= set(names.values())
        assert [row[f"{part}_name"] for row in rows] == [names[row[f"{part}_id"]] for row in rows]
        assert len({row[f"{part}_name"] for row in rows}) > 1
    (name,) = {row[f"{part}_name"] for row in rows if row[f"{part}_id"] == rows[0][f"{part}_id"]}
    named = api.rows(f"/{part}_analytics", {"event_id": f"eq.{event_id}", f"{part}_name": f"eq.{name}"})
    assert {row[f"{part}_id"] for row in named} >= {rows[0][f"{part}_id"]}
    # What a hand-made book calls zones is in no seating.
    unknown = api.rows(f"/{part}_analytics", {"event_id": f"eq.{HAND_MADE}"})
    assert {row[f"{part}_name"] for row in unknown} == {None}
