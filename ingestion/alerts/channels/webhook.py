"""A Slack-compatible webhook: whoever takes ``{"text": …}`` (Slack, Mattermost, Rocket.Chat).

What belongs here: the request. What does not: the words.
"""

from __future__ import annotations

import html
import json
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from pydantic import SecretStr

from ingestion.alerts.channels.channel import TIMEOUT_SECONDS, DeliveryError
from ingestion.alerts.message import Message


class Webhook:
    """Posts to one URL, which is the only secret there is to it."""

    name = "webhook"

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    def send(self, message: Message) -> None:
        """Post a message; only a 2xx counts as delivered."""
        # What Slack reads as a command to it is escaped: an event's name may not call everybody.
        text = html.escape(message.text, quote=False)
        # Not by httpx: it logs the URL of every request.
        request = Request(  # noqa: S310  # the setting is an http or https URL
            self._url.get_secret_value(),
            json.dumps({"text": text}).encode(),
            {"Content-Type": "application/json", "User-Agent": "ticketmarts"},
        )
        try:
            with _opener().open(request, timeout=TIMEOUT_SECONDS):
                pass
        except HTTPError as error:
            with error:
                raise DeliveryError(f"the webhook answered with status {error.code}") from None
        except URLError as error:
            raise DeliveryError(f"the webhook cannot be reached ({type(error.reason).__name__})") from None
        except (OSError, HTTPException) as error:
            raise DeliveryError(f"the webhook did not answer ({type(error).__name__})") from None


def _opener() -> OpenerDirector:
    """Follows no redirect: a message that was sent on as a GET would count as delivered."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), HTTPDefaultErrorHandler(), HTTPErrorProcessor()):
        opener.add_handler(handler)
    return opener
