"""``ticketmarts alerts``: an evaluation from the command line or a timer, and a message to see that channels work.

What belongs here: arguments and messages. What does not: evaluating (``evaluating``).
"""

from __future__ import annotations

from collections.abc import Callable

import typer

from ingestion.alerts import DeliveryError, Message, channels_of
from ingestion.commands.arguments import AsJson
from ingestion.settings import Settings, SettingsError, load_settings
from ingestion.terminal import messages, print_json
from orchestration.alerting.evaluating import DagsterSaid, ask, evaluate_alerts
from orchestration.storage import DagsterUnavailableError, find_instance

app = typer.Typer(no_args_is_help=True, help="Problems, and who is told of them.")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Look at everything once, and tell whoever does not know yet. For a timer, every few minutes.

    Status 1 where something could not be delivered, not where problems are open.
    """
    settings = load_settings()
    ask_dagster = _dagster_of(settings)
    evaluation = evaluate_alerts(settings, ask_dagster)
    if as_json:
        print_json(evaluation)
    elif not evaluation.is_done:
        messages.print("another evaluation is on, and does the same")
    else:
        messages.print(
            f"{evaluation.open_problems} problems are open" + ("" if ask_dagster else "; there is no Dagster to ask")
        )
        for channel, subject in evaluation.told.items():
            messages.print(f"{channel} was told: {subject}")
        for channel, why in evaluation.undelivered.items():
            messages.print(f"{channel} was not told: {why}; it is tried again, every 15 min at least")
    if evaluation.undelivered:
        raise typer.Exit(1)


@app.command("test")
def test_() -> None:
    """Send a message to every channel, to see that it arrives."""
    channels = channels_of(load_settings())
    if not channels:
        raise SettingsError("nobody is told: set ALERT_WEBHOOK_URL, or ALERT_EMAIL_TO and SMTP_URL (.env.example)")
    failed = False
    for channel in channels:
        try:
            channel.send(Message("ticketmarts: a test", "ticketmarts: a test. Problems will be told here."))
        except DeliveryError as error:
            failed = True
            messages.print(f"{channel.name}: {error}")
        else:
            messages.print(f"{channel.name}: delivered")
    if failed:
        raise typer.Exit(1)


def _dagster_of(settings: Settings) -> Callable[[], DagsterSaid] | None:
    """How to ask the instance of DAGSTER_HOME, or of the running stack; None where there is neither."""
    if settings.dagster_home is None or not (settings.dagster_home / "dagster.yaml").exists():
        return None

    def ask_it() -> DagsterSaid:
        from orchestration.definitions import build_defs  # noqa: PLC0415  # takes seconds: not for every command

        instance = find_instance(settings)
        if instance is None:
            raise DagsterUnavailableError(f"Dagster's folder {settings.dagster_home} has gone")
        with instance:
            return ask(instance, build_defs().get_repository_def())

    return ask_it
