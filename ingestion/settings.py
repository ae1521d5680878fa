"""Every setting of the project, read from the environment, ``.env`` and the running stack, in that order.

What belongs here: names, defaults and limits of settings. What does not: anything that acts on them.
The embedded stack writes ``stack.env`` into the data folder while it runs, so that every command of the
project (and ``psql``, dbt, or a plain ``dagster-webserver``) finds the database without being told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettingError

from ingestion.errors import UserError

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
STACK_ENV_FILE = "stack.env"

_MINUTES_AN_HOUR = 60
_LIBPQ_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
}


ApiServerChoice = Literal["auto", "lite", "postgrest"]
TicketmartsEnv = Literal["live", "passive"]


class SettingsError(UserError):
    """A setting is missing or wrong; the message says which, where it was read and what to do."""


def _http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise ValueError("it must be a URL like https://marketplace.example")
    return url.rstrip("/")


def _secret_url(*schemes: str) -> Callable[[SecretStr], SecretStr]:
    def check(url: SecretStr) -> SecretStr:
        try:
            parts = urlsplit(url.get_secret_value())
            is_url = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_url = False
        if not is_url:
            raise ValueError(f"it must be a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return url

    return check


def _addresses(text: str) -> str:
    if not all("@" in address and address.isprintable() for address in text.split(",")):
        raise ValueError("it must be addresses like ops@example.com, with commas between them")
    return text


def _divisor_of_an_hour(minutes: int) -> int:
    if minutes <= 0 or _MINUTES_AN_HOUR % minutes:
        raise ValueError("it must divide an hour: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60")
    return minutes


def _shards_that_can_work(shards: int, info: ValidationInfo) -> int:
    if shards > 1 and info.data.get("celery_broker_url") is None:
        raise ValueError("a round in more than one shard needs CELERY_BROKER_URL: workers that take them")
    most = info.data.get("scraper_max_concurrency")
    if most is not None and shards > most:
        raise ValueError(f"SCRAPER_MAX_CONCURRENCY lets {most} requests be under way, and each shard needs one")
    return shards


class Settings(BaseSettings):
    """The settings in force. Field names in upper case are the names of the environment variables."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    ticketmarts_home: Path = PROJECT_FOLDER / ".ticketmarts"
    database_url: str | None = None
    database_disk_gb: float | None = Field(default=None, gt=0)
    dagster_database_url: str | None = None
    dagster_home: Path | None = None
    supabase_url: str | None = None
    supabase_anon_key: str | None = None
    supabase_service_key: SecretStr | None = None

    marketplace_base_url: Annotated[str, AfterValidator(_http_url)] | None = None
    marketplace_headers: dict[str, str] = Field(default_factory=dict)
    marketplace_token: SecretStr | None = None
    scraper_interval_minutes: Annotated[int, AfterValidator(_divisor_of_an_hour)] = 10
    scraper_max_concurrency: int = Field(default=4, ge=1, le=256)
    scraper_requests_per_second: float = Field(default=4.0, gt=0)
    scraper_max_failed_share: float = Field(default=0.5, ge=0, le=1)
    celery_broker_url: Annotated[SecretStr, AfterValidator(_secret_url("redis", "rediss"))] | None = None
    celery_redelivery_seconds: int = Field(default=600, ge=5, le=86_400)
    scraper_shards: Annotated[int, Field(ge=1, le=64), AfterValidator(_shards_that_can_work)] = 1
    tracking_file: Path | None = None

    ticketmarts_env: TicketmartsEnv = "live"
    history_start_date: date = date(2026, 1, 1)

    retention_raw_days: int | None = Field(default=None, ge=2, le=36_500)
    retention_failures_days: int = Field(default=90, ge=7, le=36_500)
    retention_quarantine_days: int = Field(default=180, ge=7, le=36_500)
    retention_dagster_runs_days: int = Field(default=14, ge=1, le=36_500)

    alert_webhook_url: Annotated[SecretStr, AfterValidator(_secret_url("http", "https"))] | None = None
    alert_email_to: Annotated[str, AfterValidator(_addresses)] | None = None
    alert_email_from: Annotated[str, AfterValidator(_addresses)] | None = None
    smtp_url: Annotated[SecretStr, AfterValidator(_secret_url("smtp", "smtps"))] | None = None

    api_server: ApiServerChoice = "auto"
    postgres_port: int = Field(default=54322, ge=1024, le=65535)
    api_port: int = Field(default=54321, ge=1024, le=65535)
    dagster_port: int = Field(default=3000, ge=1024, le=65535)
    sandbox_port: int = Field(default=54330, ge=1024, le=65535)
    metrics_port: int = Field(default=54340, ge=1024, le=65535)

    @property
    def scraper_interval_seconds(self) -> int:
        """Seconds between two captures of one event."""
        return self.scraper_interval_minutes * 60

    def require_database_url(self) -> str:
        """The database to work on, or SettingsError where none is configured and the stack is not running."""
        if self.database_url is None:
            raise SettingsError(
                "no database: DATABASE_URL is not set and the embedded stack is not running "
                f"(there is no {self.ticketmarts_home / STACK_ENV_FILE}). Start it with `make up`, or set DATABASE_URL."
            )
        return self.database_url

    def require_marketplace_base_url(self) -> str:
        """The marketplace to ask, or SettingsError where there is none."""
        if self.marketplace_base_url is None:
            raise SettingsError(
                "no marketplace: MARKETPLACE_BASE_URL is not set and no sandbox is running. "
                "Start the stack with `make up`, or set MARKETPLACE_BASE_URL."
            )
        return self.marketplace_base_url


def load_settings(
    *, with_running_stack: bool = True, dotenv: Path = PROJECT_FOLDER / ".env", **overrides: Any
) -> Settings:
    """Read the settings: overrides first, then the environment, ``dotenv``, and the running stack's own.

    Raises:
        SettingsError: a value is out of its range or of the wrong kind; names each such variable.
    """
    try:
        settings = Settings(_env_file=dotenv, **overrides)  # type: ignore[call-arg]
        if with_running_stack:
            stack_env = settings.ticketmarts_home / STACK_ENV_FILE
            settings = Settings(_env_file=(stack_env, dotenv), **overrides)  # type: ignore[call-arg]
    except ValidationError as error:
        problems = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"wrong settings (environment or {dotenv}): {problems}") from error
    except UnreadableSettingError as error:
        # Raised before any validation, and without the variable's name in one place; only this one is JSON.
        problem = "MARKETPLACE_HEADERS: Input should be a JSON object"
        raise SettingsError(f"wrong settings (environment or {dotenv}): {problem}") from error
    return settings


def libpq_environment(database_url: str) -> dict[str, str]:
    """The environment with which libpq programs (dbt, psql) reach ``database_url``."""
    parameters = conninfo_to_dict(database_url)
    return {name: str(parameters[key]) for key, name in _LIBPQ_VARIABLES.items() if parameters.get(key)}
