"""``ticketmarts alerts`` as people and timers run it, and that secrets are in nothing that it leaves behind."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from pydantic import SecretStr

from ingestion.alerts import Problem, channels_of, evaluate
from ingestion.settings import SettingsError, load_settings
from tests.integration.alerts.receivers import WebhookReceiver, mail_receiver
from tests.integration.health.markets import book, watch, write

Connection = psycopg.Connection[Any]
Run: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]
_MAIN = [sys.executable, "-c", "from stack.cli import main; main()"]
_SETTINGS = ("ALERT_WEBHOOK_URL", "ALERT_EMAIL_TO", "ALERT_EMAIL_FROM", "SMTP_URL")


@pytest.fixture
def ticketmarts(fresh_database_url: str, tmp_path: Path) -> Run:
    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            **dict.fromkeys((*_SETTINGS, "DAGSTER_DATABASE_URL", "DAGSTER_HOME"), ""),
            "TICKETMARTS_HOME": str(tmp_path / "home"),
            "DATABASE_URL": fresh_database_url,
            **settings,
        }
        return subprocess.run(
            [*_MAIN, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def test_a_check_tells_of_an_overdue_event_once(
    ticketmarts: Run, webhook: WebhookReceiver, connection: Connection
) -> None:
    watch(connection, [7])
    write(connection, 7, [50], book(3))
    first = ticketmarts("alerts", "check", ALERT_WEBHOOK_URL=webhook.url)
    assert first.returncode == 0, first.stderr
    assert first.stderr.splitlines() == [
        "2 problems are open; there is no Dagster to ask",
        "webhook was told: ticketmarts: 2 problems",
    ]
    (text,) = webhook.texts
    assert "PROBLEM freshness: 1 of 1 events are overdue; the longest wait for a capture is 50 min" in text
    assert "PROBLEM capture coverage: " in text
    again = json.loads(ticketmarts("alerts", "check", "--json", ALERT_WEBHOOK_URL=webhook.url).stdout)
    assert again == {"is_done": True, "open_problems": 2, "told": {}, "undelivered": {}}
    assert webhook.requests == 1
    status = json.loads(ticketmarts("status", "--json").stdout)
    assert {alert["problem"] for alert in status["open_alerts"]} == {"freshness", "capture_coverage"}


def test_a_test_message_reaches_every_channel(ticketmarts: Run, webhook: WebhookReceiver) -> None:
    nobody = ticketmarts("alerts", "test")
    assert (nobody.returncode, nobody.stderr.startswith("error: nobody is told: set ALERT_WEBHOOK_URL")) == (1, True)
    with mail_receiver() as (mail, address):
        settings = {"ALERT_EMAIL_TO": "ops@x.example, me@x.example", "SMTP_URL": f"smtp://{address}"}
        sent = ticketmarts("alerts", "test", ALERT_WEBHOOK_URL=webhook.url, **settings)
    assert (sent.returncode, sent.stderr) == (0, "webhook: delivered\nemail: delivered\n")
    assert webhook.texts == ["ticketmarts: a test. Problems will be told here."]
    assert mail.mails[0]["From"] == "ops@x.example"


def test_what_cannot_be_delivered_is_status_1_and_names_no_secret(
    ticketmarts: Run, webhook: WebhookReceiver, connection: Connection
) -> None:
    watch(connection, [7])
    webhook.status = 404
    settings = {
        "ALERT_WEBHOOK_URL": webhook.url,
        "ALERT_EMAIL_TO": "ops@x.example",
        "SMTP_URL": "smtp://user:hunter2SECRET@127.0.0.1:1",
    }
    for arguments in (("alerts", "check"), ("--debug", "alerts", "check"), ("alerts", "test")):
        failed = ticketmarts(*arguments, **settings)
        assert failed.returncode == 1
        assert "the webhook answered with status 404" in failed.stderr
        assert "the mail server cannot be used (ConnectionRefusedError)" in failed.stderr
        assert "SECRET" not in failed.stdout + failed.stderr
    kept = connection.execute(
        "select a::text from raw.alerts as a union all select e::text from raw.alert_evaluations as e"
    )
    assert "SECRET" not in str(kept.fetchall())


def test_no_log_at_any_level_has_a_secret(
    connection: Connection, webhook: WebhookReceiver, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    settings = load_settings(
        with_running_stack=False,
        dotenv=tmp_path / "none.env",
        alert_webhook_url=SecretStr(webhook.url),
        alert_email_to="ops@x.example",
        smtp_url=SecretStr("smtp://user:hunter2SECRET@127.0.0.1:1"),
    )
    with caplog.at_level(logging.DEBUG, logger=""):
        evaluation = evaluate(connection, {"database": [Problem("a", "b")]}, channels_of(settings))
        webhook.status = 500
        evaluate(connection, {"database": [Problem("c", "d")]}, channels_of(settings))
    assert evaluation.told
    assert "alerts are not delivered" in caplog.text
    assert "SECRET" in webhook.url
    assert "SECRET" not in caplog.text + repr(settings) + repr(channels_of(settings)) + repr(evaluation)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALERT_WEBHOOK_URL", "hooks.example/SECRET"),
        ("ALERT_WEBHOOK_URL", "file:///SECRET"),
        ("SMTP_URL", "http://user:SECRET@mail.example"),
        ("ALERT_EMAIL_TO", "ops"),
        ("ALERT_EMAIL_FROM", "a@b\nBcc: SECRET@c"),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name}: Value error, it must be") as raised:
        load_settings(with_running_stack=False, dotenv=tmp_path / "none.env")
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "missing"),
    [({"alert_email_to": "a@b.example"}, "SMTP_URL"), ({"smtp_url": "smtp://m"}, "ALERT_EMAIL_TO")],
)
def test_mail_is_set_whole_or_not_at_all(given: dict[str, str], missing: str, tmp_path: Path) -> None:
    settings = load_settings(with_running_stack=False, dotenv=tmp_path / "none.env", **given)
    with pytest.raises(SettingsError, match=f"{missing} is not set"):
        channels_of(settings)
