"""From which columns each column of a model is made, read from its compiled SQL.

What belongs here: finding that out, the file in which it is kept, and Dagster's form of it. Finding out takes seconds
and a compiled project, so a code location only reads the file; a test holds it to what the SQL says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from sqlglot import MappingSchema, exp, parse_one, to_table
from sqlglot.errors import OptimizeError
from sqlglot.lineage import lineage
from sqlglot.optimizer import optimize

LINEAGE_FILE = Path(__file__).parent / "assets" / "column_lineage.json"
_DIALECT = "postgres"

Lineage = dict[str, dict[str, list[str]]]
"""By model and column: the columns that it is made of, as "parent.column"; a parent is a model or a table of raw."""


def find_lineage(manifest: Mapping[str, Any]) -> Lineage:
    """The lineage of every model of a compiled project whose SQL reads relations alone.

    What calls functions that return rows (those that open raw's arrays, and the API's own) cannot be looked through.
    """
    parents = {**manifest["sources"], **manifest["nodes"]}
    found: Lineage = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model":
            continue
        try:
            found[node["name"]] = _columns_of(node, [parents[parent] for parent in node["depends_on"]["nodes"]])
        except OptimizeError:
            continue
    return dict(sorted(found.items()))


def _columns_of(node: Mapping[str, Any], parents: list[Mapping[str, Any]]) -> dict[str, list[str]]:
    schema = MappingSchema(dialect=_DIALECT)
    for parent in (*parents, node):
        columns = {name: column["data_type"] or "text" for name, column in parent["columns"].items()}
        schema.add_table(to_table(parent["relation_name"], dialect=_DIALECT), columns, dialect=_DIALECT)
    name_of = {to_table(p["relation_name"], dialect=_DIALECT).sql(_DIALECT): p["name"] for p in parents}
    # Named in full, without a star; as text, since lineage() wants to take it apart itself.
    sql = optimize(parse_one(node["compiled_code"], dialect=_DIALECT), schema=schema, dialect=_DIALECT).sql(_DIALECT)
    made_of = {}
    for column in node["columns"]:
        leaves = (leaf for leaf in lineage(column, sql, schema=schema, dialect=_DIALECT).walk() if not leaf.downstream)
        made_of[column] = sorted(
            {
                f"{name_of[table]}.{exp.to_column(leaf.name).name}"
                for leaf in leaves
                if (source := leaf.expression.find(exp.Table)) is not None
                and (table := exp.table_(source.this, source.args.get("db"), source.args.get("catalog")).sql(_DIALECT))
                in name_of
            }
        )
    return made_of


def write_lineage(found: Lineage) -> None:
    """Keep the lineage, a model a line."""
    lines = (f"  {json.dumps(model)}: {json.dumps(columns)}" for model, columns in found.items())
    LINEAGE_FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def read_lineage() -> Lineage:
    """The lineage as it was kept."""
    kept: Lineage = json.loads(LINEAGE_FILE.read_text())
    return kept


def as_metadata(columns: Mapping[str, list[str]], asset_of: Mapping[str, dg.AssetKey]) -> dg.TableColumnLineage:
    """Dagster's form of one model's lineage; ``asset_of`` tells the asset of a parent's name."""
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(asset_of[parent], parent_column)
                for parent, _, parent_column in (made_of.partition(".") for made_of in columns[column])
            ]
            for column in columns
        }
    )
