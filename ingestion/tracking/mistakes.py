"""Mistakes in a file, in words: where, what is wrong, and what to write instead.

What belongs here: turning pydantic's errors into lines for people. What does not: what is right (``rules``).
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

_PLAIN_WORDS = {
    "model_type": "it must be keys with values",
    "tuple_type": "it must be a list",
    "frozen_set_type": "it must be a list",
    "int_type": "it must be a whole number",
    "string_type": "it must be text",
    "missing": "it is missing",
}
"""For what pydantic says in Python's words."""


def describe_mistake(error: ErrorDetails, document: Any, model: type[BaseModel]) -> str:
    """One line about one error of validating ``document`` as ``model``; fields' examples say what to write."""
    where: list[str] = []
    field_name, field, known = "", None, _fields(model)
    for part in error["loc"]:
        document = _inside(document, part)
        if isinstance(part, int):
            name = document.get("name") if isinstance(document, dict) else None
            where[-1] = f"{where[-1].removesuffix('s')} {part + 1}" + (f" ({name})" if name else "")
            continue
        where.append(part)
        field_name, field = part, known.get(part)
        known = _fields(_model_of(field)) if field is not None else known
    place = ", ".join(where) or "the file"
    if error["type"] == "extra_forbidden":
        return f"{place}: there is no such key; those known here are {', '.join(known)}"
    said = error["msg"].removeprefix("Value error, ")
    what = _PLAIN_WORDS.get(error["type"], said[:1].lower() + said[1:])
    # What a mapping says as a whole has its advice in itself.
    if field is None or (error["type"] == "value_error" and isinstance(error["input"], dict | BaseModel)):
        return f"{place}: {what}"
    example = (field.examples or [""])[0]
    return f"{place}: {what}; write for example `{field_name}: {example}`"


def _inside(document: Any, part: str | int) -> Any:
    try:
        return document[part]
    except (KeyError, IndexError, TypeError):
        return None


def _fields(model: type[BaseModel] | None) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()} if model else {}


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model that a field holds, alone or in a list."""
    candidates = [field.annotation, *get_args(field.annotation)]
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
