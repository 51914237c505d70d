"""Holds values against JSON Schemas, as far as those in docs/reference/schemas use the language.

Stricter than the language in one way: a field that the schema does not describe is a fault, so that
nothing is written that is not documented.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "schemas"

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
_WORDS = frozenset(
    [
        "$schema",
        "title",
        "description",
        "type",
        "enum",
        "const",
        "pattern",
        "minimum",
        "required",
        "properties",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
    ]
)


def schema_of(name: str) -> dict[str, Any]:
    """The schema of a command's answer, such as ``"consent.show"``."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return schema


def faults(value: object, schema: dict[str, Any], at: str = "$") -> list[str]:
    """Everything about a value that its schema does not allow."""
    unknown = set(schema) - _WORDS
    assert not unknown, f"{at}: the schema says {unknown}, which nothing here checks"
    return list(_faults(value, schema, at))


def _faults(value: object, schema: dict[str, Any], at: str) -> Iterator[str]:
    types = schema.get("type")
    wanted = [types] if isinstance(types, str) else types
    if wanted is not None and not any(_is(value, name) for name in wanted):
        yield f"{at}: {value!r} is not {wanted}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not one of {schema['enum']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{at}: {value!r} is not of the form {schema['pattern']}"
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        yield f"{at}: {value!r} is below {schema['minimum']}"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{at}: {len(value)} items"
        for number, item in enumerate(value):
            yield from faults(item, schema["items"], f"{at}[{number}]")
    if isinstance(value, dict):
        yield from _faults_of_fields(value, schema, at)


def _faults_of_fields(value: dict[str, object], schema: dict[str, Any], at: str) -> Iterator[str]:
    yield from (f"{at}: lacks {name}" for name in schema.get("required", ()) if name not in value)
    described = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name, field in value.items():
        if name in described:
            yield from faults(field, described[name], f"{at}.{name}")
        elif isinstance(others, dict):
            yield from faults(field, others, f"{at}.{name}")
        elif others is not True:
            yield f"{at}: has {name}, which the schema does not describe"


def _is(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name])
