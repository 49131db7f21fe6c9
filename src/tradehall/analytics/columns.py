"""Ended round trips in columns: what the figures over a million of them are computed from."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from enum import IntEnum
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.analytics.floats import floats_of
from tradehall.analytics.round_trips import RoundTrip
from tradehall.domain.money import ZERO, minor_unit

# An int64 holds 18 digits; this many are left for the sum of a million amounts.
_DIGITS: Final = 18


class Result(IntEnum):
    """How a round trip came out: by its net P&L, unless somebody said otherwise."""

    LOSS = -1
    BREAKEVEN = 0
    WIN = 1


class TripColumns(Struct, frozen=True):
    """A column per figure, a row per ended round trip; any order.

    Instants int64 [ns UTC]. Money in `currency`, int64 times 10^-`decimals`, so that sums are exact:
    cents for USD. `results` int8: Result. `traded_values` float64 [quote currency].
    """

    currency: str
    decimals: int
    opened_at: NDArray[np.int64]
    closed_at: NDArray[np.int64]
    net_pnl: NDArray[np.int64]
    fees: NDArray[np.int64]
    swaps: NDArray[np.int64]
    results: NDArray[np.int8]
    traded_values: NDArray[np.float64]

    def money(self, units: int) -> Decimal:
        """An amount of the columns as money."""
        return Decimal(units).scaleb(-self.decimals)


def columns_of(
    round_trips: Sequence[RoundTrip],
    *,
    currency: str,
    results: Mapping[int, Result] | None = None,
    rates: Mapping[str, float] | None = None,
) -> TripColumns:
    """The ended ones of `round_trips` in columns. Asserts that all are in `currency`.

    `results`: what somebody said of a round trip, by its number; it moves counts and no money. `rates`: account
    currency per quote currency of a symbol, 1 where absent, for the traded values. Amounts finer than the minor
    unit, which a backtest with another's conventions may book, are kept as fine as an int64 can sum them.
    """
    ended = [trip for trip in round_trips if trip.closed_at is not None]
    strangers = {trip.currency for trip in ended} - {currency}
    assert not strangers, f"round trips in {sorted(strangers)} do not add up with {currency}"
    decimals = _decimals([(trip.net_pnl, trip.fees, trip.swaps) for trip in ended], currency)
    net_pnl = _units([trip.net_pnl for trip in ended], decimals)
    judged = results_by_pnl(net_pnl, decimals, currency)
    for row, trip in enumerate(ended):
        if results and trip.round_trip_id in results:
            judged[row] = results[trip.round_trip_id]
    factor = rates or {}
    return TripColumns(
        currency=currency,
        decimals=decimals,
        opened_at=np.array([trip.opened_at for trip in ended], np.int64),
        closed_at=np.array([trip.closed_at for trip in ended], np.int64),
        net_pnl=net_pnl,
        fees=_units([trip.fees for trip in ended], decimals),
        swaps=_units([trip.swaps for trip in ended], decimals),
        results=judged,
        traded_values=floats_of(t.traded_value for t in ended) * np.array([factor.get(t.symbol, 1.0) for t in ended]),
    )


def decimals_of(currency: str) -> int:
    """How many decimals the minor unit of a currency has: 2 for USD."""
    return _places(minor_unit(currency))


def results_by_pnl(net_pnl: NDArray[np.int64], decimals: int, currency: str) -> NDArray[np.int8]:
    """A win above nothing, a loss below; what is less than one minor unit of `currency` is neither."""
    unit = int(minor_unit(currency).scaleb(decimals))
    return np.where(np.abs(net_pnl) < unit, 0, np.sign(net_pnl)).astype(np.int8)


def _decimals(amounts: Sequence[tuple[Decimal, ...]], currency: str) -> int:
    """Decimals that hold every amount, and their sum in 18 digits; never fewer than the minor unit has."""
    least = decimals_of(currency)
    wanted = max((_places(amount) for row in amounts for amount in row), default=0)
    total = sum((abs(amount) for row in amounts for amount in row), ZERO)
    return max(least, min(wanted, _DIGITS - max(1, total.adjusted() + 1)))


def _places(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _units(amounts: Sequence[Decimal], decimals: int) -> NDArray[np.int64]:
    return np.array([int(amount.scaleb(decimals).to_integral_value(ROUND_HALF_EVEN)) for amount in amounts], np.int64)
