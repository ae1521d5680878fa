"""Output that goes to no terminal: plain lines for people, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from ingestion import terminal

NASTY = "ConnectError('[all attempts failed]') [/b] [red]" + " and so on" * 20


@dataclass(frozen=True)
class Answer:
    """Anything with fields."""

    at: datetime
    by_id: dict[int, str]


def test_progress_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.show_progress("importing", 5, seconds_between_lines=0) as on_progress:
        on_progress(2)
        on_progress(3)
    with terminal.show_progress("importing", None, seconds_between_lines=0) as on_progress:
        on_progress(2)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "importing: 2 of 5",
        "importing: 5 of 5",
        "importing: 5, done",
        "importing: 2",
        "importing: 2, done",
    ]


def test_progress_is_not_said_all_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.show_progress("importing", 500) as on_progress:
        for _ in range(500):
            on_progress(1)
    assert capsys.readouterr().err.splitlines() == ["importing: 500, done"]


def test_work_that_breaks_off_is_not_called_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), terminal.show_progress("importing", 5):
        _ = 1 / 0
    assert capsys.readouterr().err == ""


def test_a_message_is_one_line_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.messages.print(NASTY)
    assert capsys.readouterr().err == NASTY + "\n"


def test_a_table_shows_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table([{"event_id": 7, "name": "The [b]est [/of]"}, {"event_id": 8, "name": None}], title="events")
    said = capsys.readouterr().out
    assert "event id" in said
    assert "The [b]est [/of]" in said
    assert "\x1b" not in said


def test_an_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table([])
    assert "None" not in capsys.readouterr().out


def test_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json(Answer(datetime(2026, 9, 7, tzinfo=UTC), {7: "x"}))
    assert json.loads(capsys.readouterr().out) == {"at": "2026-09-07T00:00:00+00:00", "by_id": {"7": "x"}}


def test_json_lines_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    for listing in ({"section": "é", "price_cents": 100}, {"section": None, "price_cents": 200}):
        terminal.print_json_line(listing)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["price_cents"] for line in lines] == [100, 200]
