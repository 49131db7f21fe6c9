"""Amounts: the Decimal context of the house, and every rounding that money meets, by name.

All prices, quantities and amounts are `Decimal`. Sums and products of what the doors admit (28 digits
each) are exact under the context set here; only the functions below and divisions round.
"""

import decimal
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

# 28-digit quantity x 28-digit price needs 56 digits; the rest is head-room for sums of them.
CONTEXT: Final = decimal.Context(
    prec=64,
    rounding=ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)


def use_house_context() -> None:
    """Give this thread, and every thread started later, the house's Decimal context."""
    decimal.DefaultContext.prec = CONTEXT.prec
    decimal.DefaultContext.rounding = CONTEXT.rounding
    decimal.setcontext(CONTEXT.copy())


use_house_context()

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
HUNDRED: Final = Decimal(100)
FLOATING_QUANTUM: Final = Decimal("1E-10")
RATE_QUANTUM: Final = Decimal("1E-15")

_CENT: Final = Decimal("0.01")
_NOTHING_FLOATING: Final = FLOATING_QUANTUM * 0


class _MinorUnits(dict[str, Decimal]):
    """Currency → smallest bookable amount; what is not in the table is worked out once."""

    def __missing__(self, currency: str) -> Decimal:
        _, _, digits = currency.partition(":")
        unit = self[currency] = ONE.scaleb(-int(digits)) if digits else _CENT
        return unit


_MINOR_UNITS: Final = _MinorUnits(
    {
        "JPY": ONE,
        "KRW": ONE,
        "BTC": Decimal("1E-8"),
        "ETH": Decimal("1E-8"),
    }
)


def minor_unit(currency: str) -> Decimal:
    """Smallest bookable amount of `currency`: 0.01 unless the table, or its own name, says otherwise.

    USD:8 is a dollar that is kept to eight decimals: backtests that others ran do not round to cents.
    """
    return _MINOR_UNITS[currency]


def round_money(amount: Decimal, currency: str) -> Decimal:
    """`amount` to the minor unit of `currency`, half to even: P&L, commission, swap."""
    return amount.quantize(_MINOR_UNITS[currency], ROUND_HALF_EVEN)


def round_margin(amount: Decimal, currency: str) -> Decimal:
    """`amount` to the minor unit of `currency`, up: the house does not lend the rounding."""
    return amount.quantize(_MINOR_UNITS[currency], ROUND_CEILING)


def round_floating(amount: Decimal) -> Decimal:
    """A valued (never booked) amount to at most 10 decimals; exact where it has fewer."""
    # A sum has the decimals of its finer part: most amounts are told by that, without a look at their digits.
    if (amount + _NOTHING_FLOATING).same_quantum(FLOATING_QUANTUM):
        return amount
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -10:
        return amount.quantize(FLOATING_QUANTUM, ROUND_HALF_EVEN)
    return amount


def round_rate(rate: Decimal) -> Decimal:
    """A conversion rate that came from a division, to 15 decimals."""
    return rate.quantize(RATE_QUANTUM, ROUND_HALF_EVEN)


def round_to(value: Decimal, step: Decimal) -> Decimal:
    """`value` to the nearest multiple of `step`, half to even. Asserts a positive step."""
    assert step > 0, f"step was {step}, must be positive"
    return (value / step).quantize(ONE, ROUND_HALF_EVEN) * step


def round_down_to(value: Decimal, step: Decimal) -> Decimal:
    """Largest multiple of `step` that is not above `value`. Asserts a positive step."""
    assert step > 0, f"step was {step}, must be positive"
    return (value / step).quantize(ONE, ROUND_FLOOR) * step


def round_up_to(value: Decimal, step: Decimal) -> Decimal:
    """Smallest multiple of `step` that is not below `value`. Asserts a positive step."""
    assert step > 0, f"step was {step}, must be positive"
    return (value / step).quantize(ONE, ROUND_CEILING) * step


def trimmed(value: Decimal) -> Decimal:
    """`value` without zeros at the end of its decimals: 10000.00 is 10000, and so is 1E+4."""
    return Decimal(format(value.normalize(), "f"))


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether `value` lies exactly on the grid of `step`."""
    return value % step == 0
