"""Metrics of a run, a deployment or a strategy, from its equity and its round trips. Definitions: docs/metrics.md."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import numpy as np
from msgspec import Struct

from tradehall.analytics import returns as ratios
from tradehall.analytics.columns import Result, TripColumns, columns_of
from tradehall.analytics.equity import EquityCurve, Instants, trading_days
from tradehall.analytics.floats import Floats, approximate
from tradehall.analytics.round_trips import RoundTrip
from tradehall.analytics.tally import Tally, exposure, tally
from tradehall.domain.money import ZERO, round_money
from tradehall.domain.time import NS_PER_DAY

DAYS_OF_MARKETS_THAT_REST: Final = 252
DAYS_OF_MARKETS_THAT_DO_NOT: Final = 365


class MetricSettings(Struct, frozen=True, gc=False):
    """What the ratios are reckoned with. `risk_free_rate`: of a year (0.02 is two percent).

    `periods_per_year`: trading days; with fewer than 365 the weekend belongs to the Monday after it.
    """

    periods_per_year: int = DAYS_OF_MARKETS_THAT_REST
    risk_free_rate: float = 0.0

    @property
    def rests_at_weekends(self) -> bool:
        """Whether Saturday and Sunday are no days of their own."""
        return self.periods_per_year < DAYS_OF_MARKETS_THAT_DO_NOT

    def curve(self) -> EquityCurve:
        """An empty equity curve whose days are those of these settings."""
        return EquityCurve(rests_at_weekends=self.rests_at_weekends)


DEFAULTS: Final = MetricSettings()


class Metrics(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """All figures of one run. Fractions, not percent: 0.05 is five percent. None: it has no value.

    `start`, `end` ns UTC; money in `currency`. `max_drawdown` is positive. `turnover`: what was traded, both
    ways [account currency] ÷ mean daily equity. `buy_and_hold`: return of the instrument over the same time.
    """

    start: int
    end: int
    currency: str
    days: int
    capital: Decimal
    final_equity: Decimal
    total_return: float | None = None
    annual_return: float | None = None
    volatility: float | None = None
    sharpe: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    max_drawdown: float = 0.0
    max_drawdown_amount: Decimal = ZERO
    max_drawdown_ns: int = 0
    exposure: float | None = None
    turnover: float | None = None
    buy_and_hold: float | None = None
    tally: Tally = Tally()


def measure(
    equity: EquityCurve,
    round_trips: Sequence[RoundTrip],
    *,
    currency: str,
    settings: MetricSettings = DEFAULTS,
    buy_and_hold: float | None = None,
    rates: Mapping[str, float] | None = None,
) -> Metrics:
    """Measure a run: ratios from its marked equity, the tally from its round trips (open ones are only counted).

    `equity` should come from `settings.curve()`. `rates`: account currency per quote currency of a symbol, 1 where
    absent. Asserts that all round trips are in `currency`.
    """
    columns = columns_of(round_trips, currency=currency, rates=rates)
    entries = [trip.opened_at for trip in round_trips if trip.closed_at is None]
    return measure_columns(equity, columns, open_since=entries, settings=settings, buy_and_hold=buy_and_hold)


def measure_closed(
    round_trips: Sequence[RoundTrip],
    *,
    capital: Decimal,
    start: int,
    end: int,
    currency: str,
    settings: MetricSettings = DEFAULTS,
    results: Mapping[int, Result] | None = None,
) -> Metrics:
    """Measure what round trips brought once they were closed: equity = `capital` + cumulative net P&L.

    This is how the support and studio doors know a deployment: what floats does not count. Days from `start` to
    `end` [ns UTC] on which nothing closed have a return of 0. `results`: see `columns_of`.
    """
    columns = columns_of(round_trips, currency=currency, results=results)
    curve = closed_equity(columns, capital=capital, start=start, end=end, settings=settings)
    entries = [trip.opened_at for trip in round_trips if trip.closed_at is None]
    return measure_columns(curve, columns, open_since=entries, settings=settings)


def measure_columns(
    equity: EquityCurve,
    columns: TripColumns,
    *,
    open_since: Sequence[int] = (),
    settings: MetricSettings = DEFAULTS,
    buy_and_hold: float | None = None,
) -> Metrics:
    """`measure` over columns, for the many. `open_since`: entries of what is still open [ns UTC]."""
    returns, per_year, currency = equity.daily_returns(), settings.periods_per_year, columns.currency
    start, end = equity.span
    first, last = equity.ends
    annual = ratios.annual_return(returns, per_year)
    drawdown = equity.drawdown
    return Metrics(
        start=start,
        end=end,
        currency=currency,
        days=int(returns.size),
        capital=_money(first, currency),
        final_equity=_money(last, currency),
        total_return=last / first - 1.0 if first > 0 else None,
        annual_return=annual,
        volatility=ratios.volatility(returns, per_year),
        sharpe=ratios.sharpe_ratio(returns, per_year, settings.risk_free_rate),
        sortino=ratios.sortino_ratio(returns, per_year, settings.risk_free_rate),
        calmar=ratios.calmar_ratio(annual, drawdown.fraction),
        max_drawdown=drawdown.fraction,
        max_drawdown_amount=_money(drawdown.amount, currency),
        max_drawdown_ns=drawdown.length_ns,
        exposure=exposure(columns, open_since=min(open_since, default=None), start=start, end=end),
        turnover=_turnover(equity, columns),
        buy_and_hold=buy_and_hold,
        tally=tally(columns, still_open=len(open_since)),
    )


def closed_equity(
    columns: TripColumns, *, capital: Decimal, start: int, end: int, settings: MetricSettings
) -> EquityCurve:
    """`capital` at `start`, then capital + cumulative net P&L by time of closing, with a point on every day."""
    order = np.argsort(columns.closed_at, kind="stable")
    closed_at = columns.closed_at[order]
    units = np.concatenate(([0], np.cumsum(columns.net_pnl[order])))
    last = max(end, int(closed_at[-1])) if closed_at.size else max(start, end)
    at = np.sort(np.concatenate((_day_ends(start, last, settings), closed_at, [last])), kind="stable")
    known = np.searchsorted(closed_at, at, side="right")
    values = _floats(units, columns, capital)[known]
    curve = settings.curve()
    curve.add(start, capital)
    curve.extend(np.maximum(at, start), values)
    return curve


def _day_ends(start: int, end: int, settings: MetricSettings) -> Instants:
    """Last instants of the trading days that ended in between."""
    days = np.arange(start // NS_PER_DAY, end // NS_PER_DAY, dtype=np.int64)
    own = trading_days(days * NS_PER_DAY, rests_at_weekends=settings.rests_at_weekends)
    ends: Instants = (days[own == days] + 1) * NS_PER_DAY - 1
    return ends


def _floats(units: Instants, columns: TripColumns, capital: Decimal) -> Floats:
    floats: Floats = units / 10.0**columns.decimals + approximate(capital)
    return floats


def _turnover(equity: EquityCurve, columns: TripColumns) -> float | None:
    _, closes = equity.daily()
    mean: float = closes.mean().item() if closes.size else 0.0
    traded: float = columns.traded_values.sum().item()
    return traded / mean if mean > 0 else None


def _money(amount: float, currency: str) -> Decimal:
    return round_money(Decimal(repr(amount)), currency)
