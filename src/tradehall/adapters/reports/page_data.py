"""What the page's own script draws: series and round trips, packed into columns so that the page stays small."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from tradehall.analytics.report import BacktestReport, Series
from tradehall.analytics.round_trips import RoundTrip
from tradehall.analytics.thinning import Thinned
from tradehall.domain.position import PositionSide

# A page lists the newest round trips; the JSON report has all of them.
ROUND_TRIPS_LISTED_MAX: Final = 10_000
# Prices are drawn for so many symbols, and with so many points in all: more symbols, coarser lines.
PRICE_LINES_MAX: Final = 40
PRICE_POINTS_MAX: Final = 6_200

# The engine's short words for why a position was closed, for people.
_REASONS: Final = {"sl": "stop loss", "tp": "take profit", "stop_out": "stop-out"}

_NS_PER_MS: Final = 1_000_000
_OPEN: Final = -1


def page_data(report: BacktestReport) -> str:
    """The JSON of the page's data block; safe inside a script element, whatever the names in it say.

    Instants are ms, each list's first absolute and the others the difference to the one before.
    """
    listed = report.round_trips[-ROUND_TRIPS_LISTED_MAX:]
    symbols = list(dict.fromkeys([*report.symbols, *(trip.symbol for trip in listed)]))
    data = {
        "currency": report.currency,
        "start": report.start // _NS_PER_MS,
        "end": report.end // _NS_PER_MS,
        "halted": None if report.failure is None else (report.failure.at or report.end) // _NS_PER_MS,
        "symbols": symbols,
        "equity": _series(report.equity),
        "prices": _prices(report, symbols),
        "trips": _trips(listed, symbols),
    }
    encoded = msgspec.json.encode(data).decode()
    # "</script" and "<!--" would end or change the element that holds the data.
    return encoded.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _prices(report: BacktestReport, symbols: Sequence[str]) -> dict[str, Any]:
    drawn = [symbol for symbol in symbols if symbol in report.prices][:PRICE_LINES_MAX]
    total = sum(len(report.prices[symbol].at) for symbol in drawn)
    lines = {symbol: report.prices[symbol] for symbol in drawn}
    if total > PRICE_POINTS_MAX:
        # A bucket is three points; what is not a whole bucket yet is one more, and the first point is kept too.
        buckets = max(2, PRICE_POINTS_MAX // len(drawn) // 3 - 2)
        lines = {symbol: _thinner(line, buckets) for symbol, line in lines.items()}
    return {symbol: _series(line) for symbol, line in lines.items()}


def _thinner(series: Series, buckets: int) -> Series:
    line = Thinned(buckets)
    line.extend(np.array(series.at, np.int64), np.array(series.values))
    return Series.of(line)


def _series(series: Series) -> dict[str, Any]:
    return {"at": _differences(at // _NS_PER_MS for at in series.at), "values": [_short(v) for v in series.values]}


def _trips(trips: Sequence[RoundTrip], symbols: Sequence[str]) -> dict[str, Any]:
    """A column per field; what repeats is a place in a list of words."""
    places = {symbol: place for place, symbol in enumerate(symbols)}
    strategies, of_strategy = _words(trip.strategy_id or "" for trip in trips)
    reasons, of_reason = _words(_REASONS.get(trip.exit_reason, trip.exit_reason) for trip in trips)
    entries, of_entry = _words(trip.entry_reason for trip in trips)
    return {
        # The numbers themselves are beyond what JavaScript counts exactly.
        "first_id": str(trips[0].round_trip_id) if trips else "0",
        "id": _differences(trip.round_trip_id - trips[0].round_trip_id for trip in trips),
        "symbol": [places[trip.symbol] for trip in trips],
        "side": [1 if trip.side is PositionSide.LONG else -1 for trip in trips],
        "quantity": [_number(trip.quantity) for trip in trips],
        "opened": _differences(trip.opened_at // _NS_PER_MS for trip in trips),
        "held": [_OPEN if trip.holding_ns is None else trip.holding_ns // _NS_PER_MS for trip in trips],
        "entry": [_number(trip.entry_price) for trip in trips],
        "exit": [None if trip.exit_price is None else _number(trip.exit_price) for trip in trips],
        "net": [_number(trip.net_pnl) for trip in trips],
        "fees": [_number(trip.fees) for trip in trips],
        "swaps": [_number(trip.swaps) for trip in trips],
        "strategy": of_strategy,
        "reason": of_reason,
        "comment": of_entry,
        "strategies": strategies,
        "reasons": reasons,
        "comments": entries,
    }


def _words(texts: Iterable[str]) -> tuple[list[str], list[int]]:
    places: dict[str, int] = {}
    column = [places.setdefault(text, len(places)) for text in texts]
    return list(places), column


def _differences(numbers: Iterable[int]) -> list[int]:
    differences, before = [], 0
    for number in numbers:
        differences.append(number - before)
        before = number
    return differences


def _number(amount: Decimal) -> float | int:
    """As a JSON number, for the eye: the exact text is in the JSON report."""
    return _short(float(amount))


def _short(value: float) -> float | int:
    value = float(f"{value:.10g}")
    return int(value) if value.is_integer() else value
