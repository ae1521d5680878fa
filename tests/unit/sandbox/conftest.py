"""A sandbox for the tests of faults: one server a module, without faults before each test, without errors after it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from sandbox.server import create_app
from tests.unit.sandbox.serving import SEED, Sandbox, serving


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with serving(create_app(seed=SEED)) as url:
        yield url


@pytest.fixture
def sandbox(sandbox_url: str, caplog: pytest.LogCaptureFixture) -> Iterator[Sandbox]:
    sandbox = Sandbox(sandbox_url)
    with sandbox.http:
        sandbox.http.delete("/sandbox/faults")
        yield sandbox
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
