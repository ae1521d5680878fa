"""dbt as Dagster starts it.

What belongs here: what dagster-dbt's own resource does that a round can do without. What does not: which commands are
run (``assets.dbt_models``), and dbt outside of Dagster (``dbt_project_files``).
"""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import version

from dagster_dbt import DbtCliResource
from packaging.version import Version


class DbtProgram(DbtCliResource):
    """dagster-dbt's resource, which takes the version of dbt from what is installed.

    Its own way is ``dbt --version``, before each run: a second start of dbt, which also asks PyPI whether there is a
    newer one.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))
