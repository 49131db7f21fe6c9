"""Performance at the door, and what a backtest's report says of the same trades: the same figures."""

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.app.studio.world import MIRA, UP, opens_on, run
from tests.faces.support.opened import Opened, opened
from tradehall.analytics.metrics import Metrics, measure_closed
from tradehall.analytics.round_trips import RoundTrip, RoundTrips
from tradehall.backtests.settings import BacktestSettings
from tradehall.backtests.setup import metric_settings
from tradehall.domain.time import NS_PER_HOUR, NS_PER_SECOND
from tradehall.engine.record import decode_record


async def traded(desk: Opened, seed: int, *, symbol: str) -> tuple[Any, Any]:
    """A strategy that buys rising minutes and sells falling ones, over a week of them."""
    chance, world = random.Random(seed), desk.world
    price = Decimal("1.1000") if symbol == "EURUSD" else Decimal(50_000)
    places = 4 if symbol == "EURUSD" else 0
    strategy = await world.strategy(opens_on(UP), symbol=symbol)
    deployment = await world.deploy(strategy, size=Decimal(1_000 if symbol == "EURUSD" else 1))
    for _ in range(40):
        after = round(price * (1 + Decimal(chance.randint(-30, 30)) / 10_000), places)
        await world.minute(str(price), str(after), symbol=symbol)
        world.clock.at += chance.randint(0, 8) * NS_PER_HOUR
        price = after
    return strategy, deployment


def round_trips(desk: Opened) -> list[RoundTrip]:
    """What a backtest's ears make of the same events."""
    fold = RoundTrips()
    events = (event for entry in desk.world.store.journal.entries() for event in decode_record(entry.payload).events)
    return [trip for event in events if (trip := fold.apply(event)) is not None] + fold.unfinished()


def reported(found: Metrics) -> dict[str, Any]:
    """A report's figures under the door's names."""
    tally = found.tally
    holding = tally.holding_ns_average
    return {
        "trade_count": tally.ended,
        "win_rate": tally.win_rate,
        "pnl": tally.net_pnl,
        "gross_profit": tally.gross_profit,
        "gross_loss": tally.gross_loss,
        "profit_factor": tally.profit_factor,
        "return": found.total_return,
        "max_drawdown": found.max_drawdown,
        "max_drawdown_amount": found.max_drawdown_amount,
        "sharpe_ratio": found.sharpe,
        "expectancy": tally.expectancy,
        "avg_win": tally.average_win,
        "avg_loss": tally.average_loss,
        "avg_holding_seconds": None if holding is None else round(holding / NS_PER_SECOND),
        "fees": tally.fees,
    }


def same(told: object, expected: object) -> bool:
    """Money exactly, ratios to the six places that the door shows."""
    if isinstance(expected, Decimal):
        return isinstance(told, str) and Decimal(told) == expected
    if isinstance(expected, float):
        return isinstance(told, float | int) and abs(told - expected) <= 5e-7
    return told == expected


@pytest.mark.parametrize("symbol", ["EURUSD", "BTCUSD"])
@pytest.mark.parametrize("seed", range(3))
def test_performance_is_what_a_report_of_the_same_trades_says(tmp_path: Path, seed: int, symbol: str):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            strategy, deployment = await traded(desk, seed, symbol=symbol)
            shown = await desk.ok("GET", f"/strategies/{strategy.strategy_id}/performance")
            trips = round_trips(desk)
            report = measure_closed(
                trips,
                capital=desk.world.ledger(deployment).capital,
                start=deployment.created_at,
                end=desk.world.clock.now(),
                currency="USD",
                settings=metric_settings((desk.world.rooms.desk.state.instruments[symbol],), BacktestSettings()),
            )
            assert report.tally.ended > 3 and report.sharpe is not None
            expected = reported(report)
            assert {
                name: shown["metrics"][name]
                for name, value in expected.items()
                if not same(shown["metrics"][name], value)
            } == {}
            assert shown["metrics"].keys() - expected.keys() == {"open_trade_count"}
            assert shown["metrics"]["open_trade_count"] == sum(trip.closed_at is None for trip in trips)
            # Trade by trade as well.
            trades = await desk.trades(MIRA, status="closed", size=100)
            ended = [trip for trip in trips if trip.closed_at is not None]
            assert sorted(Decimal(trade["net_pnl"]) for trade in trades) == sorted(trip.net_pnl for trip in ended)
            assert (
                Decimal(shown["equity_curve"][-1]["equity"])
                == Decimal(shown["equity_curve"][0]["equity"]) + report.tally.net_pnl
            )

    run(story())
