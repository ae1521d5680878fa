"""What every channel can do.

What belongs here: the promise. What does not: how it is kept.
"""

from __future__ import annotations

from typing import Protocol

from ingestion.alerts.message import Message

TIMEOUT_SECONDS = 10.0
"""Of a connection or an answer. Later evaluations try again, so nobody needs to wait for a receiver."""


class DeliveryError(Exception):
    """A message has not been delivered; says why, and never where to: addresses of webhooks are secrets."""


class Channel(Protocol):
    """A way to people. ``name`` is what ``raw.alerts`` knows it by."""

    name: str

    def send(self, message: Message) -> None:
        """Deliver a message.

        Raises:
            DeliveryError: it has not been delivered, as far as can be known.
        """
