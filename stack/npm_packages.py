"""Installs what ``supabase/package-lock.json`` pins, with the npm that comes with the wheel's Node.js.

Run by the Makefile as ``python -m stack.npm_packages``. The lock names no registry. It must list the Supabase CLI's
builds for every platform, or ``npm ci`` refuses it; `npm install` leaves out those that its registry does not have.
"""

from __future__ import annotations

import subprocess
import sys

from stack import node
from stack.errors import StackError


def install() -> None:
    """Run ``npm ci``.

    Raises:
        StackError: it failed; npm has said why.
    """
    program = node.node_program()
    npm = program.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(program), str(npm), "ci", "--ignore-scripts", "--loglevel", "error"]
    if subprocess.run(command, check=False, cwd=node.SUPABASE_FOLDER, env=node.node_environment()).returncode != 0:
        raise StackError(
            "the npm packages could not be installed; npm says why above. It needs its registry, or a cache that has "
            "these versions: for a mirror, set npm's `registry` (`npm_config_registry`), then run make again."
        )


if __name__ == "__main__":
    try:
        install()
    except StackError as error:
        sys.exit(f"error: {error}")
