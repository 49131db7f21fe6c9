"""Bar by bar and ahead of time, a program signals the same, to the last bit."""

import math
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import example, given
from hypothesis import strategies as st

from tests.strategies.graphs import CROSS, a_bar, a_program, a_walk, always, bars_of, definitions, feed, longer
from tradehall.domain.market import Bar, Timeframe
from tradehall.strategies.ahead import SignalsAhead, signals_ahead
from tradehall.strategies.columns import columns_of
from tradehall.strategies.hub import Hub
from tradehall.strategies.indicators import INDICATORS
from tradehall.strategies.plan import Clock
from tradehall.strategies.program import Program, Signals
from tradehall.strategies.verdicts import Verdict

UNMET, UNKNOWN, MET = Verdict.UNMET, Verdict.UNKNOWN, Verdict.MET


def all_bars(program: Program, bars: list[Bar]) -> dict[Clock, list[Bar]]:
    """Bars of every clock of a program; of longer timeframes those that are over."""
    found: dict[Clock, list[Bar]] = {}
    for clock in program.clocks:
        minutes = [bar for bar in bars if bar.symbol == clock.symbol]
        found[clock] = minutes if clock.timeframe is Timeframe.M1 else longer(minutes, clock.timeframe)[:-1]
    return found


def ahead(program: Program, bars: list[Bar]) -> SignalsAhead:
    return signals_ahead(program, {clock: columns_of(some) for clock, some in all_bars(program, bars).items()})


def live(program: Program, bars: list[Bar], *, seen_before: int = 0) -> list[Signals]:
    """What a hub tells of the bars after the first so many minutes, which it was given as history."""
    hub, by_clock = Hub(), all_bars(program, bars)
    past = {clock: [bar for bar in some if bar.at + clock.span <= seen_before] for clock, some in by_clock.items()}
    hub.add(1, program, past, seen_before)
    rest = [bar for clock, some in by_clock.items() for bar in some if bar.at + clock.span > seen_before]
    return [look.signals for look in feed(hub, rest)]


def same(left: Signals, right: Signals) -> bool:
    levels = zip(left.levels, right.levels, strict=True)
    return (left.at, left.verdicts) == (right.at, right.verdicts) and all(
        one == other or (math.isnan(one) and math.isnan(other)) for one, other in levels
    )


@given(raw=definitions(), seed=st.integers(0, 10_000), gaps=st.sampled_from([0.0, 0.2]), begun=st.integers(0, 130))
@example(raw=CROSS, seed=3, gaps=0.1, begun=60)
def test_bar_by_bar_and_ahead_of_time_the_signals_are_equal(raw: dict[str, Any], seed: int, gaps: float, begun: int):
    program = a_program(raw)
    bars = a_walk(seed, 140, gaps=gaps) + a_walk(seed + 1, 140, symbol="GBPUSD", gaps=2 * gaps)
    expected = ahead(program, bars)
    start = a_bar("1").at + begun * 60_000_000_000
    told = live(program, bars, seen_before=start)
    numbers = [number for number, close in enumerate(expected.closes) if close > start]
    assert [signals.at for signals in told] == [expected.closes[number] for number in numbers]
    for number, signals in zip(numbers, told, strict=True):
        assert same(expected.at_bar(number), signals), f"bar {number}: {expected.at_bar(number)} and {signals}"


@pytest.mark.parametrize("name", INDICATORS)
def test_an_indicator_bar_by_bar_is_what_talib_says_of_the_whole_history(name: str):
    indicator = INDICATORS[name]
    output = f"x.{indicator.outputs[0]}" if indicator.outputs[0] else "x"
    raw = {"inputs": {"x": {"indicator": name}}, **always({"open": "long", "stop_loss": {"price": output}})}
    program, bars = a_program(raw), a_walk(7, 400)
    columns = columns_of(bars)
    inputs = [columns.price(field) for field in (*indicator.of, *indicator.fields)]
    whole = getattr(talib, name)(*inputs)
    expected = np.asarray(whole[0] if isinstance(whole, tuple) else whole, dtype=np.float64)
    expected[~np.isfinite(expected)] = np.nan
    told = np.array([signals.levels[0] for signals in live(program, bars)])
    known = ~np.isnan(told)
    assert known.any()
    assert np.array_equal(told[known], expected[known])
    # What is unknown is so in TA-Lib, or is the 0 it writes where a pattern cannot be known yet.
    assert np.all(np.isnan(expected[~known]) | (expected[~known] == 0))


