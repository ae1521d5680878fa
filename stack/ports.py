"""TCP ports on 127.0.0.1: whether one is free, who has it, and which one a test may use."""

from __future__ import annotations

import socket

import psutil

from stack.errors import StackError

LOCALHOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as every server does: TIME_WAIT is no user
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return False
    return True


def require_free(port: int, setting: str) -> None:
    """Raise StackError, with the process that has the port where that can be seen, unless ``port`` is free."""
    if not is_free(port):
        raise StackError(
            f"port {port} is in use{_by_whom(port)}. Stop that, or set {setting} to a free port (environment or .env)."
        )


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOCALHOST, 0))
        return int(probe.getsockname()[1])


def _by_whom(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                process = psutil.Process(connection.pid)
                return f" by process {process.pid} ({process.name()}: {' '.join(process.cmdline())[:100]})"
    except psutil.Error:  # another user's process, or macOS without privileges
        pass
    return " by a process of another user"
