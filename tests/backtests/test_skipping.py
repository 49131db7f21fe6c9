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
from tests.backtests.tapes import random_tape
from tradehall.backtests import (
    BacktestSettings,
    BarPath,
    Costs,
    FillAt,
    FillRule,
    InBar,
    Result,
    Tape,
    run,
)
from tradehall.backtests.kernels import CAN_SEARCH
from tradehall.domain.time import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS
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
