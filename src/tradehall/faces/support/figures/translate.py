"""What was measured, in the support door's words."""

from tradehall.analytics.latency import LatencySummary
from tradehall.analytics.metrics import Metrics
from tradehall.analytics.slippage import SlippageSummary
from tradehall.app.support.measuring import (
    Against,
    LatencyFigures,
    LatencyRow,
    Performance,
    SlippageFigures,
    SlippageRow,
)
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND, to_rfc3339
from tradehall.faces.kit import plain
from tradehall.faces.shown.texts import money, number, stamp
from tradehall.faces.support.figures import schemas
from tradehall.ports.trips import ExecutionQuery


def latency(user_id: int, query: ExecutionQuery, found: LatencyFigures) -> schemas.LatencyShown:
    """Latency of a user's orders."""
    return schemas.LatencyShown(
        user_id, _window(query), found.total, latency_summary(found.summary),
        [latency_record(row) for row in found.rows],
        {name: latency_summary(each) for name, each in sorted(found.groups.items())},
    )  # fmt: skip


def latency_record(row: LatencyRow) -> schemas.LatencyRecord:
    """One order's latency."""
    stages = schemas.StagesShown(ms(row.decision_ns), ms(row.ack_ns), ms(row.fill_ns))
    return schemas.LatencyRecord(
        row.trip_id or None, f"ord_{row.order_id}", row.symbol, ms(row.latency_ns), stages, to_rfc3339(row.at)
    )


def latency_summary(found: LatencySummary | None) -> schemas.LatencySummaryShown:
    """Figures of latencies; of none, a count of none."""
    if found is None:
        return schemas.LatencySummaryShown(0, None, None, None, None, None)
    return schemas.LatencySummaryShown(
        found.count, ms(found.mean_ns), ms(found.p50_ns), ms(found.p95_ns), ms(found.p99_ns), ms(found.max_ns)
    )


def slippage(user_id: int, query: ExecutionQuery, against: Against, found: SlippageFigures) -> schemas.SlippageShown:
    """Slippage of a user's orders."""
    return schemas.SlippageShown(
        user_id, _window(query), against.value, found.total, slippage_summary(found.summary),
        [slippage_record(row) for row in found.rows],
        {name: slippage_summary(each) for name, each in sorted(found.groups.items())},
    )  # fmt: skip


def slippage_record(row: SlippageRow) -> schemas.SlippageRecord:
    """One order's slippage."""
    return schemas.SlippageRecord(
        row.trip_id or None, f"ord_{row.order_id}", row.symbol, "buy" if row.is_buy else "sell",
        number(row.reference), plain(row.fill_price), plain(row.quantity), number(row.price), number(row.ticks),
        None if row.bps is None else round(row.bps, 4), None if row.cost is None else money(row.cost), row.currency,
        to_rfc3339(row.at),
    )  # fmt: skip


def slippage_summary(found: SlippageSummary | None) -> schemas.SlippageSummaryShown:
    """Figures of slippages; of none, a count of none."""
    if found is None:
        return schemas.SlippageSummaryShown(0, None, None, None, None, {})
    mean, median, p95, worst = (
        round(each, 4) for each in (found.mean_bps, found.median_bps, found.p95_bps, found.worst_bps)
    )
    costs = {currency: money(amount) for currency, amount in sorted(found.total_cost.items())}
    return schemas.SlippageSummaryShown(found.count, mean, median, p95, worst, costs)


def _window(query: ExecutionQuery) -> schemas.WindowShown:
    return schemas.WindowShown(to_rfc3339(query.since), to_rfc3339(query.until))


def performance(
    strategy_id: int, deployment_id: int | None, since: int | None, until: int | None, found: Performance
) -> schemas.PerformanceShown:
    """What a strategy's round trips brought."""
    curve = [schemas.EquityPointShown(to_rfc3339(at), money(equity)) for at, equity in found.curve]
    return schemas.PerformanceShown(
        strategy_id, deployment_id, found.currency, stamp(since), stamp(until), found.is_adjusted,
        metrics(found.metrics, found.open_count), curve,
    )  # fmt: skip


def metrics(found: Metrics, open_count: int) -> schemas.MetricsShown:
    """The figures of round trips."""
    tally = found.tally
    holding = tally.holding_ns_average
    return schemas.MetricsShown(
        trade_count=tally.ended,
        open_trade_count=open_count,
        win_rate=_ratio(tally.win_rate),
        pnl=money(tally.net_pnl),
        gross_profit=money(tally.gross_profit),
        gross_loss=money(tally.gross_loss),
        profit_factor=_ratio(tally.profit_factor),
        total_return=_ratio(found.total_return),
        max_drawdown=_ratio(found.max_drawdown) or 0.0,
        max_drawdown_amount=money(found.max_drawdown_amount),
        sharpe_ratio=_ratio(found.sharpe),
        expectancy=None if tally.expectancy is None else money(tally.expectancy),
        avg_win=None if tally.average_win is None else money(tally.average_win),
        avg_loss=None if tally.average_loss is None else money(tally.average_loss),
        avg_holding_seconds=None if holding is None else round(holding / NS_PER_SECOND),
        fees=money(tally.fees),
    )


def ms(span_ns: float | None) -> float | None:
    """A span in milliseconds, to the nanosecond: stages add up."""
    return None if span_ns is None else round(span_ns / NS_PER_MS, 6)


def _ratio(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
