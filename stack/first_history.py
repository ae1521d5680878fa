"""The history that a new stack begins with: the sandbox's featured events over the last days, by any import's door.

What belongs here: which commands, in which order. What does not: the commands, which anyone can give by hand.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from stack.errors import StackError

FEATURED_EVENTS = 24

_MINUTES_A_DAY = 24 * 60


def bring_in_history(environment: dict[str, str], days: int, interval_minutes: int) -> None:
    """Track the featured events, import what the sandbox would have shown of them over ``days``, build the marts.

    Interrupted anywhere, it can be done again: importing a capture twice changes nothing.

    Raises:
        StackError: one of the commands failed; it has said why.
    """
    listed = _answer(environment, "sandbox", "events", "--featured", str(FEATURED_EVENTS), "--json")
    event_ids = [str(event["event_id"]) for event in json.loads(listed)]
    _run(environment, "track", "add", *event_ids)
    _record_and_import(environment, event_ids, days, interval_minutes)
    _run(environment, "build")


def _record_and_import(environment: dict[str, str], event_ids: list[str], days: int, interval_minutes: int) -> None:
    # Whole intervals, so that a second try after an interruption asks for the same instants.
    seconds = interval_minutes * 60
    to_at = datetime.fromtimestamp(datetime.now(UTC).timestamp() // seconds * seconds, UTC)
    recording = ("--output", "-", "--days", str(days), "--to", to_at.isoformat())
    events = [part for event_id in event_ids for part in ("--event", event_id)]
    expected = len(event_ids) * days * _MINUTES_A_DAY // interval_minutes
    record = ("sandbox", "record", *recording, "--interval-minutes", str(interval_minutes), *events)
    with (
        tempfile.TemporaryFile() as record_messages,  # its own progress would garble the import's
        _command(environment, *record, stdout=subprocess.PIPE, stderr=record_messages) as recorder,
        _command(environment, "import", "-", "--expected", str(expected), stdin=recorder.stdout) as importer,
    ):
        if recorder.stdout is not None:
            recorder.stdout.close()  # the importer has it; so the recorder notices when that ends
        if importer.wait() != 0:
            raise StackError("the sandbox's history could not be imported; the lines above say why.")
        if recorder.wait() != 0:
            record_messages.seek(0)
            said = record_messages.read().decode(errors="replace").strip().splitlines()[-1:]
            raise StackError(f"the sandbox's history could not be recorded: {' '.join(said)}")


def _run(environment: dict[str, str], *arguments: str) -> None:
    with _command(environment, *arguments) as process:
        if process.wait() != 0:
            raise StackError(f"`ticketmarts {arguments[0]}` failed; the lines above say why.")


def _answer(environment: dict[str, str], *arguments: str) -> bytes:
    with _command(environment, *arguments, stdout=subprocess.PIPE) as process:
        answer, _ = process.communicate()
        if process.returncode != 0:
            raise StackError(f"`ticketmarts {' '.join(arguments[:2])}` failed; the lines above say why.")
    return answer


@contextmanager
def _command(
    environment: dict[str, str],
    *arguments: str,
    stdin: IO[bytes] | int | None = subprocess.DEVNULL,
    stdout: int | None = None,
    stderr: IO[bytes] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """One of our own commands, in a session of its own: a Ctrl-C is ours to handle, and ends it by our hand."""
    program = Path(sys.executable).parent / "ticketmarts"
    process = subprocess.Popen(
        [program, *arguments], stdin=stdin, stdout=stdout, stderr=stderr, env=environment, start_new_session=True
    )
    try:
        with process:
            try:
                yield process
            except BaseException:
                process.terminate()
                raise
    finally:
        if process.stdout is not None:
            process.stdout.close()
