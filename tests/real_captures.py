"""Finds the real captures that tests may read; third-party data, so that none of it is kept in the project.

What belongs here: where they are. What does not: what they mean. A test that needs one is skipped where it is missing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_capture(name: str) -> Path:
    """The path of a real capture; skips the test where there is none."""
    path = _FOLDER / name
    if not path.is_file():
        pytest.skip(f"the real capture {name} is not on this machine")
    return path
