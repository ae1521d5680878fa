"""The stack's own commands: `up`, `down`, `migrate`, `smoke`, `token`.

Each imports what it needs when it runs, so that ``--help`` is quick.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def up(
    history_days: Annotated[
        int, typer.Option(min=0, max=30, help="Days of the sandbox's history to bring in the first time; 0 for none.")
    ] = 3,
) -> None:
    """Start PostgreSQL, the API, Dagster and the sandbox, and stay in the foreground. Ctrl-C stops all of it."""
    from rich.console import Console

    from ingestion.settings import load_settings
    from stack.up import UpOptions
    from stack.up import up as run_up

    run_up(load_settings(with_running_stack=False), UpOptions(history_days), Console())


@app.command()
def down() -> None:
    """Stop the stack that runs in another terminal, and wait until it has stopped."""
    from ingestion.settings import load_settings
    from stack.home_lock import stop_holder

    home = load_settings(with_running_stack=False).ticketmarts_home
    typer.echo("stopped" if stop_holder(home) else f"nothing runs in {home}")


@app.command()
def migrate(
    *,
    advisors: Annotated[
        bool, typer.Option("--advisors", help="Ask Supabase's security and performance advisors afterwards.")
    ] = False,
) -> None:
    """Apply supabase/migrations to the database in force."""
    from ingestion.settings import load_settings
    from stack.migrations import apply_migrations, check_advisors

    database_url = load_settings().require_database_url()
    applied = apply_migrations(database_url)
    typer.echo("\n".join(f"applied {name}" for name in applied) or "nothing to apply: the database is up to date")
    if advisors:
        check_advisors(database_url)
        typer.echo("the advisors have nothing to say")


@app.command()
def smoke(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Ask the API as clients do: what must be served, what must be refused, and whether the data is fresh."""
    from ingestion.settings import load_settings
    from ingestion.terminal import messages, print_json, print_table
    from stack.smoke import State, run_checks

    checks = run_checks(load_settings())
    if as_json:
        print_json([vars(check) for check in checks])
    else:
        print_table([{"check": c.name, "state": c.state, "found": c.found, "what to do": c.remedy} for c in checks])
    failed = sum(check.state is State.FAILED for check in checks)
    if failed:
        messages.print(f"{failed} of {len(checks)} checks failed")
        raise typer.Exit(1)


@app.command()
def token(
    user: Annotated[str, typer.Option(help="Who it speaks for: the claim `sub`.")] = "somebody",
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 365, help="How long it is valid.")] = 12,
) -> None:
    """Print a token of somebody who is logged in, for the local API: what reads listings, beside the anonymous key."""
    from ingestion.settings import load_settings
    from stack.keys import load_or_make_keys, user_token

    home = load_settings(with_running_stack=False).ticketmarts_home
    home.mkdir(parents=True, exist_ok=True)
    typer.echo(user_token(load_or_make_keys(home), user, round(hours * 3600)))
