"""Bytes and query strings → Structs, with errors that name the field."""

from __future__ import annotations

import re
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from tradehall.faces.kit.decimals import (
    NumberText,
    WireDecimal,
    WireNumber,
    WirePositive,
    decode_hook,
    query_hook,
)
from tradehall.faces.kit.errors import BadRequest, Problem, ProblemKind
from tradehall.faces.kit.request import Request

T = TypeVar("T")

MAX_DEPTH = 64


def decode(request: Request, wanted: type[T]) -> T:
    """The JSON body as `wanted` (a Struct), strictly typed; an empty body counts as `{}`.

    Raises Problem MALFORMED for what is no JSON, BadRequest for a field of the wrong shape.
    """
    return decode_bytes(request.body or b"{}", wanted)


def decode_bytes(body: bytes, wanted: type[T]) -> T:
    """As `decode`, for WebSocket frames and other JSON that is not a request's body."""
    # Most bodies are one flat object.
    if (body.rfind(b"{") > 0 or b"[" in body) and _is_too_deep(body):
        raise Problem(ProblemKind.MALFORMED, f"JSON is nested more than {MAX_DEPTH} levels deep")
    try:
        result: T = _DECODERS[wanted].decode(body)
    except msgspec.ValidationError as error:
        raise to_bad_request(str(error), "body") from None
    except (ValueError, RecursionError) as error:
        raise Problem(ProblemKind.MALFORMED, _malformed(error)) from None
    return result


def decode_query(request: Request, wanted: type[T]) -> T:
    """The query as `wanted` (a Struct): text is read as int, bool … where the field says so.

    A list field takes all values of a repeated parameter; another field may be given once. An
    empty text is no value (an empty filter is no filter), an empty number is a wrong one.
    """
    kinds = FIELD_KINDS[wanted]
    values: dict[str, Any] = {}
    for name, found in request.query.items():
        kind = kinds.get(name)
        if kind is None:
            continue
        given = found if kind == "number" else [value for value in found if value]
        if kind != "list" and len(given) > 1:
            raise BadRequest(name, "Expected one value, got several", found=given[-1], place="query")
        if given:
            values[name] = given if kind == "list" else given[0]
        if kind == "number" and given and given[0].lower() == "null":
            # msgspec would take the word for no value.
            raise BadRequest(name, "Expected a number, got `null`", found=given[0], place="query")
    try:
        return msgspec.convert(values, wanted, strict=False, dec_hook=query_hook)
    except msgspec.ValidationError as error:
        raise to_bad_request(str(error), "query") from None


_finding = re.compile(r"(?P<what>.*?)(?: - at (?:key in )?`\$(?P<path>.*)`)?$", re.DOTALL)
_named = re.compile(r"field `(?P<name>[^`]*)`")
_found = re.compile(r"got `?(?P<found>[^`]+)`?$|Invalid enum value (?P<word>.+)$", re.DOTALL)


def to_bad_request(message: str, place: str) -> BadRequest:
    """msgspec's sentence taken apart: what is wrong, in which field, what was found there."""
    finding = _finding.match(message)
    assert finding is not None  # The pattern matches any text.
    what, path = finding["what"], (finding["path"] or "").removeprefix(".")
    if named := _named.search(what):
        path = f"{path}.{named['name']}" if path else named["name"]
    found = _found.search(what)
    return BadRequest(path, what, found=found and (found["found"] or found["word"].strip("'")), place=place)


class _Decoders(dict[Any, msgspec.json.Decoder[Any]]):
    """Made once per type; as many as there are types in the doors' code."""

    def __missing__(self, wanted: Any) -> msgspec.json.Decoder[Any]:
        self[wanted] = made = msgspec.json.Decoder(wanted, dec_hook=decode_hook, float_hook=NumberText)
        return made


class _FieldKinds(dict[Any, dict[str, str]]):
    """Of a Struct's fields, by their names on the wire: "list", "number" or "text"."""

    def __missing__(self, wanted: Any) -> dict[str, str]:
        hints = get_type_hints(wanted)
        named = zip(wanted.__struct_fields__, wanted.__struct_encode_fields__, strict=True)
        self[wanted] = made = {wire: _kind(hints[name]) for name, wire in named}
        return made


_DECODERS = _Decoders()
FIELD_KINDS = _FieldKinds()


def _kind(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if (get_origin(hint) or hint) in (list, tuple, set, frozenset):
        return "list"
    return "number" if hint in (bool, int, float, WireDecimal, WireNumber, WirePositive) else "text"


_strings = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ALL_SQUARE = bytes.maketrans(b"{}", b"[]")


def _is_too_deep(body: bytes) -> bool:
    """Peels one level per round, in C; what is left after MAX_DEPTH rounds lies deeper."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _strings.sub(b"", body).translate(_ALL_SQUARE, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _malformed(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "JSON is malformed: invalid UTF-8"
    if isinstance(error, RecursionError):
        return "JSON is malformed: nested too deeply"
    return str(error)


def heard(text: str, shape: type[T]) -> T | None:
    """What somebody said on a stream; None where it has not that shape."""
    try:
        return decode_bytes(text.encode("utf-8", "replace"), shape)
    except Problem:
        return None
