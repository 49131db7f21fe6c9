"""The tally of round trips: how many won, what they brought. Its definitions: docs/metrics.md."""

import math
from decimal import Decimal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.analytics.columns import Result, TripColumns
from tradehall.domain.money import ZERO, round_money


class Tally(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Figures of ended round trips; money in account currency, net of fees and swaps. None: it has no value.

    `win_rate` = wins ÷ ended, breakevens included below. `gross_profit`, `gross_loss` (negative): sums of the
    positive and of the negative net P&L; `profit_factor` = profit ÷ -loss, None without a loss. `expectancy`
    = net_pnl ÷ ended; `average_win`, `average_loss` (negative): by those that brought and cost something; all
    three to the minor unit. `sqn` (system quality number, Van Tharp) = √ended × mean ÷ sample deviation of net
    P&L. `holding_ns_average`: entry to flat.
    """

    ended: int = 0
    still_open: int = 0
    wins: int = 0
    losses: int = 0
    breakevens: int = 0
    win_rate: float | None = None
    net_pnl: Decimal = ZERO
    gross_profit: Decimal = ZERO
    gross_loss: Decimal = ZERO
    profit_factor: float | None = None
    expectancy: Decimal | None = None
    average_win: Decimal | None = None
    average_loss: Decimal | None = None
    best: Decimal | None = None
    worst: Decimal | None = None
    holding_ns_average: int | None = None
    fees: Decimal = ZERO
    swaps: Decimal = ZERO
    sqn: float | None = None


def tally(columns: TripColumns, *, still_open: int = 0) -> Tally:
    """Tally round trips; `still_open` is only passed through."""
    net, count = columns.net_pnl, int(columns.net_pnl.size)
    if not count:
        return Tally(still_open=still_open)
    profit, loss = int(net[net > 0].sum()), int(net[net < 0].sum())
    wins = int(np.count_nonzero(columns.results == Result.WIN))
    losses = int(np.count_nonzero(columns.results == Result.LOSS))
    return Tally(
        ended=count,
        still_open=still_open,
        wins=wins,
        losses=losses,
        breakevens=count - wins - losses,
        win_rate=wins / count,
        net_pnl=columns.money(profit + loss),
        gross_profit=columns.money(profit),
        gross_loss=columns.money(loss),
        profit_factor=profit / -loss if loss else None,
        expectancy=_average(columns, profit + loss, count),
        average_win=_average(columns, profit, int(np.count_nonzero(net > 0))),
        average_loss=_average(columns, loss, int(np.count_nonzero(net < 0))),
        best=columns.money(int(net.max())),
        worst=columns.money(int(net.min())),
        holding_ns_average=_mean_of(columns.closed_at - columns.opened_at),
        fees=columns.money(int(columns.fees.sum())),
        swaps=columns.money(int(columns.swaps.sum())),
        sqn=system_quality(net),
    )


def system_quality(net_pnl: NDArray[np.int64]) -> float | None:
    """√n × mean ÷ sample deviation; None of fewer than two or where all are alike.

    Over all n; Van Tharp counts no more than 100. Source: V. Tharp, Definitive Guide to Position Sizing, 2008.
    """
    deviation = np.std(net_pnl, ddof=1).item() if net_pnl.size > 1 else 0.0
    return math.sqrt(net_pnl.size) * np.mean(net_pnl).item() / deviation if deviation else None


def exposure(columns: TripColumns, *, open_since: int | None, start: int, end: int) -> float | None:
    """Share of the time from `start` to `end` [ns UTC] in which any position was open; None of no time.

    `open_since`: entry of the oldest that is still open. Positions that overlap count once.
    """
    if end <= start:
        return None
    opened, closed = columns.opened_at, columns.closed_at
    if open_since is not None:
        opened, closed = np.append(opened, open_since), np.append(closed, end)
    order = np.argsort(opened, kind="stable")
    opened, closed = np.clip(opened[order], start, end), np.clip(closed[order], start, end)
    covered = np.maximum.accumulate(np.concatenate(([start], closed)))[:-1]
    open_ns: int = np.maximum(closed - np.maximum(opened, covered), 0).sum().item()
    return open_ns / (end - start)


def _average(columns: TripColumns, units: int, count: int) -> Decimal | None:
    return round_money(columns.money(units) / count, columns.currency) if count else None


def _mean_of(holdings: NDArray[np.int64]) -> int:
    # The sum of a million holdings of years is beyond an int64.
    return round(np.mean(holdings).item())
