"""What fields of a body need each other, as JSON Schema: for the documents, which a Struct alone cannot tell.

The handlers hold to these rules; that the two say the same is what `tests/contracts/test_documents.py` looks at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_NOT_NULL: Json = {"not": {"type": "null"}}


def needs(*names: str) -> Json:
    """All of these, and none of them null, though the Struct lets them be left out."""
    return {"required": list(names), "properties": dict.fromkeys(names, _NOT_NULL)}


def needs_one_of(*groups: Iterable[str]) -> Json:
    """At least one of these groups whole."""
    return {"anyOf": [needs(*group) for group in groups]}


def mentions_one_of(*names: str) -> Json:
    """At least one of these, which may be null."""
    return {"anyOf": [{"required": [name]} for name in names]}


def where(field: str, values: Iterable[Any], *rules: Json, otherwise: Json | None = None) -> Json:
    """These rules hold for bodies in which `field` is one of the values, `otherwise` for all others."""
    is_so = {"required": [field], "properties": {field: {"enum": list(values)}}}
    return {"if": is_so, "then": {"allOf": list(rules)}} | ({} if otherwise is None else {"else": otherwise})


def has_none_of(*names: str) -> Json:
    """None of these, or null."""
    return {"properties": {name: {"type": "null"} for name in names}}
