"""Receivers of alerts: a webhook over real HTTP and a mail server over real SMTP, which remember what they got.

What belongs here: servers. What does not: assertions.
"""

from __future__ import annotations

import asyncio
import email.policy
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stack.ports import free_port
from tests.integration.ingestion.marketplaces import HOST, serving

AUTHORITY = trustme.CA()
"""Who signs the mail server's certificate."""
SECRET_PATH = "T0SECRET/B0SECRET/xyzSECRETxyz"


class WebhookReceiver:
    """What Slack would be. ``status`` is what it answers with; only what it has answered with 200 is in ``texts``."""

    def __init__(self) -> None:
        self.status = 200
        self.delay_seconds = 0.0
        self.texts: list[str] = []
        self.requests = 0
        self.url = ""
        self.app = Starlette(routes=[Route("/services/{path:path}", self._take, methods=["GET", "POST"])])

    async def _take(self, request: Request) -> Response:
        self.requests += 1
        await asyncio.sleep(self.delay_seconds)
        if request.method != "POST" or request.path_params["path"] != SECRET_PATH:
            return Response(status_code=404)
        if self.status == 302:
            return Response(status_code=302, headers={"Location": f"/services/{SECRET_PATH}"})
        body: dict[str, Any] = await request.json()
        if self.status == 200:
            assert [*body] == ["text"]
            self.texts.append(body["text"])
        return JSONResponse({"ok": True}, self.status)


@contextmanager
def webhook_receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    with serving(receiver.app) as url:
        receiver.url = f"{url}/services/{SECRET_PATH}"
        yield receiver


class MailReceiver:
    """A mail server's conscience: it takes every mail, from whoever knows the password, where there is one."""

    def __init__(self, password: str | None) -> None:
        self.refused: set[str] = set()
        self.mails: list[EmailMessage] = []
        self.logins: list[bytes] = []
        self._password = password

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's
        self, _server: Any, _session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or not."""
        if address in self.refused:
            return "550 nobody here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 fine"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's
        """Take a mail."""
        mail = message_from_bytes(envelope.content or b"", policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        assert envelope.rcpt_tos == [
            address for address in map(str.strip, mail["To"].split(",")) if address not in self.refused
        ]
        self.mails.append(mail)
        return "250 taken"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        """Whether the password is the right one."""
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login)
        return AuthResult(success=data.password == (self._password or "").encode(), handled=False)


class _TrustedController(Controller):
    """Speaks to itself once when it starts, and knows its own certificate then."""

    def _trigger_server(self) -> None:
        if self.ssl_context is None:
            super()._trigger_server()
            return
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        with (
            socket.create_connection((HOST, self.port), 10) as connection,
            context.wrap_socket(connection, server_hostname=HOST) as server,
        ):
            server.recv(1024)


@contextmanager
def mail_receiver(*, password: str | None = None, tls: str = "none") -> Iterator[tuple[MailReceiver, str]]:
    """A mail server and its ``host:port``; ``tls`` is none, starttls or implicit."""
    receiver = MailReceiver(password)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(HOST).configure_cert(context)
    controller = _TrustedController(
        receiver,
        hostname=HOST,
        port=free_port(),
        ssl_context=context if tls == "implicit" else None,
        tls_context=context if tls == "starttls" else None,
        authenticator=receiver.authenticate if password else None,
        auth_required=tls == "starttls",
        auth_require_tls=tls == "starttls",
    )
    controller.start()
    try:
        yield receiver, f"{HOST}:{controller.port}"
    finally:
        controller.stop()
