"""Our ratios against those of others, on the same series: peers/vectors.json, written by peers/generate.py."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradehall.analytics import returns as ratios
from tradehall.analytics.equity import EquityCurve
from tradehall.analytics.metrics import Metrics, MetricSettings, measure
from tradehall.analytics.round_trips import RoundTrip
from tradehall.domain.position import PositionSide

VECTORS = json.loads((Path(__file__).parent / "peers" / "vectors.json").read_text(encoding="utf8"))
SAME: dict[str, Any] = {"rel": 1e-12, "abs": 1e-12}
DAY = 86_400_000_000_000


def ours_of(given: dict[str, Any]) -> dict[str, float | None]:
    returns, per_year, rate = np.array(given["returns"]), given["periods_per_year"], given["risk_free_rate"]
    curve, annual = EquityCurve(), ratios.annual_return(returns, per_year)
    curve.extend(np.arange(len(returns) + 1) * DAY, np.concatenate(([1.0], np.cumprod(1.0 + returns))))
    assert curve.daily_returns() == pytest.approx(returns, **SAME)
    return {
        "total_return": ratios.total_return(returns),
        "annual_return": annual,
        "volatility": ratios.volatility(returns, per_year),
        "sharpe": ratios.sharpe_ratio(returns, per_year, rate),
        "sortino": ratios.sortino_ratio(returns, per_year, rate),
        "calmar": ratios.calmar_ratio(annual, curve.drawdown.fraction),
        "max_drawdown": curve.drawdown.fraction,
    }


@pytest.mark.parametrize("peer", ["empyrical", "quantstats"])
@pytest.mark.parametrize("given", VECTORS["returns"], ids=lambda given: given["name"])
def test_ratios_are_those_of_the_peers(given: dict[str, Any], peer: str):
    ours = ours_of(given)
    assert ours.keys() == given[peer].keys()
    for figure, theirs in given[peer].items():
        assert ours[figure] == (None if theirs is None else pytest.approx(theirs, **SAME)), figure


# Of a run, backtesting.py says what we say, in percent:
SAME_IN_PERCENT = {
    "Return [%]": "total_return",
    "Return (Ann.) [%]": "annual_return",
    "Buy & Hold Return [%]": "buy_and_hold",
}


@pytest.mark.parametrize("run", VECTORS["runs"], ids=["shares", "more shares", "coins"])
def test_a_run_is_measured_as_backtesting_py_measures_it(run: dict[str, Any]):
    ours, theirs = measured(run), run["backtesting"]
    for name, figure in SAME_IN_PERCENT.items():
        assert getattr(ours, figure) * 100 == pytest.approx(theirs[name], **SAME), name
    assert -ours.max_drawdown * 100 == pytest.approx(theirs["Max. Drawdown [%]"], **SAME)
    assert ours.calmar == pytest.approx(theirs["Calmar Ratio"], **SAME)
    assert ours.tally.sqn == pytest.approx(theirs["SQN"], **SAME)
    assert ours.tally.ended == theirs["# Trades"]
    assert ours.tally.win_rate is not None
    assert ours.tally.win_rate * 100 == pytest.approx(theirs["Win Rate [%]"], **SAME)
    assert float(ours.final_equity) == theirs["Equity Final [$]"]
    assert ours.max_drawdown_ns == theirs["Max. Drawdown Duration"]


@pytest.mark.parametrize("run", VECTORS["runs"], ids=["shares", "more shares", "coins"])
def test_where_backtesting_py_differs_it_is_by_the_formulas_in_our_documents(run: dict[str, Any]):
    ours, theirs, per_year = measured(run), run["backtesting"], run["periods_per_year"]
    assert ours.annual_return is not None
    equity = np.array(run["equity"])
    returns = equity[1:] / equity[:-1] - 1
    # Its deviation is that of a compounded year, and its ratios divide a compounded return.
    growth = (1 + ours.annual_return) ** (1 / per_year)
    compounded = np.sqrt((returns.var(ddof=1) + growth**2) ** per_year - growth ** (2 * per_year))
    assert compounded * 100 == pytest.approx(theirs["Volatility (Ann.) [%]"], rel=1e-9)
    assert ours.annual_return / compounded == pytest.approx(theirs["Sharpe Ratio"], rel=1e-9)
    downside = np.sqrt(np.mean(np.minimum(returns, 0) ** 2) * per_year)
    assert ours.annual_return / downside == pytest.approx(theirs["Sortino Ratio"], rel=1e-9)
    # It counts bars, the one of the exit too; we measure time.
    bars = sum(trip["exit"] - trip["entry"] + 1 for trip in run["round_trips"])
    assert bars / len(equity) * 100 == pytest.approx(theirs["Exposure Time [%]"])
    assert ours.exposure is not None
    assert ours.exposure * 100 < theirs["Exposure Time [%]"]
    # Its profit factor adds up percents of round trips, ours money.
    assert ours.tally.profit_factor != pytest.approx(theirs["Profit Factor"], rel=1e-3)


def measured(run: dict[str, Any]) -> Metrics:
    settings = MetricSettings(periods_per_year=run["periods_per_year"])
    curve = settings.curve()
    for at, equity in zip(run["at"], run["equity"], strict=True):
        curve.add(at, equity)
    closes = run["closes"]
    trips = [_round_trip(number, trip, run["at"], closes) for number, trip in enumerate(run["round_trips"])]
    return measure(curve, trips, currency="USD", settings=settings, buy_and_hold=closes[-1] / closes[0] - 1)


def _round_trip(number: int, trip: dict[str, Any], at: list[int], closes: list[float]) -> RoundTrip:
    return RoundTrip(
        round_trip_id=number,
        account_id=1,
        symbol="AAPL",
        side=PositionSide.LONG if trip["size"] > 0 else PositionSide.SHORT,
        quantity=Decimal(abs(trip["size"])),
        entry_price=Decimal(str(closes[trip["entry"]])),
        exit_price=Decimal(str(closes[trip["exit"]])),
        opened_at=at[trip["entry"]],
        closed_at=at[trip["exit"]],
        currency="USD",
        net_pnl=Decimal(str(trip["net_pnl"])),
    )
