"""E-mail through a real SMTP server: TLS where there is a password, and never a word of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from ingestion.alerts import DeliveryError, Message
from ingestion.alerts.channels import Email
from tests.integration.alerts.receivers import AUTHORITY, mail_receiver

PASSWORD = "p@ss:w/rd SECRET"
QUOTED = "p%40ss%3Aw%2Frd%20SECRET"
MESSAGE = Message("ticketmarts: 1 problem", "PROBLEM freshness: é ✓\n.\nlast")
RECIPIENTS = ["ops@x.example", "me@y.example"]


@pytest.fixture
def _trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certificates = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(certificates)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))


def _email(url: str) -> Email:
    return Email(SecretStr(url), "tm@x.example", RECIPIENTS)


def test_a_mail_says_what_the_message_says() -> None:
    with mail_receiver() as (server, address):
        _email(f"smtp://{address}").send(MESSAGE)
    (mail,) = server.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "tm@x.example",
        "ops@x.example, me@y.example",
        "ticketmarts: 1 problem",
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"]
    assert mail.get_content().splitlines() == MESSAGE.text.splitlines()


@pytest.mark.usefixtures("_trusted")
@pytest.mark.parametrize(("scheme", "tls"), [("smtp", "starttls"), ("smtps", "implicit")])
def test_the_password_goes_through_tls(scheme: str, tls: str) -> None:
    with mail_receiver(password=PASSWORD, tls=tls) as (server, address):
        _email(f"{scheme}://us%40er:{QUOTED}@{address}").send(MESSAGE)
    assert (server.logins, len(server.mails)) == ([b"us@er"], 1)


@pytest.mark.usefixtures("_trusted")
def test_a_wrong_password_is_a_status_and_no_password() -> None:
    with (
        mail_receiver(password="another", tls="starttls") as (server, address),
        pytest.raises(DeliveryError, match=r"^the mail server answered 535$"),
    ):
        _email(f"smtp://user:{QUOTED}@{address}").send(MESSAGE)
    assert server.mails == []


def test_without_tls_no_password_is_sent() -> None:
    with (
        mail_receiver(password=PASSWORD) as (server, address),
        pytest.raises(DeliveryError, match="offers no TLS, so it is not given the password"),
    ):
        _email(f"smtp://user:{QUOTED}@{address}").send(MESSAGE)
    assert (server.logins, server.mails) == ([], [])


def test_a_certificate_that_nobody_trusts_is_refused() -> None:
    with (
        mail_receiver(password=PASSWORD, tls="starttls") as (server, address),
        pytest.raises(DeliveryError, match=r"cannot be used \(SSLCertVerificationError\)"),
    ):
        _email(f"smtp://user:{QUOTED}@{address}").send(MESSAGE)
    assert server.logins == []


def test_one_wrong_address_keeps_the_mail_from_nobody_else() -> None:
    with mail_receiver() as (server, address):
        server.refused = {"ops@x.example"}
        _email(f"smtp://{address}").send(MESSAGE)
        assert len(server.mails) == 1
        server.refused = set(RECIPIENTS)
        with pytest.raises(DeliveryError, match="SMTPRecipientsRefused"):
            _email(f"smtp://{address}").send(MESSAGE)
        assert len(server.mails) == 1
