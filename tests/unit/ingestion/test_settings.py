"""Settings: which source goes first, what is said of wrong ones, and how other programs hear of the database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.settings import STACK_ENV_FILE, Settings, SettingsError, libpq_environment
from ingestion.settings import load_settings as load

NAMES = [name.upper() for name in Settings.model_fields]


class Sources:
    """The places that settings come from, each empty at first."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self._dotenv = folder / ".env"
        self._monkeypatch = monkeypatch
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TICKETMARTS_HOME", str(self.home))

    def set_environment(self, **variables: str) -> None:
        """Set environment variables."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def write_dotenv(self, **variables: str) -> None:
        """Write ``.env``."""
        self._dotenv.write_text(_lines(variables))

    def write_stack_env(self, **variables: str) -> None:
        """Write what a running stack writes."""
        (self.home / STACK_ENV_FILE).write_text(_lines(variables))

    def load(self, **overrides: Any) -> Settings:
        """The settings in force."""
        return load(dotenv=self._dotenv, **overrides)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    return Sources(tmp_path, monkeypatch)


def _lines(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}='{value}'\n" for name, value in variables.items())


def test_the_defaults(sources: Sources) -> None:
    settings = sources.load()
    assert (settings.database_url, settings.marketplace_base_url, settings.marketplace_headers) == (None, None, {})
    assert (settings.scraper_interval_seconds, settings.api_port) == (600, 54321)


def test_overrides_beat_the_environment_beats_dotenv_beats_the_running_stack(sources: Sources) -> None:
    sources.write_stack_env(DATABASE_URL="stack", SUPABASE_URL="stack", API_PORT="2001", DAGSTER_PORT="2001")
    assert sources.load().database_url == "stack"
    sources.write_dotenv(SUPABASE_URL="dotenv", API_PORT="2002", DAGSTER_PORT="2002")
    sources.set_environment(API_PORT="2003", DAGSTER_PORT="2003")
    settings = sources.load(dagster_port=2004)
    assert (settings.database_url, settings.supabase_url) == ("stack", "dotenv")
    assert (settings.api_port, settings.dagster_port) == (2003, 2004)


def test_an_empty_value_is_not_set(sources: Sources) -> None:
    sources.write_stack_env(DATABASE_URL="stack")
    sources.write_dotenv(DATABASE_URL="", API_PORT="")
    sources.set_environment(DATABASE_URL="", MARKETPLACE_HEADERS="")
    assert (sources.load().database_url, sources.load().api_port) == ("stack", 54321)


def test_the_running_stack_can_be_passed_over(sources: Sources) -> None:
    sources.write_stack_env(DATABASE_URL="stack")
    assert sources.load(with_running_stack=False).database_url is None


def test_the_home_may_come_from_dotenv(sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TICKETMARTS_HOME")
    sources.write_dotenv(TICKETMARTS_HOME=str(tmp_path / "home"))
    sources.write_stack_env(DATABASE_URL="stack")
    assert sources.load().database_url == "stack"


def test_headers_are_a_json_object(sources: Sources) -> None:
    sources.set_environment(MARKETPLACE_HEADERS='{"authorization": "Bearer x"}')
    assert sources.load().marketplace_headers == {"authorization": "Bearer x"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCRAPER_INTERVAL_MINUTES", "0"),
        ("SCRAPER_INTERVAL_MINUTES", "61"),
        ("SCRAPER_INTERVAL_MINUTES", "ten"),
        ("SCRAPER_MAX_CONCURRENCY", "0"),
        ("SCRAPER_REQUESTS_PER_SECOND", "0"),
        ("SCRAPER_MAX_FAILED_SHARE", "1.1"),
        ("SCRAPER_SHARDS", "2"),  # without a broker
        ("CELERY_BROKER_URL", "amqp://user:secret@localhost"),
        ("CELERY_REDELIVERY_SECONDS", "0"),
        ("API_PORT", "80"),
        ("POSTGRES_PORT", "65536"),
        ("MARKETPLACE_HEADERS", "authorization: Bearer secret"),
        ("MARKETPLACE_HEADERS", '["secret"]'),
    ],
)
def test_a_wrong_value_names_its_variable_but_no_secret(sources: Sources, name: str, value: str) -> None:
    sources.set_environment(**{name: value})
    with pytest.raises(SettingsError, match=rf"wrong settings \(environment or .*/\.env\): {name}: ") as raised:
        sources.load()
    assert "secret" not in str(raised.value)


def test_every_wrong_value_is_named(sources: Sources) -> None:
    sources.set_environment(API_PORT="80", DAGSTER_PORT="x")
    with pytest.raises(SettingsError, match=r"API_PORT: .*; DAGSTER_PORT: "):
        sources.load()


def test_no_more_shards_than_requests_at_a_time(sources: Sources) -> None:
    sources.set_environment(CELERY_BROKER_URL="redis://localhost:6379/0", SCRAPER_SHARDS="4")
    assert sources.load().scraper_shards == 4
    sources.set_environment(SCRAPER_MAX_CONCURRENCY="3")
    with pytest.raises(SettingsError, match=r"SCRAPER_SHARDS: .*SCRAPER_MAX_CONCURRENCY lets 3 requests be under way"):
        sources.load()


def test_what_is_missing_says_what_to_do(sources: Sources) -> None:
    with pytest.raises(SettingsError, match="Start it with `make up`, or set DATABASE_URL"):
        sources.load().require_database_url()
    with pytest.raises(SettingsError, match="or set MARKETPLACE_BASE_URL"):
        sources.load().require_marketplace_base_url()
    sources.set_environment(MARKETPLACE_BASE_URL="http://127.0.0.1:1/")
    assert sources.load().require_marketplace_base_url() == "http://127.0.0.1:1"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
def test_libpq_hears_of_any_password(password: str) -> None:
    url = f"postgresql://us%40er:{quote(password, safe='')}@db.example:5433/tickets?sslmode=require"
    expected = {
        "PGHOST": "db.example",
        "PGPORT": "5433",
        "PGUSER": "us@er",
        "PGPASSWORD": password,
        "PGDATABASE": "tickets",
        "PGSSLMODE": "require",
    }
    assert libpq_environment(url) == expected
    assert libpq_environment(psycopg.conninfo.make_conninfo(url)) == expected


def test_libpq_hears_nothing_of_what_is_not_said() -> None:
    assert libpq_environment("postgresql:///tickets") == {"PGDATABASE": "tickets"}
