"""The life of a running stack: everything in its order up, kept up, and down again whatever happens.

What belongs here: the order. What does not: how each part is started, which is its own module's business.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ingestion.settings import Settings
from stack import api, environment, home_lock, leftovers, migrations, postgres, preflight
from stack.alert_watch import AlertWatch
from stack.banner import print_banner
from stack.first_history import bring_in_history
from stack.keys import load_or_make_keys
from stack.postgres_cluster import PostgresServer
from stack.postgres_watch import PostgresWatch
from stack.programs import POSTGREST, Program, programs_for
from stack.readiness import wait_until_ready
from stack.stop_signals import StopRequested, stop_requests
from stack.supervision import Supervisor

_WATCH_SECONDS = 2
_HISTORY_DONE = "first_history.done"


@dataclass(frozen=True)
class UpOptions:
    """What a person may say to `up`."""

    history_days: int


def up(settings: Settings, options: UpOptions, console: Console) -> None:
    """Bring the stack up and keep it up until a signal asks it to stop; leave no process behind in any case.

    ``settings`` are the person's own, without those of a stack that runs (or was killed).

    Raises:
        StackError: something stands in the way; what had been started is stopped.
    """
    home = settings.ticketmarts_home.resolve()
    with home_lock.hold(home):
        try:
            with stop_requests(), ExitStack() as running:
                _start_and_watch(home, settings, options, console, running)
        except StopRequested:
            console.print("stopped")


def _start_and_watch(home: Path, settings: Settings, options: UpOptions, console: Console, running: ExitStack) -> None:
    ended = leftovers.end_processes_of(home)
    if ended:
        console.print(f"ended {ended} processes that a killed run had left behind")
    preflight.check_database_setting(settings)
    is_embedded = settings.database_url is None
    programs = programs_for(settings, with_api=is_embedded)
    preflight.check(home, programs)

    server = None
    if is_embedded or settings.dagster_database_url is None:
        with _step(console, "PostgreSQL"):
            running.callback(postgres.stop, home)
            server = postgres.start(home, settings.postgres_port)
        for remark in postgres.location_remarks(home):
            console.print(remark, soft_wrap=True)

    variables = _variables(home, settings, server, programs)
    with _step(console, "migrations"):
        migrations.bring_up_to_date(variables["DATABASE_URL"])
    if server is not None and is_embedded:
        api.give_roles_passwords(server, load_or_make_keys(home))

    stack_env = environment.write_stack_env(home, {name: variables[name] for name in _public(variables)})
    running.callback(stack_env.unlink, missing_ok=True)
    child_environment = environment.process_environment(home, variables)
    running.callback(leftovers.end_processes_of, home)
    supervisor = Supervisor(home, programs, child_environment)
    running.callback(_stop_programs, supervisor, console)
    with _step(console, ", ".join(program.name for program in programs)):
        supervisor.start()
        wait_until_ready(supervisor)

    is_first_time = not (home / _HISTORY_DONE).exists()
    # Never into a database that somebody brought along: invented events do not belong in it.
    if is_embedded and is_first_time and options.history_days > 0 and settings.marketplace_base_url is None:
        bring_in_history(child_environment, options.history_days, settings.scraper_interval_minutes)
        (home / _HISTORY_DONE).touch()
    print_banner(console, variables, programs)
    alerts = AlertWatch(child_environment) if settings.ticketmarts_env == "live" else None
    _watch(home, settings, supervisor, console, alerts, has_postgres=server is not None)


def _variables(
    home: Path, settings: Settings, server: PostgresServer | None, programs: list[Program]
) -> dict[str, str]:
    """What the parts need to find each other: the person's own settings where there are any, else our parts."""
    urls = {program.name: program.url for program in programs if program.port is not None}
    variables: dict[str, str] = {}
    if settings.database_url is not None:
        variables |= environment.database_variables(settings.database_url)
    elif server is not None:
        variables |= environment.database_variables(server.url(postgres.DATA_DATABASE))
        postgrest_port = next((program.port for program in programs if program.name == POSTGREST), None)
        keys = load_or_make_keys(home)
        variables |= api.api_environment(server, postgres.DATA_DATABASE, keys, settings.api_port, postgrest_port)
        variables["SUPABASE_URL"] = api.api_url(settings.api_port)
    if settings.supabase_url is not None and "SUPABASE_URL" not in variables:
        variables["SUPABASE_URL"] = settings.supabase_url
    dagster_url = settings.dagster_database_url
    if dagster_url is None and server is not None:
        dagster_url = server.url(postgres.DAGSTER_DATABASE)
    if dagster_url is not None:
        variables |= environment.dagster_variables(dagster_url, environment.make_dagster_home(home))
    variables["MARKETPLACE_BASE_URL"] = settings.marketplace_base_url or urls["sandbox"]
    return variables


def _public(variables: dict[str, str]) -> list[str]:
    """Names for ``stack.env``: all but what only the API's own process is to know."""
    return [name for name in variables if not name.startswith(("API_", "PGRST_")) and name != "SUPABASE_JWT_SECRET"]


def _watch(
    home: Path,
    settings: Settings,
    supervisor: Supervisor,
    console: Console,
    alerts: AlertWatch | None,
    *,
    has_postgres: bool,
) -> None:
    """Stay until a signal comes. supervisord restarts programs; it and PostgreSQL are ours to restart."""
    database = (
        PostgresWatch(home, settings.postgres_port, lambda line: console.print(line, soft_wrap=True))
        if has_postgres
        else None
    )
    given_up: set[str] = set()
    while True:
        time.sleep(_WATCH_SECONDS)
        if database is not None:
            database.look()
        if not supervisor.is_alive():
            console.print("supervisord has ended; starting it and its programs again")
            leftovers.end_processes_of(home)
            supervisor.start()
        if alerts is not None and alerts.look_if_due():
            console.print("nobody has evaluated alerts for minutes (Dagster's daemon does); doing it here")
        for name, state in supervisor.states().items():
            if state == "FATAL" and name not in given_up:
                given_up.add(name)
                console.print(f"{name} keeps failing and is not started again; see {supervisor.log_path(name)}")


def _stop_programs(supervisor: Supervisor, console: Console) -> None:
    console.print("stopping …")
    supervisor.stop()


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    began = time.monotonic()
    console.print(f"starting {what} …")
    yield
    console.print(f"         {what}: ready after {time.monotonic() - began:.1f} s")
