"""Every dbt model as an asset, every dbt test as an asset check.

What belongs here: the seam between dbt and Dagster: names, groups, what is shown of a model. What does not: SQL.
"""
# No postponed annotations here: Dagster looks at the type of `context` itself and cannot read a string.

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    dbt_assets,
)

from orchestration.building import only_builder
from orchestration.dbt_project_files import BUILD_ARGUMENTS
from orchestration.pipeline import Pipeline

DBT_POOL = "dbt"
"""One dbt run at a time; limited to one slot in dagster.yaml, and by a lock in the database whoever else builds."""

DbtEvent = (
    dg.Output[Any] | dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckResult | dg.AssetCheckEvaluation
)

_ASSET_OF_SOURCE = {"tracked_events": "tracked_events", "productions": "tracked_events"}
_ROWS = re.compile(r"(\d+)$")


class Translator(DagsterDbtTranslator):
    """dbt's nodes under their own names, in groups by layer; raw's tables are the assets that write them."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True, enable_code_references=False)
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """A model's name; for a source, the asset that writes it."""
        name = dbt_resource_props["name"]
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(_ASSET_OF_SOURCE.get(name, "snapshots"))
        return dg.AssetKey(name)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer: the folder below ``models/``."""
        return str(dbt_resource_props["fqn"][1])


def build_dbt_assets(manifest: Path) -> dg.AssetsDefinition:
    """The assets of the models in ``manifest``."""

    @dbt_assets(manifest=manifest, dagster_dbt_translator=Translator(), name="dbt_models", pool=DBT_POOL)
    def dbt_models(context: dg.AssetExecutionContext, dbt: DbtCliResource, pipeline: Pipeline) -> Iterator[DbtEvent]:
        pipeline.point_dbt_here()
        # What dbt leaves of a run (4 MB, every ten minutes) goes with the run; Dagster keeps what is worth keeping.
        with (
            only_builder(pipeline.settings().require_database_url()),
            TemporaryDirectory(prefix="ticketmarts-dbt-") as target,
        ):
            yield from events_with_rows(dbt.cli([*BUILD_ARGUMENTS], context=context, target_path=Path(target)), context)

    return dbt_models


def events_with_rows(invocation: DbtCliInvocation, context: dg.AssetExecutionContext) -> Iterator[DbtEvent]:
    """dagster-dbt's events, a model's with the rows its statement wrote: counting them would read every table again."""
    for message in invocation.stream_raw_events():
        written = rows_written(str(message.raw_event["data"].get("status", "")))
        for event in message.to_default_asset_events(
            manifest=invocation.manifest,
            dagster_dbt_translator=invocation.dagster_dbt_translator,
            context=context,
            target_path=invocation.target_path,
        ):
            if isinstance(event, dg.Output) and written is not None:
                yield event.with_metadata({**event.metadata, "rows_written": written})
            else:
                yield event


def rows_written(status: str) -> int | None:
    """The rows of a statement's status: 24 of ``INSERT 0 24`` or ``SELECT 24``; None where it wrote none."""
    found = _ROWS.search(status)
    return int(found[1]) if found else None
