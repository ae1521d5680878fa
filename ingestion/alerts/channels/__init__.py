"""The ways to people that settings name.

What belongs here: which there are. What does not: what is told (``message``) and to whom that is still to be told
(``memory``).
"""

from __future__ import annotations

from ingestion.alerts.channels.channel import Channel, DeliveryError
from ingestion.alerts.channels.email import Email
from ingestion.alerts.channels.webhook import Webhook
from ingestion.settings import Settings, SettingsError

__all__ = ["Channel", "DeliveryError", "Email", "Webhook", "channels_of"]


def channels_of(settings: Settings) -> list[Channel]:
    """The channels that are set; none where nobody wants to be told.

    Raises:
        SettingsError: one is set by half.
    """
    channels: list[Channel] = []
    if settings.alert_webhook_url is not None:
        channels.append(Webhook(settings.alert_webhook_url))
    if (settings.alert_email_to is None) != (settings.smtp_url is None):
        missing = "SMTP_URL" if settings.smtp_url is None else "ALERT_EMAIL_TO"
        raise SettingsError(f"alerts cannot be mailed: {missing} is not set, and wants to be beside the other one")
    if settings.alert_email_to is not None and settings.smtp_url is not None:
        recipients = [address.strip() for address in settings.alert_email_to.split(",") if address.strip()]
        channels.append(Email(settings.smtp_url, settings.alert_email_from or recipients[0], recipients))
    return channels
