"""Who reads what the models serve: dbt's exposures, as the last assets of the graph.

What belongs here: the seam between exposures and Dagster. What an exposure depends on stands in its yml.
"""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg


def build_exposures(manifest: Path) -> list[dg.AssetSpec]:
    """One external asset for each exposure in ``manifest``, behind the models that it depends on."""
    document = json.loads(manifest.read_text())
    return [
        dg.AssetSpec(
            exposure["name"],
            deps=[document["nodes"][node]["name"] for node in exposure["depends_on"]["nodes"]],
            description=exposure["description"].strip(),
            owners=[f"team:{exposure['owner']['name']}"],
            group_name="clients",
            kinds={"rest"},
        )
        for exposure in document["exposures"].values()
    ]
