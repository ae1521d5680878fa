"""`docs/ALGORITHMS.md` says what the code says: its constants, names, links and worked examples."""

from __future__ import annotations

import importlib
import inspect
import re
from collections import Counter
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import ceil
from typing import Any

import pytest
import yaml

from ingestion.codec.book import NO_ALL_IN, Book, build_book
from ingestion.codec.content import Placement, Terms, placement_id, terms_id
from ingestion.codec.delta import EMPTY_STATE, Delta, encode
from ingestion.settings import PROJECT_FOLDER, Settings

_FOLDER = PROJECT_FOLDER / "docs"
_DOCUMENT = (_FOLDER / "ALGORITHMS.md").read_text()
_MIGRATIONS = "\n".join(path.read_text() for path in sorted((PROJECT_FOLDER / "supabase/migrations").glob("*.sql")))
_DBT_PROJECT = PROJECT_FOLDER / "dbt_project"
_MODELS = {path.stem for path in _DBT_PROJECT.glob("models/**/*.sql")}
_MACROS = {
    name.removeprefix("get_incremental_").removesuffix("_sql")
    for path in _DBT_PROJECT.glob("macros/**/*.sql")
    for name in re.findall(r"{% macro (\w+)", path.read_text())
}

_CONSTANTS = re.findall(r"^\| `(\w+)` \| ([^|]+) \| `([\w./]+)` \|$", _DOCUMENT, flags=re.MULTILINE)
_PATHS = sorted(set(re.findall(r"\b(?:ingestion|orchestration|sandbox|stack)(?:\.\w+)+", _DOCUMENT)))
_HEADERS = re.findall(r"^▷ ([\w., ]+?)(?:\(([\w, ]*)\))?(?: — .*)?$", _DOCUMENT, flags=re.MULTILINE)
_STEPS = [(name, parameters) for names, parameters in _HEADERS for name in names.split(", ")]
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "MiB": 2**20}

_THREE_CAPTURES = (
    {"A": (2, 5000), "B": (4, 8000)},
    {"A": (2, 4500), "C": (1, 3000)},
    {"A": (2, 4500), "C": (1, 3000)},
)
_CAPTURE_BETWEEN = {"A": (2, 5000), "C": (1, 3100), "D": (1, 2000)}


def _resolve(path: str) -> Any:
    """What a dotted path names; AttributeError where there is no such module or name."""
    parts = path.split(".")
    found: Any = importlib.import_module(parts[0])
    for depth, part in enumerate(parts[1:], start=2):
        if not hasattr(found, part):
            try:
                importlib.import_module(".".join(parts[:depth]))
            except ModuleNotFoundError:
                raise AttributeError(f"{path}: {found!r} has no {part}") from None
        found = getattr(found, part)
    return found


def _value_in_code(name: str, module: str) -> Any:
    if module.endswith(".yml"):
        return yaml.safe_load((PROJECT_FOLDER / module).read_text())["vars"][name]
    if module == Settings.__module__:
        return Settings.model_fields[name.lower()].default
    return getattr(importlib.import_module(module), name)


