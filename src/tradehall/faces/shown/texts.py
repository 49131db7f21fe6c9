"""Values as the doors that speak in pages write them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tradehall.domain.money import trimmed
from tradehall.domain.time import to_rfc3339
from tradehall.faces.kit import plain

_CENT: Final = Decimal("0.01")


def stamp(at: int | None) -> str | None:
    """An instant as text."""
    return None if at is None else to_rfc3339(at)


def money(amount: Decimal) -> str:
    """An amount as text, without zeros at the end beyond cents."""
    short = trimmed(amount)
    exponent = short.as_tuple().exponent
    return plain(short.quantize(_CENT) if isinstance(exponent, int) and exponent > -2 else short)


def instants_told(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The fields, those of these names [ns UTC] as text."""
    return {
        name: to_rfc3339(value) if name in names and type(value) is int else value for name, value in fields.items()
    }


def number(value: Decimal | None) -> str | None:
    """A price or a size as text."""
    return None if value is None else plain(value)
