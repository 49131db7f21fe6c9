"""Decimals on the wire: read exactly and bounded, written plainly.

msgspec's own Decimal field takes `Infinity` and `1e999999` and stumbles over `NaN`. A field
declared as `WireDecimal` or `WirePositive` (JSON string or number; above zero), or as `WireNumber`
(JSON number only), holds, after `decode`, a plain finite `Decimal` with the digits the client sent:
"1" stays 1, "1.50" stays 1.50. `WireJson` and `WireObject` hold JSON of any shape, for those who know what it means.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from tradehall.domain.money import ZERO

MAX_DIGITS = 28
LARGEST = Decimal("1e27")
SMALLEST = Decimal("1e-28")  # Of what is not zero.
# Texts whose meaning is remembered: a caller's quantities, and prices near the market, come again and again.
REMEMBERED_MAX = 4_096

_is_number = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?\Z").match
# Such a text can break none of the bounds.
_is_surely_fine = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,13})?\Z").match


@lru_cache(REMEMBERED_MAX)
def parse_decimal(text: str) -> Decimal:
    """`text` in plain or exponent notation as a Decimal; ValueError says what was found."""
    if _is_surely_fine(text):
        return Decimal(text)
    if not _is_number(text):
        raise ValueError(f"Expected a decimal number, got {_shortened(text)}")
    value = Decimal(text)
    _check_bounds(text, value)
    return value


def plain(value: Decimal) -> str:
    """Plain notation, never an exponent, digits kept: 1E+3 is "1000", 1.50 is "1.50", -0 is "0"."""
    text = format(value, "f")
    return text[1:] if text[0] == "-" and not value else text


class _HoldsJson(type):
    """Lets msgspec accept whatever `free_json` made."""

    def __instancecheck__(cls, value: object) -> bool:
        return True


if TYPE_CHECKING:
    WireDecimal = Decimal
    WirePositive = Decimal
    WireNumber = Decimal
    WireJson: TypeAlias = Any
    WireObject: TypeAlias = dict[str, Any]
else:

    class _HoldsDecimals(type):
        """Lets msgspec accept a finite Decimal, which is all that `decode_hook` makes, in a field of a wire type.

        A subclass of Decimal would satisfy it too, but would travel on into the rooms behind.
        """

        __instancecheck__ = staticmethod(Decimal.is_finite)

    class WireDecimal(metaclass=_HoldsDecimals):
        """Field type: a decimal sent as JSON string or JSON number."""

    class WirePositive(metaclass=_HoldsDecimals):
        """Field type: a decimal above zero sent as JSON string or JSON number."""

    class WireNumber(metaclass=_HoldsDecimals):
        """Field type: a decimal sent as JSON number."""

    class WireJson(metaclass=_HoldsJson):
        """Field type: any JSON value."""

    class WireObject(metaclass=_HoldsJson):
        """Field type: a JSON object with anything in it."""


class NumberText(str):
    """The JSON text of a number with fraction or exponent, before anybody rounded it."""

    __slots__ = ()


def decode_hook(wanted: type, found: Any) -> Any:
    """msgspec's `dec_hook`: JSON value → Decimal, or free JSON. Needs `float_hook=NumberText`."""
    if wanted not in _SCHEMAS:
        return _json_of(wanted, found)
    kind = type(found)
    if kind is str and wanted is not WireNumber:
        value = parse_decimal(found)
    elif kind is NumberText or kind is int:
        value = parse_decimal(str(found))
    else:
        raise ValueError(f"Expected a decimal number, got {_JSON_NAMES.get(kind, 'an array')}")
    if wanted is WirePositive and value <= ZERO:
        raise ValueError(f"Expected a decimal number above 0, got {plain(value)}")
    return value


def free_json(value: Any) -> Any:
    """JSON as others may write it again: its numbers are floats, or the digits as text where a float has not all."""
    if type(value) is dict:
        return {name: free_json(each) for name, each in value.items()}
    if type(value) is list:
        return [free_json(each) for each in value]
    if type(value) is not NumberText:
        return value
    number = float(value)
    try:
        return number if Decimal(repr(number)) == parse_decimal(value) else str(value)
    except ValueError:
        return str(value)


def _json_of(wanted: type, found: Any) -> Any:
    if wanted is not WireJson and wanted is not WireObject:
        raise NotImplementedError(f"no decoder for {wanted}")
    if wanted is WireObject and type(found) is not dict:
        raise ValueError(f"Expected `object`, got `{_JSON_NAMES.get(type(found), 'an array')}`")
    return free_json(found)


def query_hook(wanted: type, found: Any) -> Any:
    """msgspec's `dec_hook` for query parameters, where every value is text."""
    return decode_hook(wanted, NumberText(found) if type(found) is str else found)


def schema_hook(wanted: type) -> dict[str, Any]:
    """JSON schema of the wire types, for OpenAPI: all that it allows is accepted."""
    if wanted is WireJson or wanted is WireObject:
        return {"type": "object"} if wanted is WireObject else {"description": "Any JSON value."}
    if wanted not in _SCHEMAS:
        raise NotImplementedError(f"no schema for {wanted}")
    return {"anyOf": _SCHEMAS[wanted]}


# Tighter than the parser, which counts digits: no pattern says "28 of them, wherever the point is".
_POSITIVE_TEXT = r"[1-9][0-9]{0,13}(\.[0-9]{1,14})?|0\.[0-9]{0,27}[1-9]"
_POSITIVE = {"type": "number", "minimum": 1e-28, "maximum": 1e27}
_NEGATIVE = {"type": "number", "minimum": -1e27, "maximum": -1e-28}
_ZERO = {"const": 0}


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^({pattern})$", "examples": ["1.50"]}


_SCHEMAS: dict[Any, list[dict[str, Any]]] = {
    WireDecimal: [_text(f"-?({_POSITIVE_TEXT})|0(\\.0{{1,14}})?"), _POSITIVE, _NEGATIVE, _ZERO],
    WirePositive: [_text(_POSITIVE_TEXT), _POSITIVE],
    WireNumber: [_POSITIVE, _NEGATIVE, _ZERO],
}
_JSON_NAMES = {bool: "a boolean", str: "a string", dict: "an object", type(None): "null"}


def _check_bounds(text: str, value: Decimal) -> None:
    digits = len(value.as_tuple().digits)
    if digits > MAX_DIGITS:
        raise ValueError(f"Expected at most {MAX_DIGITS} significant digits, got {digits}")
    if value and not SMALLEST <= value.copy_abs() <= LARGEST:
        raise ValueError(f"Expected a size from {SMALLEST} to {LARGEST}, got {_shortened(text)}")
    if not value and abs(value.adjusted()) > MAX_DIGITS:
        raise ValueError(f"Expected at most {MAX_DIGITS} decimals, got {_shortened(text)}")


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
