"""The checks of ``ingestion.health`` as asset checks: of the captures once they are stored, of the marts once built.

What belongs here: the seam to Dagster. What does not: what is asked (``ingestion.health``), and alerts, which ask the
database themselves so that they hear of it where no run gets so far.
"""
# No postponed annotations here: Dagster looks at the type of `context` itself and cannot read a string.

from collections.abc import Iterator

import dagster as dg

from ingestion.health import CHECKS, CheckResult, run_checks
from orchestration.pipeline import Pipeline


def build_health_checks() -> list[dg.AssetChecksDefinition]:
    """One step for each asset that checks are about."""
    return [_checks_of(asset) for asset in sorted({check.about for check in CHECKS})]


def _checks_of(asset: str) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(name=check.name, asset=asset, description=check.question)
        for check in CHECKS
        if check.about == asset
    ]

    @dg.multi_asset_check(name=f"{asset}_health", specs=specs)
    def health(context: dg.AssetCheckExecutionContext, pipeline: Pipeline) -> Iterator[dg.AssetCheckResult]:
        with pipeline.database() as database:
            results = database.run(lambda connection: run_checks(connection, pipeline.settings(), about=(asset,)))
        for result in results:
            if not result.is_ok:
                context.log.error("%s: %s %s", result.name, result.summary, "; ".join(result.problems))
            yield dg.AssetCheckResult(
                asset_key=asset,
                check_name=result.name,
                passed=result.is_ok,
                severity=dg.AssetCheckSeverity.ERROR,
                description=result.summary,
                metadata=health_metadata(result),
            )

    return health


def health_metadata(result: CheckResult) -> dict[str, dg.MetadataValue]:
    """The figures, and what is wrong."""
    shown: dict[str, dg.MetadataValue] = {"summary": dg.MetadataValue.text(result.summary)}
    for name, value in result.figures.items():
        if isinstance(value, int):
            shown[name] = dg.MetadataValue.int(value)
        elif isinstance(value, float):
            shown[name] = dg.MetadataValue.float(value)
    if not result.is_ok:
        shown["problems"] = dg.MetadataValue.md("\n".join(f"- {problem}" for problem in result.problems))
        shown["what_to_do"] = dg.MetadataValue.text(result.what_to_do)
    return shown
