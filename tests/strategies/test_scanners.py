"""Scanners find what they look for at the bar that completes it, and say what they do not know."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.strategies.graphs import START, a_walk, bars_of, feed
from tradehall.domain.market import Bar, Timeframe
from tradehall.domain.time import NS_PER_MINUTE
from tradehall.strategies.definition import DefinitionError
from tradehall.strategies.hub import Hub
from tradehall.strategies.indicators import PATTERNS
from tradehall.strategies.scanners import (
    KNOWN_PATTERNS,
    Match,
    PatternType,
    Scan,
    bars_needed,
    matches,
    pattern_title,
    read_scan,
    scan_once,
    scan_program,
    scan_text,
)

M1 = Timeframe.M1


def a_candle(number: int, opened: str, high: str, low: str, close: str) -> Bar:
    at = START + number * NS_PER_MINUTE
    return Bar("EURUSD", M1, at, Decimal(opened), Decimal(high), Decimal(low), Decimal(close), Decimal(1))


def a_path(*corners: float, steps: int = 5) -> list[Bar]:
    """Bars along straight lines between prices, each bar one step; highs and lows a tick beyond."""
    closes = [corners[0]]
    for start, end in pairwise(corners):
        closes += [start + (end - start) * step / steps for step in range(1, steps + 1)]
    return [
        a_candle(number, f"{before:.4f}", f"{max(before, close) + 0.0001:.4f}", f"{min(before, close) - 0.0001:.4f}", f"{close:.4f}")
        for number, (before, close) in enumerate(zip([closes[0], *closes], closes, strict=False))
    ]  # fmt: skip


def mirrored(bars: list[Bar]) -> list[Bar]:
    two = Decimal(200)
    return [
        Bar(bar.symbol, M1, bar.at, two - bar.open, two - bar.low, two - bar.high, two - bar.close, bar.volume)
        for bar in bars
    ]


def found_along(scan: Scan, bars: list[Bar]) -> dict[int, list[Match]]:
    """What is found, bar by bar, as a hub tells it; by the bar's number."""
    hub, program = Hub(), scan_program(scan, "EURUSD", M1)
    hub.add(0, program, {}, 0)
    found: dict[int, list[Match]] = {}
    for number, bar in enumerate(bars):
        if feed(hub, [bar]) and (here := matches(scan, hub.looking(0))):
            found[number] = here
    return found


def test_a_candlestick_pattern_is_found_with_its_direction():
    bars = [
        *a_path(1.30, 1.20, steps=20),
        a_candle(21, "1.2000", "1.2010", "1.1940", "1.1950"),
        a_candle(22, "1.1940", "1.2050", "1.1930", "1.2040"),
    ]
    (match,) = scan_once(read_scan("candlestick", "CDLENGULFING"), "EURUSD", M1, bars)
    assert match == Match(
        "EURUSD", M1, bars[-1].at, "CDLENGULFING", "Engulfing Pattern, bullish", True, True, (("CDLENGULFING", 100.0),)
    )
    names = {match.pattern for match in scan_once(read_scan("candlestick"), "EURUSD", M1, bars)}
    assert "CDLENGULFING" in names
    assert names <= set(PATTERNS)


def test_bar_by_bar_and_at_once_a_scanner_finds_the_same():
    scan, bars = read_scan("candlestick"), a_walk(4, 80, flat=0.05)
    along = found_along(scan, bars)
    assert along
    for number in range(40, 80):
        assert along.get(number, []) == scan_once(scan, "EURUSD", M1, bars[: number + 1])


def test_a_condition_is_new_at_the_bar_at_which_it_becomes_true():
    scan = read_scan(
        "condition",
        condition={"inputs": {"avg": {"indicator": "SMA", "period": 2}}, "when": {"above": ["close", "avg"]}},
    )
    along = found_along(scan, bars_of(["1.0", "1.1", "1.2", "1.1", "1.3"]))
    assert {number: match.is_new for number, (match,) in along.items()} == {1: True, 2: False, 4: True}
    (match,) = along[1]
    assert (match.pattern, match.text, match.is_bullish) == ("condition", "the close is above SMA(2)", None)
    assert match.values == (("the close", 1.1), ("SMA(2)", 1.05))


DOUBLE_TOP = a_path(99, 100, 103, 101, 103.1, 100.2)
# A pole of ten bars, five bars that give back a quarter of it, and a bar above them.
BULL_FLAG = [*a_path(*[100 + 0.2 * (number % 2) for number in range(40)], steps=1), *[
    Bar("EURUSD", M1, START + (40 + number) * NS_PER_MINUTE, bar.open, bar.high, bar.low, bar.close, bar.volume)
    for number, bar in enumerate([*a_path(100, 103, steps=8), *a_path(102.8, 102.4, steps=4), *a_path(102.5, 103.2, steps=1)])
]]  # fmt: skip


