"""What is said of a database that cannot be reached: where it was looked for, and never the password."""

from __future__ import annotations

import pytest

from ingestion.database import DatabaseUnavailableError, connect


def test_nobody_listening_is_said_with_the_place() -> None:
    with pytest.raises(DatabaseUnavailableError, match=r"database at 127\.0\.0\.1:1/tickets: .*refused") as raised:
        connect("postgresql://user:secret@127.0.0.1:1/tickets")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgres//user:secret@host/tickets",
        "postgresql+psycopg2://user:secret@host/tickets",
        "postgresql://user:sec@secret@127.0.0.1:1/tickets",
        "postgresql://user:sec/secret@127.0.0.1:1/tickets",
        "secret",
    ],
)
def test_what_is_no_url_is_not_repeated(url: str) -> None:
    with pytest.raises(
        DatabaseUnavailableError, match=r"DATABASE_URL cannot be read as a URL\. Write postgresql://"
    ) as raised:
        connect(url)
    assert "secret" not in str(raised.value)
