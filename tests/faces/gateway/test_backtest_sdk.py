"""The published SDK, unmodified: one strategy on paper and through the past; sync, async and streaming."""

import asyncio
import decimal
import gc
import subprocess
import sys
import textwrap
from decimal import Decimal

import pytest
from tektii import AsyncTradingGateway, TradingGateway
from tektii.models import CandleEvent, OrderEvent, PositionEvent, TradeEvent

from tests.faces.gateway.past import BARS, write_bars
from tests.serving import Server

# The SDK leaves loops and sockets of its own to the garbage collector.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MANY = BARS * 8


@pytest.fixture(autouse=True)
def no_litter():
    """What the SDK leaves lying about is collected here, where it is known."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def arithmetic_of_a_strangers_process():
    """The SDK's threads calculate with the 28 digits of a plain Python, not with those of the house."""
    with decimal.localcontext(decimal.Context(prec=28)):
        yield


class Crossing:
    """Buys when a close is above the mean of the last three, sells when it is below; sized by equity."""

    def __init__(self):
        self.closes = []
        self.kinds = []
        self.is_long = False

    def wish(self, event):
        """What to do about an event: a side, or None."""
        self.kinds.append(type(event))
        if not isinstance(event, CandleEvent):
            return None
        self.closes.append(Decimal(event.bar.close))
        mean = sum(self.closes[-3:]) / len(self.closes[-3:])
        if len(self.closes) < 3 or (self.closes[-1] > mean) == self.is_long:
            return None
        self.is_long = not self.is_long
        return "buy" if self.is_long else "sell"


def trade_sync(base_url, candles_max=10_000):
    """The strategy on the sync client and its stream."""
    strategy, ended = Crossing(), []
    with TradingGateway(base_url=base_url) as gateway:

        def on_complete(event):
            ended.append(gateway.get_account())

        with gateway.stream(on_backtest_complete=on_complete) as events:
            for event in events:
                side = strategy.wish(event)
                if side == "buy":
                    quantity = gateway.quantity_for_notional("ACME", equity_fraction=0.5)
                    gateway.submit_order("ACME", "buy", quantity, stop_loss="80", take_profit="120")
                elif side == "sell":
                    gateway.close_all_positions(symbol="ACME")
                if len(strategy.closes) == candles_max:
                    break
        return strategy, ended, gateway.list_trades(limit=1000), gateway.get_status()


async def trade_async(base_url, candles_max=10_000):
    """The same on the async client."""
    strategy, ended = Crossing(), []
    async with AsyncTradingGateway(base_url=base_url) as gateway:

        async def on_complete(event):
            ended.append(await gateway.get_account())

        async with gateway.stream(on_backtest_complete=on_complete) as events:
            async for event in events:
                side = strategy.wish(event)
                if side == "buy":
                    quantity = await gateway.quantity_for_notional("ACME", equity_fraction=0.5)
                    await gateway.submit_order("ACME", "buy", quantity, stop_loss="80", take_profit="120")
                elif side == "sell":
                    await gateway.close_all_positions(symbol="ACME")
                if len(strategy.closes) == candles_max:
                    break
        return strategy, ended, await gateway.list_trades(limit=1000), await gateway.get_status()


def on_async(base_url, candles_max=10_000):
    return asyncio.run(asyncio.wait_for(trade_async(base_url, candles_max), 60))


def past(tmp_path, name):
    return Server(
        tmp_path / name, TRADEHALL_MODE="backtest", TRADEHALL_FEED=f"replay:{write_bars(tmp_path, MANY)}",
        TRADEHALL_ACCESS_LOG="off",
    )  # fmt: skip


def test_the_same_strategy_trades_the_same_on_both_clients(tmp_path):
    found = []
    for number, trade in enumerate((trade_sync, on_async, trade_sync)):
        with past(tmp_path, f"data{number}") as server:
            strategy, [ended], trades, status = trade(server.url)
            assert server.stop()[0] == 0
        assert len(strategy.closes) == len(MANY)
        assert {OrderEvent, TradeEvent, PositionEvent} <= set(strategy.kinds)
        assert len(trades) >= 10
        assert status.connected
        found.append((strategy.kinds, ended, trades))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("trade", [trade_sync, on_async])
def test_it_trades_on_paper_too(tmp_path, trade):
    feed = f"replay:{write_bars(tmp_path, MANY)}?speed=600&loop=1"
    with Server(tmp_path / "data", TRADEHALL_FEED=feed, TRADEHALL_ACCESS_LOG="off") as server:
        strategy, ended, trades, status = trade(server.url, candles_max=8)
    assert (len(strategy.closes), ended) == (8, [])
    assert trades
    assert status.connected


STRATEGY = """
    import sys, time
    from tektii import TradingGateway
    from tektii.models import CandleEvent

    gateway = TradingGateway(base_url=sys.argv[1])
    count = 0
    with gateway.stream() as events:
        for event in events:
            if isinstance(event, CandleEvent):
                print(event.event_id, event.bar.timestamp.isoformat(), flush=True)
                count += 1
                if count == int(sys.argv[2]):
                    time.sleep(60)
"""


def test_a_strategy_that_is_killed_goes_on_where_it_was(tmp_path):
    program = tmp_path / "strategy.py"
    program.write_text(textwrap.dedent(STRATEGY))

    def started(url, sleeps_at):
        command = [sys.executable, str(program), url, str(sleeps_at)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    with past(tmp_path, "data") as server:
        with started(server.url, 7) as first:
            seen = [first.stdout.readline() for _ in range(7)]
            first.kill()
        with started(server.url, 0) as second:
            again = second.stdout.readlines()
            assert second.wait(20) == 0
    assert again[0] == seen[6], "what was not acknowledged is told again"
    assert len(again) == len(MANY) - 6
    assert len({line.split()[0] for line in [*seen, *again]}) == len(MANY)
