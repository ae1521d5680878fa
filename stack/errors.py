"""The one exception that the stack raises for whatever the person at the terminal can put right."""

from __future__ import annotations

from ingestion.errors import UserError


class StackError(UserError):
    """Something that stops the stack; the message says what, where and what to do about it."""
