"""How PostgreSQL is set up: for a machine of two cores, durable, in UTF-8 and UTC, on 127.0.0.1 alone.

What belongs here: settings and why. What does not: handing them over (``stack.postgres_cluster``).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from stack import ports

_SMALL_SHARED_MEMORY_BYTES = 512 * 2**20

SETTINGS_WHEN_MADE = {
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "100",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""Written into postgresql.conf when the data folder is made, so that its owner may change them afterwards."""

_SETTINGS_AT_START = {
    "listen_addresses": ports.LOCALHOST,
    "unix_socket_directories": "",
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgres-%a.log",  # a week of logs: each day's file replaces the one of a week ago
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
}


def settings_at_start() -> dict[str, str]:
    """Those that the stack relies on, given anew at each start."""
    # Containers often have 64 MB of /dev/shm, where a parallel query then fails as if the disk were full.
    shared_memory = Path("/dev/shm")  # noqa: S108
    if shared_memory.exists() and shutil.disk_usage(shared_memory).total < _SMALL_SHARED_MEMORY_BYTES:
        return {**_SETTINGS_AT_START, "dynamic_shared_memory_type": "mmap"}
    return _SETTINGS_AT_START
