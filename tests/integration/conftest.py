"""What tests of several packages share: dbt, parsed once in each process, which takes seconds."""

from __future__ import annotations

import pytest

from tests.integration.marts.warehouse import Dbt


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """The project of this checkout, writing nothing into it."""
    return Dbt(tmp_path_factory.mktemp("dbt"))