def harmonic(ab: float, bc: float, ad: float) -> list[Bar]:
    """A bullish X A B C D of given ratios, then the turn."""
    x, a = 100.0, 110.0
    b = a - ab * (a - x)
    c = b + bc * (a - b)
    d = a - ad * (a - x)
    return a_path(108, x, a, b, c, d, d + 3, steps=12)


@pytest.mark.parametrize(("pattern_type", "pattern", "bars", "is_bullish"), [
    ("chart",    "double_top",    DOUBLE_TOP,                     False),
    ("chart",    "double_bottom", mirrored(DOUBLE_TOP),           True),
    ("chart",    "bull_flag",     BULL_FLAG,                      True),
    ("chart",    "bear_flag",     mirrored(BULL_FLAG),            False),
    ("harmonic", "gartley",       harmonic(0.618, 0.75, 0.786),   True),
    ("harmonic", "bat",           harmonic(0.45, 0.75, 0.886),    True),
    ("harmonic", "butterfly",     harmonic(0.786, 0.70, 1.27),    True),
    ("harmonic", "crab",          harmonic(0.50, 0.88, 1.618),    True),
    ("harmonic", "gartley",       mirrored(harmonic(0.618, 0.75, 0.786)), False),
])  # fmt: skip
def test_a_shape_is_found_once_at_the_bar_that_completes_it(pattern_type, pattern, bars, is_bullish):
    along = found_along(read_scan(pattern_type), bars)
    of_pattern = {number: match for number, some in along.items() for match in some if match.pattern == pattern}
    assert len(of_pattern) == 1, along
    ((number, match),) = of_pattern.items()
    assert number >= len(bars) - 12
    assert (match.is_bullish, match.is_new) == (is_bullish, True)
    assert match.at == bars[number].at
    assert match.text == f"{pattern_title(pattern)}, {'bullish' if is_bullish else 'bearish'}"
    assert all(50 < price < 150 for _, price in match.values)


@pytest.mark.parametrize(("what", "pattern", "bars"), [
    ("tops of two heights",     "double_top", a_path(99, 100, 103, 101, 105, 100.2)),
    ("no break of the neck",    "double_top", a_path(99, 100, 103, 101, 103.1, 101.4)),
    ("no rise before",          "double_top", a_path(104, 102, 103, 101, 103, 100.2)),
    ("too deep a flag",         "bull_flag",  [*BULL_FLAG[:49], *a_path(101, 100, steps=4)]),
    ("other ratios",            "gartley",    harmonic(0.45, 0.75, 0.786)),
    ("nothing moves",           "double_top", bars_of(["1.1"] * 60)),
    ("no bar",                  "double_top", []),
    ("too few bars",            "bat",        a_path(100, 101)),
])  # fmt: skip
def test_what_only_resembles_a_shape_is_none(what, pattern, bars):
    kind = next(kind for kind, names in KNOWN_PATTERNS.items() if pattern in names)
    assert found_along(read_scan(kind, pattern), bars) == {}, what


@pytest.mark.parametrize(("arguments", "path", "problem"), [
    (("candle", ""),                       "pattern_type",        "unknown pattern type 'candle'; did you mean 'candlestick'?"),
    (("candlestick", "CDLHAMER"),          "pattern",             "unknown candlestick pattern 'CDLHAMER'; did you mean 'CDLHAMMER'?"),
    (("chart", "head_and_shoulders"),      "pattern",             "unknown chart pattern 'head_and_shoulders'; known: bear_flag, bull_flag, double_bottom, double_top"),
    (("harmonic", "shark"),                "pattern",             "unknown harmonic pattern 'shark'; known: bat, butterfly, crab, gartley"),
    (("harmonic", "bat", {}),              "condition",           "a harmonic scanner has no condition"),
    (("condition", ""),                    "condition",           "is missing"),
    (("condition", "bat", {}),             "pattern",             "a condition has no pattern"),
    (("condition", "", {"when": {"above": ["close", "x"]}}), "condition.when.above[1]", "unknown input 'x'; known: close, high, hl2, hlc3, low, ohlc4, open, volume"),
])  # fmt: skip
def test_a_scanner_that_cannot_be_run_is_refused_with_the_reason(arguments: tuple[Any, ...], path: str, problem: str):
    with pytest.raises(DefinitionError) as raised:
        read_scan(*arguments)
    assert [(each.path, each.problem) for each in raised.value.problems] == [(path, problem)]


def test_a_scanner_says_what_it_looks_for_and_how_many_bars_it_wants():
    condition = {"inputs": {"avg": {"indicator": "SMA", "period": 7}}, "when": {"above": ["close", "avg"]}}
    told = [
        (scan_text(scan), bars_needed(scan, scan_program(scan, "EURUSD", M1)))
        for scan in (
            read_scan("candlestick", "CDLDOJI"),
            read_scan("chart", "bull_flag"),
            read_scan("harmonic"),
            read_scan("condition", condition=condition),
        )
    ]
    assert told == [("Doji", 12), ("Bull flag", 407), ("any harmonic pattern", 407), ("the close is above SMA(7)", 8)]
    assert KNOWN_PATTERNS.keys() == set(PatternType)
