"""What each figure means, in one sentence: what reports show beside it, and docs/metrics.md explains at length."""

from enum import StrEnum
from functools import reduce
from typing import Any, Final

from msgspec import Struct

from tradehall.analytics.metrics import Metrics


class Unit(StrEnum):
    """How a figure is written."""

    PERCENT = "PERCENT"
    RATIO = "RATIO"
    MONEY = "MONEY"
    COUNT = "COUNT"
    DURATION = "DURATION"


class Definition(Struct, frozen=True, gc=False):
    """A figure of Metrics: `path` to it, its name, its unit (durations ns, percents as fractions), its meaning."""

    path: str
    label: str
    unit: Unit
    meaning: str

    def of(self, metrics: Metrics) -> Any:
        """The figure itself; None where it has no value."""
        return reduce(getattr, self.path.split("."), metrics)


P, R, M, C, D = Unit.PERCENT, Unit.RATIO, Unit.MONEY, Unit.COUNT, Unit.DURATION

DEFINITIONS: Final = (
    Definition(
        "total_return",
        "Total return",
        P,
        "Last equity ÷ first equity − 1.",
    ),
    Definition(
        "annual_return",
        "Annual return",
        P,
        "The return of a year at the same pace, compounded: (1 + total)^(trading days of a year ÷ days) − "
        "1. Also called CAGR.",
    ),
    Definition(
        "buy_and_hold",
        "Buy and hold",
        P,
        "Return of the first instrument from the first to the last price of the period, without fees.",
    ),
    Definition(
        "volatility",
        "Volatility",
        P,
        "Sample standard deviation of daily returns × √(trading days of a year).",
    ),
    Definition(
        "sharpe",
        "Sharpe ratio",
        R,
        "Mean daily return above the risk-free rate ÷ its sample standard deviation × √(trading days of a year).",
    ),
    Definition(
        "sortino",
        "Sortino ratio",
        R,
        "Mean daily return above the risk-free rate ÷ downside deviation × √(trading days of a year); "
        "only losses count as deviation.",
    ),
    Definition(
        "calmar",
        "Calmar ratio",
        R,
        "Annual return ÷ max drawdown.",
    ),
    Definition(
        "max_drawdown",
        "Max drawdown",
        P,
        "Largest fall of equity from a peak, as a share of that peak.",
    ),
    Definition(
        "max_drawdown_amount",
        "Max drawdown, amount",
        M,
        "Largest fall of equity from a peak, in money.",
    ),
    Definition(
        "max_drawdown_ns",
        "Longest drawdown",
        D,
        "Longest time from a peak until equity was there again, or until the end.",
    ),
    Definition(
        "exposure",
        "Exposure",
        P,
        "Share of the time in which any position was open.",
    ),
    Definition(
        "turnover",
        "Turnover",
        R,
        "Value of all fills, both ways, ÷ mean daily equity.",
    ),
    Definition(
        "days",
        "Days",
        C,
        "Trading days with a return.",
    ),
    Definition(
        "capital",
        "Starting equity",
        M,
        "Equity before the first fill.",
    ),
    Definition(
        "final_equity",
        "Final equity",
        M,
        "Equity at the end, with what was open valued at the last prices.",
    ),
    Definition(
        "tally.net_pnl",
        "Net P&L",
        M,
        "Profit and loss of ended round trips, after fees and swaps.",
    ),
    Definition(
        "tally.ended",
        "Round trips",
        C,
        "Positions that went from entry to flat.",
    ),
    Definition(
        "tally.still_open",
        "Still open",
        C,
        "Positions that had not gone flat at the end; they count in equity alone.",
    ),
    Definition(
        "tally.win_rate",
        "Win rate",
        P,
        "Round trips with a net profit ÷ all that ended.",
    ),
    Definition(
        "tally.wins",
        "Wins",
        C,
        "Round trips with a net profit of at least one cent (or what the currency's smallest unit is).",
    ),
    Definition(
        "tally.losses",
        "Losses",
        C,
        "Round trips with a net loss of at least one cent.",
    ),
    Definition(
        "tally.breakevens",
        "Breakevens",
        C,
        "Round trips that came to less than one cent either way.",
    ),
    Definition(
        "tally.profit_factor",
        "Profit factor",
        R,
        "Sum of net profits ÷ sum of net losses.",
    ),
    Definition(
        "tally.expectancy",
        "Expectancy",
        M,
        "Net P&L ÷ ended round trips.",
    ),
    Definition(
        "tally.average_win",
        "Average win",
        M,
        "Mean net P&L of round trips with a profit.",
    ),
    Definition(
        "tally.average_loss",
        "Average loss",
        M,
        "Mean net P&L of round trips with a loss.",
    ),
    Definition(
        "tally.best",
        "Best round trip",
        M,
        "Largest net P&L of one round trip.",
    ),
    Definition(
        "tally.worst",
        "Worst round trip",
        M,
        "Smallest net P&L of one round trip.",
    ),
    Definition(
        "tally.holding_ns_average",
        "Average holding time",
        D,
        "Mean time from entry to flat.",
    ),
    Definition(
        "tally.sqn",
        "SQN",
        R,
        "System quality number: √(round trips) × mean ÷ sample standard deviation of their net P&L.",
    ),
    Definition(
        "tally.fees",
        "Fees",
        M,
        "Commission of all fills of ended round trips.",
    ),
    Definition(
        "tally.swaps",
        "Swaps and dividends",
        M,
        "What holding positions overnight brought (positive) or cost.",
    ),
)

BY_PATH: Final = {definition.path: definition for definition in DEFINITIONS}
