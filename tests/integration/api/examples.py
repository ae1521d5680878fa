"""The examples of docs/API_DOCUMENTATION.md, as they stand there.

What belongs here: finding them. What does not: what is expected of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingestion.settings import PROJECT_FOLDER

PAGE = PROJECT_FOLDER / "docs" / "API_DOCUMENTATION.md"
_EXAMPLE = re.compile(r"```js\n(.*?)```\n```python\n(.*?)```\n```sh\n(.*?)```\n```json\n(.*?)```", re.DOTALL)
_SETUP = re.compile(r"```(js|python) setup\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One request in three languages, and its answer."""

    title: str
    javascript: str
    python: str
    curl: str
    answer: str


def examples() -> list[Example]:
    """All of them, in the order of the page."""
    text = PAGE.read_text()
    found = []
    for match in _EXAMPLE.finditer(text):
        title = re.findall(r"^### (\w+)$", text[: match.start()], re.MULTILINE)[-1]
        found.append(Example(title, *match.groups()))
    return found


def setup(language: str) -> str:
    """What the examples of a language go on from: ``js`` or ``python``."""
    return "".join(code for found, code in _SETUP.findall(PAGE.read_text()) if found == language) + "\n"


def typescript() -> str:
    """What the page says in TypeScript."""
    return "\n".join(re.findall(r"```ts\n(.*?)```", PAGE.read_text(), re.DOTALL))