@pytest.mark.parametrize(("what", "condition", "closes", "expected"), [
    # what is looked at             the condition                                         closes                             bar by bar
    ("above, not equal",            {"above": ["close", "1.1"]},                          "1.1 1.1001 1.0999",               [UNMET, MET, UNMET]),
    ("below",                       {"below": ["close", "1.1"]},                          "1.1 1.1001 1.0999",               [UNMET, UNMET, MET]),
    ("equals, whatever the digits", {"equals": ["close", "1.10000"]},                     "1.1 1.1001",                      [MET, UNMET]),
    ("a first bar crosses nothing", {"crosses_above": ["close", "1.1"]},                  "1.2 1.3",                         [UNKNOWN, UNMET]),
    ("below at first: unmet",       {"crosses_above": ["close", "1.1"]},                  "1.0 1.2 1.3",                     [UNMET, MET, UNMET]),
    ("touching, then above",        {"crosses_above": ["close", "1.1"]},                  "1.0 1.1 1.2",                     [UNMET, UNMET, MET]),
    ("crosses below",               {"crosses_below": ["close", "1.1"]},                  "1.2 1.1 1.0 0.9",                 [UNMET, UNMET, MET, UNMET]),
    ("rises by an amount",          {"rises_by": ["close", "0.1"]},                       "1.0 1.1 1.15",                    [UNKNOWN, MET, UNMET]),
    ("falls by percent in two",     {"falls_by": ["close", {"percent": "10"}, {"bars": 2}]}, "1.0 0.95 0.9 0.9",             [UNKNOWN, UNKNOWN, MET, UNMET]),
    ("before",                      {"above": ["close", {"prev": ["close", 1]}]},         "1.0 1.1 1.1",                     [UNKNOWN, MET, UNMET]),
    ("before before",               {"above": ["close", {"prev": [{"prev": ["close", 1]}, 1]}]}, "1.0 1.1 1.1",              [UNKNOWN, UNKNOWN, MET]),
    ("not",                         {"not": {"above": ["close", "1.1"]}},                 "1.0 1.2",                         [MET, UNMET]),
    ("not of unknown",              {"not": {"above": ["close", {"prev": ["close", 1]}]}}, "1.0 1.0",                        [UNKNOWN, MET]),
    ("all: one unmet is enough",    {"all": [{"above": ["close", {"prev": ["close", 5]}]}, {"above": ["close", "2"]}]}, "1.0", [UNMET]),
    ("all: met and unknown",        {"all": [{"above": ["close", {"prev": ["close", 5]}]}, {"above": ["close", "0"]}]}, "1.0", [UNKNOWN]),
    ("any: one met is enough",      {"any": [{"above": ["close", {"prev": ["close", 5]}]}, {"above": ["close", "0"]}]}, "1.0", [MET]),
    ("within remembers",            {"within": [{"above": ["close", "1.1"]}, {"bars": 3}]}, "1.2 1.0 1.0 1.0",               [MET, MET, MET, UNMET]),
    ("within begins unknown",       {"within": [{"above": ["close", "1.1"]}, {"bars": 2}]}, "1.0 1.0",                       [UNKNOWN, UNMET]),
])  # fmt: skip
def test_a_condition_bar_by_bar(what: str, condition: Any, closes: str, expected: list[Verdict]):
    program = a_program({"rules": [{"when": condition, "do": [{"open": "long"}]}]})
    bars = bars_of(closes.split())
    assert [signals.verdicts[0] for signals in live(program, bars)] == expected, what
    assert [Verdict(int(verdict)) for verdict in ahead(program, bars).verdicts[0]] == expected, what


def test_two_averages_of_a_price_that_stands_still_never_cross():
    raw = {
        "inputs": {"fast": {"indicator": "SMA", "period": 3}, "slow": {"indicator": "SMA", "period": 7}},
        "rules": [
            {"when": {"any": [{"crosses_above": ["fast", "slow"]}, {"crosses_below": ["fast", "slow"]}]},
             "do": [{"open": "long"}]},
        ],
    }  # fmt: skip
    bars = bars_of(["1.1", "1.3", "0.7", "1.9"] * 5 + ["1.1"] * 60)
    verdicts = [signals.verdicts[0] for signals in live(a_program(raw), bars)]
    assert set(verdicts[30:]) == {UNMET}
    # The bare sums differ there: without slack they would have crossed.
    columns = columns_of(bars)
    assert np.any(talib.SMA(columns.close, 3)[30:] != talib.SMA(columns.close, 7)[30:])


def test_a_program_that_began_later_signals_the_same_once_it_has_the_bars_it_asks_for():
    program, bars = a_program(CROSS), a_walk(11, 2200)
    (needed,) = program.bars_needed().values()
    whole, later = live(program, bars), live(program, bars[-needed - 200 :])
    assert [signals.verdicts for signals in later[needed:]] == [signals.verdicts for signals in whole[-200:]]
    for one, other in zip(later[needed:], whole[-200:], strict=True):
        assert one.levels == pytest.approx(other.levels, rel=1e-9)


def test_another_symbol_is_seen_as_it_was_when_the_bar_closed():
    raw = {
        "inputs": {"other": {"of": "close", "symbol": "GBPUSD"}},
        **always({"open": "long", "stop_loss": {"price": "other"}}),
    }
    theirs = [a_bar("2.0", 0, symbol="GBPUSD"), a_bar("2.3", 3, symbol="GBPUSD")]
    bars = bars_of(["1.1"] * 5) + theirs
    expected = [2.0, 2.0, 2.0, 2.3, 2.3]
    assert [signals.levels[0] for signals in live(a_program(raw), bars)] == expected
    assert ahead(a_program(raw), bars).levels[0].tolist() == expected


def test_a_longer_timeframe_is_seen_once_its_bar_is_over():
    raw = {
        "inputs": {"slow": {"of": "close", "timeframe": "5m"}},
        **always({"open": "long", "stop_loss": {"price": "slow"}}),
    }
    bars = bars_of(["1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "2.0", "2.1"])
    levels = [signals.levels[0] for signals in live(a_program(raw), bars)]
    assert [None if math.isnan(level) else level for level in levels] == [None] * 4 + [1.5] * 5 + [2.0] * 2
