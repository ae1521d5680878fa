"""supabase/types/database.ts: what a fresh database gives, and what the documentation's JavaScript compiles against."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stack.database_types import TYPES_FILE, generate_types
from stack.node import SUPABASE_FOLDER, node_environment, node_program
from tests.integration.api.conftest import History
from tests.integration.api.examples import Example, examples, setup, typescript

# An example compiles, its data has a type that is known, and the answer that is printed below it is of that type, or of
# an error's where it is one.
_CHECK = """
const isKnown: 0 extends 1 & NonNullable<typeof data> ? never : true = true
const answer: {type} = {answer}
export {{ answer, error, isKnown, user, service }}
"""
_WRONG = """
// @ts-expect-error
supabase.from('no_such_view')
// @ts-expect-error
supabase.rpc('no_such_function')
const { data } = await supabase.from('events').select('event_id,no_such_column')
// @ts-expect-error
const answer: NonNullable<typeof data> = [{ event_id: 1, no_such_column: 2 }]
const { data: rows } = await supabase.from('events').select('event_id,event_name')
// @ts-expect-error
const renamed: NonNullable<typeof rows> = [{ event_id: 1, name: 'x' }]
// @ts-expect-error
const another: NonNullable<typeof rows> = [{ event_id: '1', event_name: 'x' }]
export { answer, renamed, another, user, service }
"""
_OPTIONS = {
    "strict": True,
    "noEmit": True,
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "module": "esnext",
    "moduleResolution": "bundler",
    "skipLibCheck": True,
    "types": [],
}


def test_the_types_are_those_of_a_fresh_database(history: History) -> None:
    is_fresh = TYPES_FILE.read_text() == generate_types(history.database_url)
    assert is_fresh, "supabase/types/database.ts is out of date: run `make types` and commit it"


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the compiler says, by file, of all examples at once: starting it takes longest."""
    folder = tmp_path_factory.mktemp("examples")
    for example in examples():
        _write(folder, example.title, example.javascript + _CHECK.format(**_answer(example)))
    _write(folder, "wrong", _WRONG)
    (folder / "page.mts").write_text(typescript() + "export { getIn, type Listing }\n")
    (folder / "node_modules").symlink_to(SUPABASE_FOLDER / "node_modules")
    (folder / TYPES_FILE.name).write_text(TYPES_FILE.read_text())
    (folder / "process.d.ts").write_text("declare const process: { env: Record<string, string> }\n")
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": _OPTIONS, "include": ["*.mts", "*.ts"]}))
    compiler = SUPABASE_FOLDER / "node_modules" / "typescript" / "bin" / "tsc"
    ended = subprocess.run(
        [str(node_program()), str(compiler), "--project", str(folder), "--pretty", "false"],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=node_environment(),
        timeout=120,
    )
    said: dict[str, list[str]] = {}
    for line in ended.stdout.splitlines():
        if not line.startswith(" "):
            said.setdefault(line.partition(".mts(")[0], []).append(line)
    assert (ended.returncode == 0) == (not said), ended.stderr
    return said


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_an_example_compiles_and_its_answer_is_of_its_type(example: Example, complaints: dict[str, list[str]]) -> None:
    assert "\n".join(complaints.get(example.title, [])) == ""


def test_what_the_page_says_in_typescript_compiles(complaints: dict[str, list[str]]) -> None:
    assert typescript()
    assert "\n".join(complaints.get("page", [])) == ""


def test_what_is_not_served_does_not_compile(complaints: dict[str, list[str]]) -> None:
    assert "\n".join(complaints.get("wrong", [])) == ""
    assert set(complaints) <= {"wrong", "page", *(example.title for example in examples())}, complaints


def _write(folder: Path, name: str, code: str) -> None:
    typed = setup("js").replace("createClient(", "createClient<Database>(")
    (folder / f"{name}.mts").write_text(f"import type {{ Database }} from './database'\n{typed}{code}")


def _answer(example: Example) -> dict[str, str]:
    """The printed answer and its type. The types know of no nulls in a function's rows, nor in an error's details."""
    answer = json.loads(example.answer)
    written = json.dumps(_without_nulls(answer)).replace('"<null>"', "null as never")
    return {
        "type": "NonNullable<typeof data>" if isinstance(answer, list) else "Partial<NonNullable<typeof error>>",
        "answer": written if ".rpc(" in example.javascript else example.answer,
    }


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return "<null>" if value is None else value