def _plain(value: Any) -> Any:
    """A constant as the document can say it: a number (times in seconds), a word, or a set of words."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    return {str(item) for item in value} if isinstance(value, frozenset) else value


def _written(text: str, like: Any) -> Any:
    if isinstance(like, set):
        return set(text.split(", "))
    if isinstance(like, str):
        return text
    number, _, unit = text.partition(" ")
    return float(number) * (_UNITS[unit] if unit else 1)


@pytest.mark.parametrize(("name", "written", "module"), _CONSTANTS)
def test_a_constant_has_the_value_that_the_document_says(name: str, written: str, module: str) -> None:
    value = _plain(_value_in_code(name, module))
    assert _written(written, value) == value


def test_no_table_of_constants_is_passed_over() -> None:
    tables = re.findall(
        r"^\| constant \| value \| module \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", _DOCUMENT, re.MULTILINE
    )
    assert sum(table.count("\n") for table in tables) == len(_CONSTANTS) > 0


def test_every_constant_in_capitals_is_in_a_table() -> None:
    named = set(re.findall(r"\b_?[A-Z][A-Z]+(?:_[A-Z]+)+\b(?!\.md)", _DOCUMENT))
    assert named - {name for name, _, _ in _CONSTANTS} - {"MOVING_KEYS", "KNOWN_KEYS"} == set()


@pytest.mark.parametrize("path", _PATHS)
def test_a_module_or_name_of_the_document_is_there(path: str) -> None:
    _resolve(path)


@pytest.mark.parametrize(("name", "parameters"), _STEPS)
def test_steps_are_those_of_something_that_is_there(name: str, parameters: str) -> None:
    wanted = [parameter for parameter in parameters.split(", ") if parameter]
    if name.startswith("raw."):
        created = re.search(rf"create function {re.escape(name)}\(([^)]*)\)", _MIGRATIONS)
        assert created is not None
        assert wanted in ([], [parameter.split()[0] for parameter in created[1].split(", ")])
    elif "." in name:
        known = [] if not wanted else [p for p in inspect.signature(_resolve(name)).parameters if p != "self"]
        assert wanted == known
    else:
        assert name in _MODELS | _MACROS


def test_every_block_begins_with_whose_steps_follow() -> None:
    blocks = re.findall(r"^```text\n(.*?)\n", _DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    assert [line for line in blocks if not line.startswith("▷ ")] == []
    assert len(_HEADERS) == len(re.findall(r"^▷", _DOCUMENT, flags=re.MULTILINE))


def test_tables_and_functions_of_the_database_are_there() -> None:
    named = set(re.findall(r"\braw\.\w+", _DOCUMENT))
    created = set(re.findall(r"create (?:table|function|sequence) (raw\.\w+)", _MIGRATIONS))
    assert named - created == set()


def test_models_are_there() -> None:
    assert set(re.findall(r"\b(?:int|dim|stg)_\w+", _DOCUMENT)) - _MODELS == set()


def test_contents_and_headings_are_the_same() -> None:
    contents = _DOCUMENT.split("\n## ", 1)[0]
    headings = re.findall(r"^## (.+)$", _DOCUMENT, flags=re.MULTILINE)
    assert re.findall(r"\]\(#([\w-]+)\)", contents) == [_anchor(heading) for heading in headings]


def test_links_lead_somewhere() -> None:
    for file, anchor in re.findall(r"\]\(([\w./]*)(?:#([\w-]+))?\)", _DOCUMENT):
        linked = (_FOLDER / file).read_text() if file else _DOCUMENT
        headings = re.findall(r"^##+ (.+)$", linked, flags=re.MULTILINE)
        assert not anchor or anchor in map(_anchor, headings), f"{file}#{anchor}"


def test_lines_are_no_longer_than_those_of_the_code() -> None:
    assert [line for line in _DOCUMENT.splitlines() if len(line) > 120] == []


def test_the_captures_of_the_example_are_encoded_as_the_document_shows() -> None:
    first, second, third = map(_book, _THREE_CAPTURES)
    deltas = []
    state, states, next_key = EMPTY_STATE, [], 1
    for book in (first, second, third):
        delta, state, next_key = encode(state, book, next_key)
        deltas.append(delta)
        states.append(state)
    between, state, next_key = encode(states[0], _book(_CAPTURE_BETWEEN), next_key, states[1])
    anew, _, _ = encode(state, second, next_key, states[1])

    expected = [("10:00", deltas[0]), ("10:10", deltas[1]), ("10:20", deltas[2])]
    expected += [("10:00", deltas[0]), ("10:05", between), ("10:10", anew), ("10:20", deltas[2])]
    assert _rows(r"\d\d:\d\d", 4) == [[at, *_arrays(delta)] for at, delta in expected]


def test_the_percentiles_of_the_example_are_those_of_its_observations() -> None:
    observed = [cents for capture in _THREE_CAPTURES for _, cents in capture.values()]
    in_order = sorted(observed)
    counts = Counter(in_order)
    up_to = {cents: sum(cents >= each for each in in_order) for cents in counts}
    assert _rows(r"\d+\.\d\d", 2) == [[_dollars(cents), str(n), str(up_to[cents])] for cents, n in counts.items()]

    percentiles = (("`price_p25`", 0.25), ("`price_median`", 0.5), ("`price_p75`", 0.75))
    rows = [(name, share, ceil(share * len(in_order))) for name, share in percentiles]
    assert _rows("`price_p25`|`price_median`|`price_p75`|`price_avg`", 2) == [
        *(
            [name, f"ceil({share} \N{MULTIPLICATION SIGN} {len(in_order)}) = {row}", _dollars(in_order[row - 1])]
            for name, share, row in rows
        ),
        [
            "`price_avg`",
            f"{_dollars(sum(observed))} ÷ {len(observed)}",
            _dollars((Decimal(sum(observed)) / len(observed)).quantize(Decimal(1), ROUND_HALF_UP)),
        ],
    ]


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _book(listings: dict[str, tuple[int, int]]) -> Book:
    count = len(listings)
    book, _ = build_book(
        source_listing_id=list(listings),
        placement_id=[placement_id(Placement("101", "5", "1", "11"))] * count,
        terms_id=[terms_id(Terms((2,), None, None, None))] * count,
        seat_low=[None] * count,
        seat_high=[None] * count,
        quantity=[quantity for quantity, _ in listings.values()],
        price_cents=[cents for _, cents in listings.values()],
        all_in_cents=[NO_ALL_IN] * count,
    )
    return book


def _arrays(delta: Delta) -> list[str]:
    columns = (delta.listing_key, delta.quantity, delta.price_cents, delta.source_listing_id)
    return [", ".join(map(str, column.tolist())) for column in columns]


def _rows(first_cell: str, last_cells: int) -> list[list[str]]:
    """The rows of tables that begin with such a cell: it and the last ones."""
    found = re.findall(rf"^\| (?:{first_cell}) \|.*\|$", _DOCUMENT, flags=re.MULTILINE)
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in found]
    return [[row[0], *row[-last_cells:]] for row in cells]


def _dollars(cents: int | Decimal) -> str:
    return f"{Decimal(cents) / 100:.2f}"
