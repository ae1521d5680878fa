"""Keeping programs running, by the library ``supervisor``: its configuration, its start and stop, what it reports.

What belongs here: all that is known of supervisord. What does not: which programs run (``stack.programs``).
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from ingestion.settings import PROJECT_FOLDER
from stack.errors import StackError
from stack.programs import Program

_LONGEST_SOCKET_PATH_BYTES = 100  # the system's limit is 104 (macOS) to 108, and supervisord adds a suffix
_STOP_SECONDS = 20  # for each program; then it is killed, with its group

_HEAD = """\
[supervisord]
nodaemon = true
silent = true
logfile = logs/supervisord.log
logfile_maxbytes = 5MB
logfile_backups = 1
pidfile = run/supervisord.pid
childlogdir = logs
{user}

[unix_http_server]
file = {socket}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

_PROGRAM = """
[program:{name}]
command = {command}
directory = {folder}
priority = {priority}
startsecs = 1
startretries = 5
stopwaitsecs = {stop_seconds}
stopasgroup = true
killasgroup = true
autorestart = true
redirect_stderr = true
stdout_logfile = logs/{name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""


class Supervisor:
    """supervisord as a child in a session of its own, so that a Ctrl-C at the terminal reaches only us."""

    def __init__(self, home: Path, programs: Sequence[Program], environment: dict[str, str]) -> None:
        self.programs = programs
        self._home = home
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start supervisord, and by that the programs."""
        configuration = self._home / "run" / "supervisord.conf"
        configuration.parent.mkdir(parents=True, exist_ok=True)
        (self._home / "logs").mkdir(exist_ok=True)
        configuration.write_text(self._configuration())
        with (self._home / "logs" / "supervisord.out").open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._home,  # the log files are named from here
                env=self._environment,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Stop the programs, last started first, then supervisord."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=_STOP_SECONDS * len(self.programs) + 10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def is_alive(self) -> bool:
        """Whether supervisord itself still runs."""
        return self._process is not None and self._process.poll() is None

    def states(self) -> dict[str, str]:
        """What supervisord says of each program (``RUNNING``, ``BACKOFF``, ``FATAL``, …); empty while it begins."""
        proxy = ServerProxy("http://127.0.0.1", SupervisorTransport(None, None, f"unix://{self._socket()}"))
        try:
            answer: Any = proxy.supervisor.getAllProcessInfo()
        except (OSError, HTTPException, Fault):
            return {}
        finally:
            proxy("close")()
        return {str(info["name"]): str(info["statename"]) for info in answer}

    def log_path(self, name: str) -> Path:
        """The log of a program, standard output and error together."""
        return self._home / "logs" / f"{name}.log"

    def _configuration(self) -> str:
        user = "user = root" if os.geteuid() == 0 else ""  # said, or supervisord complains of being root
        head = _HEAD.format(user=user, socket=_escape(self._socket()))
        sections = [
            _PROGRAM.format(
                name=program.name,
                command=_escape(shlex.join(program.command)),
                priority=number,
                stop_seconds=_STOP_SECONDS,
                folder=_escape(PROJECT_FOLDER),
            )
            for number, program in enumerate(self.programs, start=1)
        ]
        return head + "".join(sections)

    def _socket(self) -> Path:
        socket = self._home.resolve() / "run" / "supervisor.sock"
        if len(os.fsencode(socket)) <= _LONGEST_SOCKET_PATH_BYTES:
            return socket
        short = Path(tempfile.gettempdir()) / f"ticketmarts-{os.getuid()}"
        short.mkdir(mode=0o700, exist_ok=True)
        if short.stat().st_uid != os.getuid():
            raise StackError(f"{short} belongs to another user. Set TICKETMARTS_HOME to a shorter path, or TMPDIR.")
        return short / f"{hashlib.sha256(os.fsencode(socket)).hexdigest()[:16]}.sock"


def _escape(value: str | Path) -> str:
    """A value as supervisord's configuration wants it: a percent sign begins an expansion, a `` ;`` a comment."""
    return str(value).replace("%", "%%")
