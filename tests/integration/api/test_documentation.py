"""docs/API_DOCUMENTATION.md: whole, and every example in it gives the answer printed below it.

The answers are written into the page by `UPDATE_DOCUMENTATION=1 pytest tests/integration/api/test_documentation.py`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ingestion.database import Database
from ingestion.importing import import_recordings
from ingestion.settings import load_settings
from ingestion.tracking import save_production, track
from ingestion.wire_format.productions import parse_production
from orchestration.building import build_marts
from sandbox.catalogue import featured_events
from sandbox.marketplace import InventedMarketplace
from sandbox.randomness import DEFAULT_SEED
from sandbox.recording import RecordingPlan, record
from stack.keys import user_token
from stack.node import SUPABASE_FOLDER, node_environment, node_program
from stack.postgres_cluster import PostgresServer
from tests.conftest import ApiServer, migrated_database
from tests.integration.api.examples import PAGE, Example, examples, setup

TO_AT = datetime(2026, 3, 15, 3, 30, tzinfo=UTC)
EXAMPLES = examples()


@pytest.fixture(scope="module")
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database of this module's own: its history is of fixed instants, as the page's answers are."""
    with migrated_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def environment(
    database_url: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The variables that the examples read, of an API over six hours of three events."""
    if "API_URL" in os.environ:
        pytest.skip("the examples are of a history of their own")
    marketplace = InventedMarketplace(DEFAULT_SEED)
    event_ids = [event.event_id for event in featured_events(TO_AT, 3)]
    recording = tmp_path_factory.mktemp("history") / "recording.jsonl"
    plan = RecordingPlan(tuple(event_ids), TO_AT - timedelta(hours=6), TO_AT, 600, DEFAULT_SEED)
    recording.write_bytes(b"".join(record(plan)))
    with Database(database_url) as database:
        track(database.connection, event_ids, interval_seconds=600)
        for event_id in event_ids:
            document = parse_production(event_id, marketplace.production(event_id, TO_AT).body)
            save_production(database.connection, event_id, document, TO_AT)
        import_recordings(database, [recording], interval_seconds=600)
    build_marts(load_settings(with_running_stack=False, database_url=database_url))
    server: ApiServer = request.getfixturevalue("api_server")
    return {
        "SUPABASE_URL": server.url,
        "SUPABASE_ANON_KEY": server.keys.anon_key,
        "SUPABASE_SERVICE_KEY": server.keys.service_key,
        "USER_TOKEN": user_token(server.keys, "somebody", 3600),
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_an_example_gives_its_answer_in_every_language(example: Example, environment: dict[str, str]) -> None:
    shown = "\nimport json; print(json.dumps(getattr(answer, 'data', answer)))"
    javascript = setup("js") + example.javascript + "\nconsole.log(JSON.stringify(error ?? data))"
    answers = {
        "python": _run([sys.executable, "-c", setup("python") + example.python + shown], environment),
        "javascript": _run([str(node_program()), "--input-type=module", "--eval", javascript], environment),
    }
    if shutil.which("curl"):
        curl = example.curl.replace("curl", "curl --silent --noproxy '*'", 1)
        answers["curl"] = _run(["sh", "-c", curl], environment)

    assert answers["python"], "an answer without a row shows nothing"
    if os.environ.get("UPDATE_DOCUMENTATION"):
        # JavaScript has one kind of number: 21.00 is read as 21, where Python would write 21.0.
        _write_answer(example, answers["javascript"])
    else:
        assert answers == dict.fromkeys(answers, json.loads(example.answer))


def test_everything_that_is_served_has_an_example(environment: dict[str, str], database_url: str) -> None:
    assert environment
    with psycopg.connect(database_url) as connection:
        served = connection.execute(
            """
            select relname, array(
                select attname from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
            ) from pg_class as c where relnamespace = 'public'::regnamespace and relkind = 'v'
            union all
            select proname, proargnames from pg_proc as p where pronamespace = 'public'::regnamespace and not (
                pronargs = 1 and exists (select from pg_class as c where c.reltype = p.proargtypes[0])
            )
            """
        ).fetchall()
        embedded = connection.execute(
            """
            select c.relname, p.proname from pg_proc as p inner join pg_class as c on c.reltype = p.proargtypes[0]
            where p.pronamespace = 'public'::regnamespace and p.pronargs = 1
            """
        ).fetchall()
    titles = [example.title for example in EXAMPLES if not example.title.startswith(("Errors", "embedding_"))]
    assert sorted(name for name, _ in served) == sorted(titles)
    text = PAGE.read_text()
    metrics = set(re.findall(r"^\| `(\w+)` \|", _section(text, "aggregated_analytics"), re.MULTILINE))
    for name, words in served:
        section = _section(text, name)
        known = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
        if "captures` … `is_final`" in section:
            known |= metrics
        assert set(words) - known == set(), name
    rows = re.findall(r"^\| (`.*`) \| `(\w+)` \| an? \w+ \|$", text, re.MULTILINE)
    told = [(view, other) for views, other in rows for view in re.findall(r"`(\w+)`", views)]
    assert sorted(told) == sorted(embedded)


def test_every_refusal_is_told(environment: dict[str, str], database_url: str) -> None:
    assert environment
    text = " ".join(PAGE.read_text().split())
    with psycopg.connect(database_url) as connection:
        bodies = connection.execute("select prosrc from pg_proc where pronamespace = 'public'::regnamespace").fetchall()
    messages = {message for (body,) in bodies for message in re.findall(r"message = '((?:[^']|'')*)'", body)}
    specific = {message for message in messages if not message.endswith(" is null")}
    assert len(specific) > 20
    assert [message for message in specific if message.replace("''", "'") not in text] == []


def _section(text: str, title: str) -> str:
    return text.partition(f"\n### {title}\n")[2].partition("\n### ")[0]


def _run(command: list[str], variables: dict[str, str]) -> Any:
    clean = {name: value for name, value in node_environment().items() if not name.lower().endswith("_proxy")}
    environment = {**clean, **variables}
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=SUPABASE_FOLDER, env=environment, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _write_answer(example: Example, answer: list[dict[str, Any]] | dict[str, Any]) -> None:
    text = PAGE.read_text()
    if isinstance(answer, dict):
        written = json.dumps(answer, ensure_ascii=False)
    else:
        written = "[\n" + ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in answer) + "\n]"
    old = f"```sh\n{example.curl}```\n```json\n{example.answer}```"
    assert text.count(old) == 1
    PAGE.write_text(text.replace(old, f"```sh\n{example.curl}```\n```json\n{written}\n```"))
