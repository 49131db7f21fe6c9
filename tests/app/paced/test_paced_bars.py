"""Bars of a past told step by step: closed by time, the longer ones as if they had been summed afterwards."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.app.shard import OwnClock
from tradehall.app.bars import aggregate
from tradehall.app.paced.bars import NEVER, PacedBars, grain_of
from tradehall.domain.market import TIMEFRAME_NS, Print, Quote, Timeframe
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from tradehall.ports.history import BarWindow, NoHistory, at_once

START = 1_704_067_200_000_000_000


def told(quotes, span=None):
    """All bars of the quotes (seconds from START, price in cents), closed as a simulation does."""
    clock = OwnClock(START)
    bars = PacedBars({"ACME": span}, NoHistory(), clock)
    closed = []
    for second, cents in quotes:
        clock.at = START + second * NS_PER_SECOND
        while bars.next_end <= clock.at:
            closed += bars.close_until(bars.next_end)
        bid = Decimal(cents).scaleb(-2)
        bars.on_quote(Quote("ACME", bid, bid + 1, clock.at, clock.at))
        bars.on_print(Print("ACME", bid, Decimal("0.25"), clock.at, clock.at))
    while bars.next_end != NEVER:
        closed += bars.close_until(bars.next_end)
    return bars, closed


QUOTES = st.lists(
    st.tuples(st.integers(0, 3 * 86_400), st.integers(1, 100_000)),
    min_size=1,
    max_size=60,
    unique_by=lambda one: one[0],
).map(sorted)


@given(QUOTES)
def test_longer_bars_are_what_their_minutes_sum_up_to(quotes):
    bars, closed = told(quotes)
    minutes = [bar for bar in closed if bar.timeframe is Timeframe.M1]
    for timeframe in Timeframe:
        expected = minutes if timeframe is Timeframe.M1 else list(aggregate(minutes, timeframe))
        assert [bar for bar in closed if bar.timeframe is timeframe] == expected
        assert at_once(bars.read(BarWindow("ACME", timeframe, limit=1000))) == expected


@given(QUOTES)
def test_bars_close_in_the_order_of_their_ends_and_the_shorter_first(quotes):
    _, closed = told(quotes)
    lengths = [(bar.at + TIMEFRAME_NS[bar.timeframe], TIMEFRAME_NS[bar.timeframe]) for bar in closed]
    assert lengths == sorted(lengths)


@given(QUOTES, st.sampled_from(list(Timeframe)))
def test_what_is_read_on_the_way_is_the_sum_of_what_was_told(quotes, timeframe):
    clock = OwnClock(START)
    bars = PacedBars({"ACME": None}, NoHistory(), clock)
    for number, (second, cents) in enumerate(quotes):
        clock.at = START + second * NS_PER_SECOND
        while bars.next_end <= clock.at:
            bars.close_until(bars.next_end)
        bars.on_quote(Quote("ACME", Decimal(cents), Decimal(cents) + 1, clock.at, clock.at))
        shown = at_once(bars.read(BarWindow("ACME", timeframe, limit=1000)))
        prices = [Decimal(price) for _, price in quotes[: number + 1]]
        assert (shown[0].open, shown[-1].close) == (prices[0], prices[-1])
        assert (max(bar.high for bar in shown), min(bar.low for bar in shown)) == (max(prices), min(prices))


def test_recorded_bars_begin_where_they_were_recorded():
    half = 1800
    _, closed = told([(half, 100), (half + 1200, 110), (half + 3600, 120)], span=NS_PER_HOUR)
    hours = [bar for bar in closed if bar.timeframe is Timeframe.H1]
    assert [bar.at - START for bar in hours] == [half * NS_PER_SECOND, (half + 3600) * NS_PER_SECOND]


def test_a_recording_is_told_in_its_own_bars_or_the_next_longer_ones():
    assert grain_of(None).timeframe is Timeframe.M1
    assert not grain_of(None).is_recorded
    assert grain_of(NS_PER_DAY).timeframe is Timeframe.D1
    assert grain_of(NS_PER_SECOND).timeframe is Timeframe.M1
    assert grain_of(3 * NS_PER_MINUTE).timeframe is Timeframe.M15


def test_nothing_finer_than_was_recorded_can_be_read():
    bars, _ = told([(0, 100), (60, 110)], span=NS_PER_MINUTE * 5)
    assert at_once(bars.read(BarWindow("ACME", Timeframe.M1))) == []
    assert at_once(bars.read(BarWindow("ACME", Timeframe.M2))) == []
    assert len(at_once(bars.read(BarWindow("ACME", Timeframe.M10)))) == 1
    assert at_once(bars.read(BarWindow("NOPE", Timeframe.M10))) == []
