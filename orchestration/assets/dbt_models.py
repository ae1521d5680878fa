"""Every dbt model as an asset, every dbt test as an asset check.

What belongs here: the seam between dbt and Dagster: names, groups, what is shown of a model. What does not: SQL.
"""
# No postponed annotations here: Dagster looks at the type of `context` itself and cannot read a string.

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)
from pydantic import Field

from orchestration.building import build_all_but_the_last_batch, only_builder
from orchestration.column_lineage import as_metadata, read_lineage
from orchestration.dbt_project_files import BUILD_ARGUMENTS, DBT_FOLDER
from orchestration.pipeline import Pipeline
from orchestration.pools import DBT_POOL, give_way

DbtEvent = (
    dg.Output[Any] | dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckResult | dg.AssetCheckEvaluation
)

_ASSET_OF_SOURCE = {"tracked_events": "tracked_events", "productions": "tracked_events"}
_ROWS = re.compile(r"(\d+)$")
_CLAIMED_MARKS = "int_claimed_marks"


class BuildConfig(dg.Config):
    """What a person may say in the launchpad. The jobs of schedules set it themselves."""

    rebuild: bool = Field(
        default=True,
        description="Roll up every hour of the chosen days again, stale or not. False: only what the ledger says.",
    )


class Translator(DagsterDbtTranslator):
    """dbt's nodes under their own names, in groups by layer; raw's tables are the assets that write them."""

    def __init__(self, days: dg.DailyPartitionsDefinition) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True, enable_code_references=True)
        )
        self._days = days
        self._lineage = read_lineage()

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """A model's name; for a source, the asset that writes it."""
        return asset_key(dbt_resource_props["resource_type"], dbt_resource_props["name"])

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """What dagster-dbt knows (the columns, where the table is), and which columns a column is made of."""
        metadata = super().get_metadata(dbt_resource_props)
        columns = self._lineage.get(dbt_resource_props["name"])
        if dbt_resource_props["resource_type"] != "model" or columns is None:
            return metadata
        nodes = (node.split(".") for node in dbt_resource_props["depends_on"]["nodes"])
        asset_of = {name: asset_key(kind, name) for kind, *_, name in nodes}
        lineage = dg.MetadataValue.column_lineage(as_metadata(columns, asset_of))
        return {**metadata, "dagster/column_lineage": lineage}

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer: the folder below ``models/``."""
        return str(dbt_resource_props["fqn"][1])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        """The owner of the model's dbt group."""
        return [f"team:{dbt_resource_props['group']['owner']['name']}"] if dbt_resource_props.get("group") else []

    def get_partitions_def(self, dbt_resource_props: Mapping[str, Any]) -> dg.PartitionsDefinition[str] | None:
        """Days, where a model follows the ledger: what it has is made window by window."""
        return self._days if "ledger" in dbt_resource_props.get("tags", ()) else None


def asset_key(kind: str, name: str) -> dg.AssetKey:
    """The asset of a dbt node: a model's own, and of a source the one that writes it."""
    return dg.AssetKey(_ASSET_OF_SOURCE.get(name, "snapshots") if kind == "source" else name)


def build_dbt_assets(manifest: Path, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The assets of the models in ``manifest``, those that follow the ledger partitioned by ``days``."""
    translator = Translator(days)
    project = DbtProject(DBT_FOLDER, target_path=manifest.parent)

    @dbt_assets(
        manifest=manifest,
        project=project,
        dagster_dbt_translator=translator,
        name="dbt_models",
        pool=DBT_POOL,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def dbt_models(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, pipeline: Pipeline, config: BuildConfig
    ) -> Iterator[DbtEvent]:
        settings = pipeline.settings()
        pipeline.point_dbt_here()
        rebuilt = 0
        if config.rebuild and context.selected_asset_keys and context.has_partition_key_range:
            window = context.partition_time_window
            rebuilt = build_all_but_the_last_batch(settings, window.start, window.end, lambda: give_way(context))
        # What dbt leaves of a run (4 MB, every ten minutes) goes with the run; Dagster keeps what is worth keeping.
        with (
            only_builder(settings.require_database_url()),
            TemporaryDirectory(prefix="ticketmarts-dbt-") as target,
        ):
            invocation = invoke(dbt, context, manifest, translator, Path(target))
            yield from events_with_rows(invocation, context, project, rebuilt)

    return dbt_models


def invoke(
    dbt: DbtCliResource, context: dg.AssetExecutionContext, manifest: Path, translator: Translator, target: Path
) -> DbtCliInvocation:
    """Start dbt: on the whole project, whichever models are selected; on the checks where only such are.

    Models hand tables on to each other, and a run of some would leave the rest behind raw.
    """
    arguments = [*BUILD_ARGUMENTS]
    if context.selected_asset_keys:
        return dbt.cli(arguments, manifest=manifest, dagster_dbt_translator=translator, target_path=target)
    return dbt.cli(arguments, context=context, target_path=target)


def events_with_rows(
    invocation: DbtCliInvocation, context: dg.AssetExecutionContext, project: DbtProject, hours_rebuilt_before: int
) -> Iterator[DbtEvent]:
    """dagster-dbt's events of what is selected, a model's with the rows that its statement wrote.

    Counting them would read every table again. The claims also say how many hours the run rebuilds, with those of its
    batches before.
    """
    for message in invocation.stream_raw_events():
        written = rows_written(str(message.raw_event["data"].get("status", "")))
        for event in message.to_default_asset_events(
            manifest=invocation.manifest,
            dagster_dbt_translator=invocation.dagster_dbt_translator,
            context=context,
            target_path=invocation.target_path,
            project=project,
        ):
            if not _is_selected(event, context):
                continue
            if isinstance(event, dg.Output) and written is not None:
                claimed = (
                    {"hours_rebuilt": hours_rebuilt_before + written} if event.output_name == _CLAIMED_MARKS else {}
                )
                yield event.with_metadata({**event.metadata, "rows_written": written, **claimed})
            else:
                yield event


def _is_selected(event: DbtEvent, context: dg.AssetExecutionContext) -> bool:
    if isinstance(event, dg.Output):
        return event.output_name in context.op_execution_context.selected_output_names
    if isinstance(event, dg.AssetCheckResult):
        selected = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
        return (event.asset_key, event.check_name) in selected
    return True


def rows_written(status: str) -> int | None:
    """The rows of a statement's status: 24 of ``INSERT 0 24`` or ``SELECT 24``; None where it wrote none."""
    found = _ROWS.search(status)
    return int(found[1]) if found else None
