"""Writes vectors.json anew: synthetic series, and what three peers say of them (`make metrics-peers`).

Runs in an environment of its own, where the peers are and Tradehall is not. The series come from seeds and are
rounded before anybody sees them, so that everyone reckons with the same numbers.
"""

import json
import math
import random
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import empyrical
import numpy as np
import pandas as pd
import quantstats.stats as quantstats
from backtesting._stats import compute_stats

VECTORS = Path(__file__).with_name("vectors.json")
START = "2021-01-04"
PEERS = ("backtesting", "empyrical-reloaded", "quantstats")


def main() -> None:
    """Ask the peers and write down what they say."""
    warnings.simplefilter("ignore")
    told = {
        "peers": {peer: version(peer) for peer in PEERS},
        "returns": [_ratios(name, **series) for name, series in returns_given().items()],
        "runs": [_run(seed, periods) for seed, periods in ((11, 252), (12, 252), (13, 365))],
    }
    VECTORS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf8")


def returns_given() -> dict[str, dict[str, Any]]:
    """Daily returns by name, with the days of a year and the risk-free rate."""
    walk = _walk(1, days=504, drift=0.0006, width=0.011)
    return {
        "two years of shares": {"returns": walk, "periods": 252, "risk_free": 0.0},
        "the same above a risk-free rate": {"returns": walk, "periods": 252, "risk_free": 0.03},
        "a year of coins": {"returns": _walk(2, days=365, drift=0.001, width=0.04), "periods": 365, "risk_free": 0.0},
        "a losing quarter": {"returns": _walk(3, days=63, drift=-0.004, width=0.01), "periods": 252, "risk_free": 0.0},
        "never a loss": {"returns": [0.001, 0.0, 0.002, 0.004, 0.0, 0.001], "periods": 252, "risk_free": 0.0},
        "nothing happened": {"returns": [0.0] * 10, "periods": 252, "risk_free": 0.0},
        "two days": {"returns": [0.01, -0.005], "periods": 252, "risk_free": 0.0},
        "one day": {"returns": [0.01], "periods": 252, "risk_free": 0.0},
        "a heavy fall": {"returns": [0.02, -0.6, 0.1, -0.5, 0.9, 0.03], "periods": 365, "risk_free": 0.01},
    }


def _walk(seed: int, *, days: int, drift: float, width: float) -> list[float]:
    dice = random.Random(seed)
    return [round(dice.gauss(drift, width), 6) for _ in range(days)]


def _ratios(name: str, *, returns: list[float], periods: int, risk_free: float) -> dict[str, Any]:
    series = pd.Series(returns, index=pd.date_range(START, periods=len(returns), freq="D"))
    per_day = (1 + risk_free) ** (1 / periods) - 1
    said: dict[str, Any] = {
        "name": name, "returns": returns, "periods_per_year": periods, "risk_free_rate": risk_free,
        "empyrical": {
            "total_return": empyrical.cum_returns_final(series),
            "annual_return": empyrical.annual_return(series, annualization=periods),
            "volatility": empyrical.annual_volatility(series, annualization=periods),
            "sharpe": empyrical.sharpe_ratio(series, risk_free=per_day, annualization=periods),
            "sortino": empyrical.sortino_ratio(series, required_return=per_day, annualization=periods),
            "calmar": empyrical.calmar_ratio(series, annualization=periods),
            "max_drawdown": -empyrical.max_drawdown(series),
        },
        # Without a drawdown quantstats divides by nothing.
        "quantstats": {
            "total_return": quantstats.comp(series),
            "annual_return": quantstats.cagr(series, periods=periods),
            "volatility": quantstats.volatility(series, periods=periods, prepare_returns=False),
            "sharpe": quantstats.sharpe(series, rf=risk_free, periods=periods),
            "sortino": quantstats.sortino(series, rf=risk_free, periods=periods),
            "calmar": quantstats.calmar(series, prepare_returns=False, periods=periods) if min(returns) < 0 else None,
            "max_drawdown": -quantstats.max_drawdown(series),
        },
    }  # fmt: skip
    for peer in ("empyrical", "quantstats"):
        said[peer] = {figure: _plain(value) for figure, value in said[peer].items()}
    return said


def _run(seed: int, periods: int) -> dict[str, Any]:
    """A run of daily bars with some round trips, and what backtesting.py says of it."""
    dice = random.Random(seed)
    index = pd.date_range(START, periods=300, freq="B" if periods == 252 else "D")
    closes = [100.0]
    for _ in range(len(index) - 1):
        closes.append(round(closes[-1] * (1 + dice.gauss(0.0004, 0.013)), 2))
    trips, at = [], 3
    while at < 280:
        end, size = at + dice.randint(1, 12), dice.choice([-30, -10, 10, 40])
        fee = round(0.001 * abs(size) * (closes[at] + closes[end]), 2)
        gross = size * (closes[end] - closes[at])
        trips.append({"entry": at, "exit": end, "size": size, "net_pnl": round(gross - fee, 2)})
        at = end + dice.randint(1, 9)
    equity = _equity(closes, trips)
    frame = pd.DataFrame({"Open": closes, "High": closes, "Low": closes, "Close": closes}, index=index)
    stats = compute_stats(_frame_of(trips, closes, index), np.array(equity), frame, None, risk_free_rate=0.0)
    figures = [name for name in stats.index if not name.startswith("_")]
    said = {name: _plain(stats[name]) for name in figures if _plain(stats[name]) is not None}
    return {
        "periods_per_year": periods, "at": [stamp.value for stamp in index], "closes": closes, "equity": equity,
        "round_trips": trips, "backtesting": said,
    }  # fmt: skip


def _equity(closes: list[float], trips: list[dict[str, Any]]) -> list[float]:
    """Marked at each close; a fee is paid at the exit."""
    equity = []
    for bar, close in enumerate(closes):
        value = 10_000.0
        for trip in trips:
            if bar >= trip["exit"]:
                value += trip["net_pnl"]
            elif bar >= trip["entry"]:
                value += trip["size"] * (close - closes[trip["entry"]])
        equity.append(round(value, 2))
    return equity


def _frame_of(trips: list[dict[str, Any]], closes: list[float], index: pd.DatetimeIndex) -> pd.DataFrame:
    rows = [
        {
            "Size": trip["size"], "EntryBar": trip["entry"], "ExitBar": trip["exit"],
            "EntryPrice": closes[trip["entry"]], "ExitPrice": closes[trip["exit"]], "PnL": trip["net_pnl"],
            "ReturnPct": trip["net_pnl"] / (abs(trip["size"]) * closes[trip["entry"]]),
            "EntryTime": index[trip["entry"]], "ExitTime": index[trip["exit"]],
            "Duration": index[trip["exit"]] - index[trip["entry"]],
        }
        for trip in trips
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _plain(value: Any) -> float | None:
    """A figure as JSON can hold it: durations in ns, nothing where there is none."""
    if isinstance(value, pd.Timedelta):
        return float(value.value)
    if isinstance(value, pd.Timestamp) or value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


if __name__ == "__main__":
    main()
