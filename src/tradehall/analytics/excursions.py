"""How far the price went against and for each round trip while it was open."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradehall.analytics.round_trips import RoundTrip
from tradehall.domain.money import ZERO, round_floating
from tradehall.domain.position import PositionSide


class Extremes(NamedTuple):
    """Lows and highs of a symbol (of quotes: the price twice) at rising instants [ns UTC]."""

    at: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def with_excursions(round_trips: Iterable[RoundTrip], prices: Mapping[str, Extremes]) -> list[RoundTrip]:
    """The round trips with `mae` and `mfe`, from the prices after entry up to and with the exit.

    Measured from the entry price; the exit price counts too. Left as it is: what has no price in between, what
    is still open, and symbols without prices. A bar counts by its instant: give that of its end.
    """
    return [_measured(trip, prices.get(trip.symbol)) for trip in round_trips]


def _measured(trip: RoundTrip, prices: Extremes | None) -> RoundTrip:
    if prices is None or trip.closed_at is None or trip.exit_price is None:
        return trip
    first, last = np.searchsorted(prices.at, (trip.opened_at, trip.closed_at), side="right")
    if first == last:
        return trip
    low = min(trip.exit_price, _decimal(prices.low[first:last].min()))
    high = max(trip.exit_price, _decimal(prices.high[first:last].max()))
    fell, rose = max(ZERO, trip.entry_price - low), max(ZERO, high - trip.entry_price)
    mae, mfe = (fell, rose) if trip.side is PositionSide.LONG else (rose, fell)
    measured: RoundTrip = msgspec.structs.replace(trip, mae=mae, mfe=mfe)
    return measured


def _decimal(price: np.float64) -> Decimal:
    return round_floating(Decimal(repr(price.item())))
