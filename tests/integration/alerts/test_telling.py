"""Each problem is told once, and once that it is over, whatever happens in between."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from ingestion.alerts import DATABASE, Evaluation, Problem, evaluate, last_evaluated_at
from ingestion.alerts.channels import Email, Webhook
from ingestion.database import connect
from stack.ports import free_port
from tests.integration.alerts.receivers import SECRET_PATH, WebhookReceiver, mail_receiver

BEGAN_AT = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
LATE = Problem("freshness", "3 of 24 events are overdue", ("event 1", "event 2", "event 3"), "Look at it.")
FULL = Problem("disk_forecast", "the disk is full in 3 days")
FAILED = Problem("run_round", "the newest run of the job round failed")

Connection = psycopg.Connection[Any]


class Pipeline:
    """Evaluations one after the other, each by a process of its own as far as the database can tell."""

    def __init__(self, database_url: str, webhook: WebhookReceiver) -> None:
        self.channels: list[Any] = [Webhook(SecretStr(webhook.url))]
        self._database_url = database_url

    def at(self, minute: float, *problems: Problem, **other_sources: Sequence[Problem]) -> Evaluation:
        """What is found at a minute."""
        with connect(self._database_url) as connection:
            found = {DATABASE: problems, **other_sources}
            return evaluate(connection, found, self.channels, BEGAN_AT + timedelta(minutes=minute))


@pytest.fixture
def pipeline(fresh_database_url: str, webhook: WebhookReceiver) -> Pipeline:
    return Pipeline(fresh_database_url, webhook)


def test_a_problem_is_told_once_and_its_recovery_once(
    pipeline: Pipeline, webhook: WebhookReceiver, connection: Connection
) -> None:
    assert pipeline.at(0) == Evaluation(is_done=True)
    assert webhook.requests == 0
    first = pipeline.at(1, LATE)
    assert first == Evaluation(is_done=True, open_problems=1, told={"webhook": "ticketmarts: 1 problem"})
    (text,) = webhook.texts
    assert text == (
        "ticketmarts: 1 problem\nPROBLEM freshness: 3 of 24 events are overdue\n"
        "    - event 1\n    - event 2\n    - event 3\n    What to do: Look at it."
    )
    worse = Problem("freshness", "24 of 24 events are overdue")
    for minute in range(2, 60):
        pipeline.at(minute, worse)
    assert len(webhook.texts) == 1
    assert connection.execute("select summary, details from raw.alerts").fetchall() == [(worse.summary, [])]

    for minute in range(60, 200):
        pipeline.at(minute)
    assert webhook.texts[1:] == ["ticketmarts: 1 over\nOver: freshness, after 1 h 8 min"]
    assert webhook.requests == 2
    assert last_evaluated_at(connection) == BEGAN_AT + timedelta(minutes=199)

    pipeline.at(300, LATE)
    assert webhook.texts[2].startswith("ticketmarts: 1 problem\n")


def test_many_problems_are_one_message(pipeline: Pipeline, webhook: WebhookReceiver) -> None:
    many = [Problem(f"check_{n}", f"{n} is wrong", tuple(f"row {i}" for i in range(9))) for n in range(40)]
    pipeline.at(0, LATE, FULL, *many, dagster=[FAILED])
    (text,) = webhook.texts
    assert text.startswith("ticketmarts: 43 problems\nPROBLEM freshness: ")
    assert "… and 28 more" in text
    assert "    - and more: `ticketmarts status` names 9" in text
    assert len(text) < 10_000
    # One more is told by itself; with what is over, it is one message again.
    pipeline.at(1, FULL, Problem("new", "it is new"), *many, dagster=[FAILED])
    assert webhook.texts[1] == "ticketmarts: 1 problem\nPROBLEM new: it is new"
    pipeline.at(12, FULL, Problem("newer", "it is newer"), *many, dagster=[FAILED])
    assert webhook.texts[2].splitlines() == [
        "ticketmarts: 1 problem, 2 over",
        "PROBLEM newer: it is newer",
        "Over: freshness, after 12 min",
        "Over: new, after 11 min",
    ]


def test_what_comes_and_goes_is_one_problem(pipeline: Pipeline, webhook: WebhookReceiver) -> None:
    for minute in range(0, 120, 2):
        pipeline.at(minute, *([LATE] if minute % 10 == 0 else []))
    assert len(webhook.texts) == 1


def test_a_receiver_that_is_down_is_told_later_and_once(
    pipeline: Pipeline, webhook: WebhookReceiver, connection: Connection
) -> None:
    webhook.status = 500
    for minute in range(3):
        evaluation = pipeline.at(minute, LATE)
        assert evaluation.undelivered == {"webhook": "the webhook answered with status 500"}
    webhook.status = 302
    for minute in range(3, 6):
        evaluation = pipeline.at(minute, LATE, FULL)
        assert evaluation.undelivered == {"webhook": "the webhook answered with status 302"}
    assert (webhook.texts, webhook.requests) == ([], 3)
    webhook.status = 200
    for minute in range(6, 12):
        pipeline.at(minute, LATE, FULL)
    (text,) = webhook.texts
    assert text.splitlines()[:2] == [
        "ticketmarts: 2 problems",
        "PROBLEM freshness (since 2026-03-14 12:00 UTC): 3 of 24 events are overdue",
    ]
    assert connection.execute("select count(*) from raw.alerts where untold_opening <> '{}'").fetchall() == [(0,)]
    assert connection.execute("select * from raw.alert_channels").fetchall() == []


def test_a_receiver_that_takes_messages_and_answers_with_errors_is_not_stormed(
    pipeline: Pipeline, webhook: WebhookReceiver
) -> None:
    webhook.status = 500
    attempts = []
    for minute in range(120):
        before = webhook.requests
        assert pipeline.at(minute, LATE).undelivered
        attempts += [minute] if webhook.requests > before else []
    assert attempts == [0, 1, 3, 7, 14, 28, 43, 58, 73, 88, 103, 118]


def test_what_wants_patience_is_told_only_if_it_stays(pipeline: Pipeline, webhook: WebhookReceiver) -> None:
    silent = Problem("daemon", "it is silent", patience_seconds=180)
    pipeline.at(0, dagster=[silent])
    for minute in range(1, 20):
        pipeline.at(minute, dagster=[])
    assert pipeline.at(20, dagster=[]) == Evaluation(is_done=True)
    assert webhook.requests == 0
    for minute in range(21, 24):
        pipeline.at(minute, dagster=[silent])
    assert webhook.requests == 0
    pipeline.at(24, dagster=[silent])
    assert webhook.texts == ["ticketmarts: 1 problem\nPROBLEM daemon (since 2026-03-14 12:21 UTC): it is silent"]
    pipeline.at(34, dagster=[])
    assert webhook.texts[1:] == ["ticketmarts: 1 over\nOver: daemon, after 13 min"]


def test_what_was_over_before_it_could_be_told_is_told_as_such(pipeline: Pipeline, webhook: WebhookReceiver) -> None:
    webhook.status = 503
    pipeline.at(0, LATE)
    pipeline.at(10)
    webhook.status = 200
    pipeline.at(12)
    pipeline.at(13)
    (text,) = webhook.texts
    assert text == (
        "ticketmarts: 1 came and went\n"
        "Came and went: freshness, from 2026-03-14 12:00 UTC for 10 min: 3 of 24 events are overdue"
    )


def test_a_recovery_that_could_not_be_told_is_told_later(pipeline: Pipeline, webhook: WebhookReceiver) -> None:
    pipeline.at(0, LATE)
    webhook.status = 500
    pipeline.at(20)
    assert pipeline.at(21).undelivered
    webhook.status = 200
    pipeline.at(22)
    pipeline.at(23)
    assert webhook.texts[1:] == ["ticketmarts: 1 over\nOver: freshness, after 20 min"]


def test_nobody_listens_and_nobody_answers(pipeline: Pipeline, webhook: WebhookReceiver) -> None:
    port = free_port()
    pipeline.channels = [Webhook(SecretStr(f"http://127.0.0.1:{port}/services/{SECRET_PATH}"))]
    assert pipeline.at(0, LATE).undelivered == {"webhook": "the webhook cannot be reached (ConnectionRefusedError)"}
    pipeline.channels = [Webhook(SecretStr(webhook.url))]
    pipeline.at(1, LATE)
    assert len(webhook.texts) == 1


def test_a_source_that_cannot_be_asked_closes_nothing(pipeline: Pipeline, webhook: WebhookReceiver) -> None:
    pipeline.at(0, dagster=[FAILED])
    for minute in range(1, 60, 7):
        assert pipeline.at(minute).open_problems == 1
    pipeline.at(60, dagster=[])
    assert webhook.texts[1] == "ticketmarts: 1 over\nOver: run round, after 1 h 0 min"


def test_the_same_name_of_two_sources_is_two_problems(pipeline: Pipeline, connection: Connection) -> None:
    pipeline.at(0, LATE, dagster=[LATE])
    assert connection.execute("select source from raw.alerts order by source").fetchall() == [("dagster",), (DATABASE,)]


def test_channels_are_told_each_for_itself(pipeline: Pipeline, webhook: WebhookReceiver) -> None:
    down = free_port()
    with mail_receiver() as (mail, address):
        pipeline.channels.append(Email(SecretStr(f"smtp://127.0.0.1:{down}"), "tm@x.example", ["ops@x.example"]))
        evaluation = pipeline.at(0, LATE)
        assert [*evaluation.told] == ["webhook"]
        assert evaluation.undelivered == {"email": "the mail server cannot be used (ConnectionRefusedError)"}
        pipeline.channels[1] = Email(SecretStr(f"smtp://{address}"), "tm@x.example", ["ops@x.example"])
        pipeline.at(1, LATE)
        pipeline.at(2, LATE)
        assert (len(webhook.texts), len(mail.mails)) == (1, 1)
        pipeline.at(30)
        assert (len(webhook.texts), len(mail.mails)) == (2, 2)
    assert mail.mails[0]["Subject"] == "ticketmarts: 1 problem"
    assert "PROBLEM freshness (since 2026-03-14 12:00 UTC)" in mail.mails[0].get_content()


def test_a_channel_that_is_new_hears_of_what_is_new(pipeline: Pipeline, webhook: WebhookReceiver) -> None:
    (pipeline.channels, channels) = ([], pipeline.channels)
    pipeline.at(0, LATE)
    pipeline.channels = channels
    pipeline.at(1, LATE, FULL)
    assert webhook.texts == ["ticketmarts: 1 problem\nPROBLEM disk forecast: the disk is full in 3 days"]


def test_evaluations_at_the_same_time_tell_once(
    pipeline: Pipeline, webhook: WebhookReceiver, connection: Connection
) -> None:
    webhook.delay_seconds = 0.3
    done: list[Evaluation] = []
    threads = [threading.Thread(target=lambda: done.append(pipeline.at(0, LATE))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(webhook.texts) == 1
    assert sum(bool(evaluation.told) for evaluation in done) == 1
    assert connection.execute("select count(*) from raw.alerts").fetchall() == [(1,)]
    assert pipeline.at(1, LATE).is_done  # the lock is free again


def test_an_events_name_calls_nobody(pipeline: Pipeline, webhook: WebhookReceiver) -> None:
    pipeline.at(0, Problem("freshness", "1 & only", ("event 1 (<!channel> <https://x.example|click>)",)))
    assert "&lt;!channel&gt; &lt;https://x.example|click&gt;" in webhook.texts[0]
    assert "1 &amp; only" in webhook.texts[0]
    assert "<" not in webhook.texts[0]


def test_alerts_that_are_long_over_are_forgotten(pipeline: Pipeline, connection: Connection) -> None:
    pipeline.at(0, LATE, FULL)
    pipeline.at(11, FULL)
    pipeline.at(11 + 89 * 1440, FULL)
    assert connection.execute("select count(*) from raw.alerts").fetchall() == [(2,)]
    pipeline.at(12 + 90 * 1440, FULL)
    assert connection.execute("select problem from raw.alerts").fetchall() == [("disk_forecast",)]
