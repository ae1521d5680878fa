"""What is refused before anything is started."""

from __future__ import annotations

import pytest

from ingestion.settings import Settings
from stack.errors import StackError
from stack.preflight import check_database_setting


def test_the_stacks_own_database_is_not_somebody_elses() -> None:
    settings = Settings(database_url="postgresql://postgres:x@127.0.0.1:54322/ticketmarts", postgres_port=54322)
    with pytest.raises(StackError, match=r"stack\.env was probably sourced in this shell"):
        check_database_setting(settings)


@pytest.mark.parametrize("url", [None, "postgresql://postgres:x@127.0.0.1:5432/a", "postgresql://db.example:54322/a"])
def test_any_other_database_is_fine(url: str | None) -> None:
    check_database_setting(Settings(database_url=url, postgres_port=54322))


@pytest.mark.parametrize(
    "dagster_url", ["postgresql+psycopg2://dagster:y@db.example:5432/a", "postgresql://db.example/a?sslmode=require"]
)
def test_dagsters_tables_do_not_go_into_the_served_database(dagster_url: str) -> None:
    settings = Settings(database_url="postgresql://postgres:x@db.example/a", dagster_database_url=dagster_url)
    with pytest.raises(StackError, match="the same database"):
        check_database_setting(settings)
    settings.dagster_database_url = "postgresql://db.example/dagster"
    check_database_setting(settings)
