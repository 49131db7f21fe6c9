"""Ratios of a series of periodic returns: plain functions of float arrays. Their definitions: docs/metrics.md.

`returns`: simple returns of consecutive periods, oldest first (0.01 is one percent). `periods_per_year`: 252 for
markets that rest at weekends, 365 for those that do not. A ratio that has no value is None, never NaN or infinite.
"""

import math
from typing import Final

import numpy as np

from tradehall.analytics.floats import Floats

# Below this share of the largest return a deviation is the rounding of floats, not a risk that was taken.
_NOISE: Final = 1e-14


def total_return(returns: Floats) -> float:
    """Compounded return of all periods: Π(1 + r) - 1; 0 of none."""
    return np.prod(1.0 + returns).item() - 1.0


def annual_return(returns: Floats, periods_per_year: float) -> float | None:
    """Compound annual growth rate (CAGR): (1 + total)^(periods_per_year ÷ periods) - 1; -1 when all is lost.

    Years are counted in periods, not on the calendar: 252 daily returns are a year of a market that rests at
    weekends. None without returns, or where so short a time is blown up beyond what a float holds.
    Source: empyrical `annual_return`, quantstats `cagr`.
    """
    if not returns.size:
        return None
    grown = 1.0 + total_return(returns)
    if grown <= 0:
        return -1.0
    exponent = math.log(grown) * periods_per_year / returns.size
    return math.expm1(exponent) if exponent < 700 else None


def volatility(returns: Floats, periods_per_year: float) -> float | None:
    """Sample standard deviation (n - 1) of the returns × √periods_per_year; None of fewer than two."""
    if returns.size < 2:
        return None
    return _deviation(returns) * math.sqrt(periods_per_year)


def sharpe_ratio(returns: Floats, periods_per_year: float, risk_free_rate: float = 0.0) -> float | None:
    """Mean excess return ÷ its sample deviation × √periods_per_year; None of fewer than two or without deviation.

    `risk_free_rate`: of a year. Source: W. F. Sharpe, The Sharpe Ratio, Journal of Portfolio Management 1994.
    """
    excess = _excess(returns, periods_per_year, risk_free_rate)
    if excess.size < 2:
        return None
    deviation = _deviation(excess)
    return _ratio(excess, deviation, periods_per_year)


def sortino_ratio(returns: Floats, periods_per_year: float, risk_free_rate: float = 0.0) -> float | None:
    """Mean excess return ÷ downside deviation × √periods_per_year; None of fewer than two or without a loss.

    Downside deviation: √(Σ min(r, 0)² ÷ n) over all n periods, those that gained too.
    Source: F. A. Sortino, L. N. Price, Performance Measurement in a Downside Risk Framework, 1994.
    """
    excess = _excess(returns, periods_per_year, risk_free_rate)
    if excess.size < 2:
        return None
    deviation = math.sqrt(np.mean(np.minimum(excess, 0.0) ** 2))
    return _ratio(excess, deviation, periods_per_year)


def calmar_ratio(annual: float | None, max_drawdown: float) -> float | None:
    """Annual return ÷ max drawdown (a positive fraction); None where there was no drawdown.

    Over the whole period, where its inventor took the last 36 months. Source: T. W. Young, Futures, October 1991.
    """
    return None if annual is None or not max_drawdown else annual / max_drawdown


def _excess(returns: Floats, periods_per_year: float, risk_free_rate: float) -> Floats:
    """Returns above what one period of the risk-free rate brings, compounded: (1 + rate)^(1 ÷ periods) - 1."""
    if not risk_free_rate:
        return returns
    per_period: float = (1.0 + risk_free_rate) ** (1.0 / periods_per_year) - 1.0
    return returns - per_period


def _ratio(excess: Floats, deviation: float, periods_per_year: float) -> float | None:
    if deviation <= _NOISE * np.max(np.abs(excess)):
        return None
    return _mean(excess) / deviation * math.sqrt(periods_per_year)


def _mean(values: Floats) -> float:
    mean: float = np.mean(values).item()
    return mean


def _deviation(values: Floats) -> float:
    deviation: float = np.std(values, ddof=1).item()
    return deviation
