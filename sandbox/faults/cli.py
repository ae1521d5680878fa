"""The commands ``sandbox faults set|show|clear``, for a sandbox that is running.

What belongs here: options, messages, exit status (0 done, 1 failed, 2 wrong use). What does not: the faults.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, NoReturn

import httpx
import typer

from sandbox.faults.control import FAULTS_PATH

app = typer.Typer(help="Make a running sandbox fail, on demand.", no_args_is_help=True)

_TIMEOUT_SECONDS = 10

Url = Annotated[str, typer.Option(help="Where the sandbox listens.")]
_URL = "http://127.0.0.1:54330"


@app.command("set")
def set_command(
    document: Annotated[str, typer.Argument(metavar="FILE|-", help="The faults, as JSON; - for standard input.")],
    *,
    url: Url = _URL,
) -> None:
    """Put faults in force, in place of those before; they count from the beginning."""
    try:
        text = sys.stdin.buffer.read() if document == "-" else Path(document).read_bytes()
    except OSError as problem:
        _fail(f"cannot read {document}: {problem.strerror or problem}")
    _ask("PUT", url, text)


@app.command("show")
def show_command(*, url: Url = _URL) -> None:
    """Print the faults in force, as JSON."""
    _ask("GET", url)


@app.command("clear")
def clear_command(*, url: Url = _URL) -> None:
    """End all faults."""
    _ask("DELETE", url)


def _ask(method: str, url: str, text: bytes | None = None) -> None:
    """Ask, and print the document that is in force then."""
    try:
        # Without a proxy of the environment's: the sandbox is here.
        answer = httpx.request(method, url + FAULTS_PATH, content=text, timeout=_TIMEOUT_SECONDS, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        _fail(f"no sandbox answers at {url} ({problem}); start one with `ticketmarts sandbox serve`, or give --url")
    if answer.status_code == HTTPStatus.BAD_REQUEST:
        _fail(answer.json()["message"], status=2)
    if answer.status_code != HTTPStatus.OK:
        _fail(f"{url} is no sandbox with faults: it answered {answer.status_code}")
    typer.echo(answer.text)


def _fail(message: str, status: int = 1) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(status)
