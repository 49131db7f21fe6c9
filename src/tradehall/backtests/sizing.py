"""Sizes that are worked out at the price an order will meet."""

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from msgspec import Struct

from tradehall.domain.money import ONE, round_down_to


class AllIn(Struct, frozen=True, kw_only=True):
    """As many units as a `fraction` of what is free can pay at the price of the moment, times the leverage.

    `step` [units]: down to a multiple of it (1: whole units); None: any fraction of a unit, or the instrument's
    step. `pays_fee`: the fee comes out of the same money, so that price × (1 + fee rate) + fee per unit is what a
    unit costs; else the fee comes on top.
    """

    fraction: Decimal = ONE
    step: Decimal | None = ONE
    pays_fee: bool = True


class Amount(Struct, frozen=True, kw_only=True):
    """As many units as `money` [account currency] is worth at the price of the moment, down to a multiple of `step`."""

    money: Decimal
    step: Decimal | None = ONE


ALL_IN: Final = AllIn()

# A rule of one's own: the price of the moment [account currency/unit] in, units out; none where that is nothing.
SizeRule = Callable[[Decimal], Decimal | int | float | str]
Size = AllIn | Amount | SizeRule | Decimal | int | float | str


def floored(units: Decimal, step: Decimal | None) -> Decimal:
    """`units` down to `step`; without one to twelve decimals, which every engine rule accepts."""
    if step is None:
        return units.quantize(Decimal("1E-12"), ROUND_FLOOR)
    return round_down_to(units, step)
