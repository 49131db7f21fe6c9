"""Decimals on the wire: read exactly and bounded, written plainly.

msgspec's own Decimal field takes `Infinity` and `1e999999` and stumbles over `NaN`. A field
declared as `WireDecimal` (JSON string or number) or `WireNumber` (JSON number only) holds, after
`decode`, a plain finite `Decimal` with the digits the client sent: "1" stays 1, "1.50" stays 1.50.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

MAX_DIGITS = 28
MAX_MAGNITUDE = 28  # Powers of ten, up and down: 1e28 and 1e-28 are the outermost values.
PATTERN = r"^-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?$"

_is_number = re.compile(PATTERN.replace("$", r"\Z")).match
# Up to this length, and without exponent, a text can break none of the bounds.
_SURELY_FINE = 29


def parse_decimal(text: str) -> Decimal:
    """`text` in plain or exponent notation as a Decimal; ValueError says what was found."""
    if not _is_number(text):
        raise ValueError(f"Expected a decimal number, got {_shortened(text)}")
    value = Decimal(text)
    if len(text) >= _SURELY_FINE or "e" in text or "E" in text:
        _check_bounds(text, value)
    return value


def plain(value: Decimal) -> str:
    """Plain notation, never an exponent, digits kept: 1E+3 is "1000", 1.50 is "1.50", -0 is "0"."""
    text = format(value, "f")
    return text[1:] if text[0] == "-" and not value else text


class _HoldsDecimals(type):
    """Lets msgspec accept a true Decimal in a field declared with one of the wire types.

    A subclass of Decimal would satisfy it too, but would travel on into the rooms behind.
    """

    def __instancecheck__(cls, value: object) -> bool:
        return type(value) is Decimal


if TYPE_CHECKING:
    WireDecimal = Decimal
    WireNumber = Decimal
else:

    class WireDecimal(metaclass=_HoldsDecimals):
        """Field type: a decimal sent as JSON string or JSON number."""

    class WireNumber(metaclass=_HoldsDecimals):
        """Field type: a decimal sent as JSON number."""


class NumberText(str):
    """The JSON text of a number with fraction or exponent, before anybody rounded it."""

    __slots__ = ()


def decode_hook(wanted: type, found: Any) -> Any:
    """msgspec's `dec_hook`: JSON value → Decimal. Needs `float_hook=NumberText`."""
    kind = type(found)
    if (wanted is WireDecimal and kind is str) or kind is NumberText:
        return parse_decimal(found)
    if wanted not in (WireDecimal, WireNumber):
        raise NotImplementedError(f"no decoder for {wanted}")
    if kind is int:
        return parse_decimal(str(found))
    raise ValueError(f"Expected a decimal number, got {_JSON_NAMES.get(kind, 'an array')}")


def query_hook(wanted: type, found: Any) -> Any:
    """msgspec's `dec_hook` for query parameters, where every value is text."""
    return parse_decimal(found) if wanted in (WireDecimal, WireNumber) else decode_hook(wanted, found)


def schema_hook(wanted: type) -> dict[str, Any]:
    """JSON schema of the wire types, for OpenAPI."""
    number: dict[str, Any] = {"type": "number"}
    text: dict[str, Any] = {"type": "string", "pattern": PATTERN, "examples": ["1.50"]}
    if wanted is WireNumber:
        return number
    if wanted is WireDecimal:
        return {"anyOf": [text, number]}
    raise NotImplementedError(f"no schema for {wanted}")


_JSON_NAMES = {bool: "a boolean", str: "a string", dict: "an object", type(None): "null"}


def _check_bounds(text: str, value: Decimal) -> None:
    digits = len(value.as_tuple().digits)
    if digits > MAX_DIGITS:
        raise ValueError(f"Expected at most {MAX_DIGITS} significant digits, got {digits}")
    if abs(value.adjusted()) > MAX_MAGNITUDE:
        raise ValueError(f"Expected a magnitude of 1e±{MAX_MAGNITUDE} at most, got {_shortened(text)}")


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
