"""E-mail by SMTP.

What belongs here: the envelope, the connection, who may see the password. What does not: the words.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from ingestion.alerts.channels.channel import TIMEOUT_SECONDS, DeliveryError
from ingestion.alerts.message import Message

_SUBMISSION_PORT, _TLS_PORT = 587, 465
_logger = logging.getLogger(__name__)


class Email:
    """Mails to some people through one server: ``smtps://`` speaks TLS at once, ``smtp://`` as soon as it is offered.

    A password is never sent in the clear.
    """

    name = "email"

    def __init__(self, smtp_url: SecretStr, sender: str, recipients: Sequence[str]) -> None:
        self._smtp_url = smtp_url
        self._sender = sender
        self._recipients = list(recipients)

    def send(self, message: Message) -> None:
        """Mail a message; delivered is what the server has taken for anybody.

        Were it sent again for the sake of one wrong address, the others would get it again and again.
        """
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, ", ".join(self._recipients), message.subject
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="ticketmarts.invalid")
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        try:
            server = self._connected()
            try:
                refused = server.send_message(mail, self._sender, self._recipients)
                with suppress(OSError, smtplib.SMTPException):  # however it ends, the mail is the server's now
                    server.quit()
            finally:
                server.close()
        except smtplib.SMTPResponseException as error:  # a server's words may repeat what it was told
            raise DeliveryError(f"the mail server answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"the mail server cannot be used ({type(error).__name__})") from None
        if refused:
            _logger.warning("the mail server refused %d of %d recipients", len(refused), len(self._recipients))

    def _connected(self) -> smtplib.SMTP:
        url = urlsplit(self._smtp_url.get_secret_value())
        host, context = url.hostname or "", ssl.create_default_context()
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, url.port or _TLS_PORT, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(host, url.port or _SUBMISSION_PORT, timeout=TIMEOUT_SECONDS)
        try:
            _log_in(server, url, context)
        except BaseException:
            server.close()
            raise
        return server


def _log_in(server: smtplib.SMTP, url: SplitResult, context: ssl.SSLContext) -> None:
    if url.scheme == "smtp":
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        elif url.username:
            raise DeliveryError("the mail server offers no TLS, so it is not given the password")
    if url.username:
        server.login(unquote(url.username), unquote(url.password or ""))
