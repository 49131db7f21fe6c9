"""Skipping is invisible: whatever was traded, the records are those of a run that was shown every price."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backtests.dice_trader import DiceTrader
from tests.backtests.dice_world import LEVERED, a_world
from tests.backtests.tapes import BEGIN, quotes_of, random_tape
from tradehall.backtests import (
    BacktestSettings,
    BarPath,
    Broker,
    Costs,
    FillAt,
    FillRule,
    InBar,
    Result,
    Strategy,
    Tape,
    run,
)
from tradehall.backtests.kernels import CAN_SEARCH
from tradehall.domain.strategy import StrategyLimits, TradingState
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS
from tradehall.engine import commands as cmd
from tradehall.engine.record import encode_record
from tradehall.venue.settings import Liquidity, VenueSettings

pytestmark = pytest.mark.skipif(not CAN_SEARCH, reason="the extra `fast` is not installed")


def assert_skipping_is_invisible(make: Any, tapes: Sequence[Tape], chosen: BacktestSettings) -> Result:
    """Run both ways; every record must be the same, to the byte. Returns the one that skipped."""
    skipped = run(make(), tapes, chosen)
    visited = run(make(), tapes, msgspec.structs.replace(chosen, skips=False))
    assert visited.counters.skipped == 0
    for number, (one, other) in enumerate(zip(skipped.records, visited.records, strict=False)):
        assert encode_record(one) == encode_record(other), f"record {number} differs"
    assert len(skipped.records) == len(visited.records)
    assert skipped.failure is None, skipped.failure.traceback
    assert skipped.accounts == visited.accounts
    for ours, theirs in zip(skipped.curves, visited.curves, strict=True):
        assert (ours.equity == theirs.equity).all()  # There is always a price to value with: a NaN is not equal.
    return skipped


rules = st.builds(
    FillRule,
    at=st.sampled_from(FillAt),
    path=st.sampled_from(BarPath),
    in_bar=st.sampled_from(InBar),
    improves_limits=st.booleans(),
)
venues = st.sampled_from(
    (
        VenueSettings(),
        VenueSettings(latency_ns=250 * NS_PER_MS, slippage_ticks=1),
        VenueSettings(latency_ns=3 * NS_PER_MINUTE),
        VenueSettings(partial_fill_ratio=Decimal("0.4")),
        VenueSettings(liquidity=Liquidity.DISPLAYED),
    )
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), fills=rules, venue=venues, kind=st.sampled_from(("bars", "quote_bars", "quotes")))
def test_one_symbol(seed, fills, venue, kind):
    tape = random_tape("EURUSD", 600, seed, kind=kind)
    chosen = BacktestSettings(accounts=LEVERED, fills=fills, venue=venue, costs=Costs(taker_rate=Decimal("0.0001")))
    assert_skipping_is_invisible(lambda: DiceTrader(seed, reacts=True), [tape], chosen)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), fills=rules, venue=venues)
def test_several_symbols_that_convert_into_each_other(seed, fills, venue):
    tapes = [
        random_tape("EURJPY", 300, seed, volatility=2e-3),
        random_tape("USDJPY", 500, seed + 1, kind="quotes"),
        random_tape("EURUSD", 20, seed + 2, kind="quote_bars", span_ns=NS_PER_HOUR // 4, volatility=2e-3),
    ]
    chosen = BacktestSettings(accounts=LEVERED, fills=fills, venue=venue, costs=Costs(spread=Decimal("0.00002")))
    assert_skipping_is_invisible(lambda: DiceTrader(seed), tapes, chosen)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), share=st.sampled_from((0.02, 0.1, 0.3)))
def test_whatever_is_thrown_together(seed, share):
    tapes, chosen = a_world(seed)
    assert_skipping_is_invisible(lambda: DiceTrader(seed, share, reacts=seed % 2 == 0), tapes, chosen)


class Limited(DiceTrader):
    """The dice's orders, all of a strategy that may lose little in a day; a halt is lifted now and then."""

    def on_start(self, broker: Broker) -> None:
        for account_id in (1, 2):
            broker.submit(cmd.RegisterStrategy(account_id, "mine"))
            broker.submit(cmd.SetStrategyLimits(account_id, "mine", StrategyLimits(daily_loss_max=Decimal(40))))

    def order(self, symbol: str, broker: Broker, **options: Any) -> None:
        if self.dice.random() < 0.1:
            broker.submit(cmd.SetTradingState(broker.account_id, "mine", TradingState.NORMAL))
        super().order(symbol, broker, strategy_id="mine", **options)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), fills=rules)
def test_losses_that_are_counted_by_the_day(seed, fills):
    tapes = [random_tape("EURUSD", 500, seed, span_ns=NS_PER_HOUR), random_tape("GBPUSD", 500, seed + 1, kind="quotes")]
    chosen = BacktestSettings(accounts=LEVERED, fills=fills)
    assert_skipping_is_invisible(lambda: Limited(seed, 0.1), tapes, chosen)


class YesterdaysProfit(Strategy):
    """Wins 40, loses 45 of them while it may lose 20 a day, and looks no more."""

    def on_start(self, broker: Broker) -> None:
        for hours, act in enumerate((self.begin, self.turn, self.turn)):
            broker.at(BEGIN + hours * NS_PER_HOUR + 1, act)

    def begin(self, broker: Broker) -> None:
        broker.submit(cmd.RegisterStrategy(1, "mine"))
        broker.submit(cmd.SetStrategyLimits(1, "mine", StrategyLimits(daily_loss_max=Decimal(20))))
        broker.buy(20, strategy_id="mine")

    def turn(self, broker: Broker) -> None:
        (broker.sell if broker.net() else broker.buy)(20, strategy_id="mine")


def test_a_day_that_takes_profits_away_halts_when_it_begins():
    tape = quotes_of((100.0, 100.0), (102.0, 102.0), (102.0, 102.0), *[(99.75, 99.75)] * 5, every_ns=NS_PER_HOUR)
    chosen = BacktestSettings(accounts=LEVERED, closes_at_end=False)
    result = assert_skipping_is_invisible(YesterdaysProfit, [tape], chosen)
    (halt,) = [record for record in result.records if isinstance(record.command, cmd.CheckLosses)]
    assert halt.now == (BEGIN // NS_PER_DAY + 1) * NS_PER_DAY
