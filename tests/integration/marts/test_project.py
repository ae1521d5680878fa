"""The dbt project as a whole: its own tests pass through the command line, and its documentation is complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ingestion.settings import libpq_environment
from tests.integration.marts.markets import DifficultMarket
from tests.integration.marts.warehouse import DBT_PROJECT, Warehouse

Nodes = Mapping[str, Mapping[str, Any]]

# int_reads and int_event_starts choose rows only; int_listing_states reads raw through a function, which no fixture
# can stand in for: the agreement tests hold it. int_changed_listings is a list that others write: test_runs holds it.
_WITHOUT_RULES = {"int_reads", "int_event_starts", "int_listing_states", "int_changed_listings"}


@pytest.fixture(scope="module")
def target(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `dbt build` of everything, with its unit tests and data tests, leaves behind."""
    warehouse.record(list(DifficultMarket(41, 41, captures=30).lines()))
    folder = tmp_path_factory.mktemp("target")
    outcome = subprocess.run(
        [
            Path(sys.executable).with_name("dbt"),
            "--warn-error",
            "build",
            f"--project-dir={DBT_PROJECT}",
            f"--profiles-dir={DBT_PROJECT}",
            f"--target-path={folder}",
            "--log-level-file=none",
        ],
        env={**os.environ, **libpq_environment(warehouse.database_url)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout
    return folder


def test_every_model_unit_test_and_data_test_succeeds_without_a_warning(target: Path) -> None:
    results = json.loads((target / "run_results.json").read_text())["results"]

    kinds = [result["unique_id"].split(".")[0] for result in results]
    assert {"model", "test", "unit_test"} <= set(kinds)
    statuses = {(result["unique_id"].split(".")[0], result["status"]) for result in results}
    assert {status for kind, status in statuses if kind != "exposure"} <= {"success", "pass"}


def test_every_rule_of_the_intermediate_models_has_a_unit_test(target: Path) -> None:
    manifest = _manifest(target)
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    rules = {name for name in _names(manifest["nodes"], "intermediate") if name not in _WITHOUT_RULES}

    assert rules - tested == set()


def test_columns_are_documented_and_documented_columns_exist(target: Path, warehouse: Warehouse) -> None:
    manifest = _manifest(target)
    actual = {
        (row["schema"], row["relation"], row["name"])
        for row in warehouse.rows(
            """
            select n.nspname as schema, c.relname as relation, a.attname as name
            from pg_attribute as a
            inner join pg_class as c on a.attrelid = c.oid
            inner join pg_namespace as n on c.relnamespace = n.oid
            where a.attnum > 0 and not a.attisdropped
            union all
            select p.pronamespace::regnamespace::text, p.proname, a.name
            from pg_proc as p
            cross join unnest(p.proargnames, p.proargmodes) as a (name, mode)
            where p.pronamespace = 'public'::regnamespace and a.mode = 't'
            """
        )
    }
    described = _described(manifest["nodes"]) | _described(manifest["sources"])

    relations = {(schema, relation) for schema, relation, _ in described}
    assert described == {column for column in actual if column[:2] in relations}


def test_nothing_is_without_a_description(target: Path) -> None:
    manifest = _manifest(target)
    documented = [*manifest["nodes"].values(), *manifest["sources"].values()]
    nodes = [node for node in documented if node["resource_type"] in {"model", "source"}]

    without = [node["name"] for node in nodes if not node["description"]]
    without += [
        f"{node['name']}.{column['name']}"
        for node in nodes
        for column in node["columns"].values()
        if not column["description"]
    ]
    assert without == []


def test_marts_and_api_keep_a_contract(target: Path) -> None:
    nodes = _manifest(target)["nodes"]
    served = [
        node for node in nodes.values() if node["resource_type"] == "model" and node["schema"] in {"marts", "public"}
    ]

    assert len(served) == 32
    assert all(node["config"]["contract"]["enforced"] for node in served)


def test_what_follows_the_ledger_is_what_clears_it(target: Path) -> None:
    nodes = _manifest(target)["nodes"]
    claims = "model.ticketmarts.int_claimed_marks"
    downstream = {claims}
    while grown := {
        name
        for name, node in nodes.items()
        if node["resource_type"] == "model" and downstream & set(node["depends_on"]["nodes"]) and name not in downstream
    }:
        downstream |= grown

    ledger = {name for name, node in nodes.items() if node["resource_type"] == "model" and "ledger" in node["tags"]}
    assert {name for name in downstream if nodes[name]["schema"] != "public"} <= ledger


def _manifest(target: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    return manifest


def _names(nodes: Nodes, schema: str) -> set[str]:
    return {node["name"] for node in nodes.values() if node["resource_type"] == "model" and node["schema"] == schema}


def _described(nodes: Nodes) -> set[tuple[str, str, str]]:
    return {
        (node["schema"], node["name"], column)
        for node in nodes.values()
        if node["resource_type"] in {"model", "source"}
        for column in node["columns"]
    }
