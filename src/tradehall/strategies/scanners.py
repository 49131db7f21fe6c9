"""Scanners: candlestick, chart and harmonic patterns, and conditions, looked for at the closed bars of many symbols.

A scanner runs as a program of the hub for each symbol of its universe: conditions and candlesticks are kept bar by
bar like those of a strategy; shapes are looked for in the bars that the hub has kept.
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeAlias

from msgspec import Struct

from tradehall.domain.market import Bar, Timeframe
from tradehall.domain.money import ZERO
from tradehall.strategies.columns import Computed
from tradehall.strategies.definition import Any as AnyOf
from tradehall.strategies.definition import (
    Comparison,
    Condition,
    Definition,
    DefinitionError,
    Input,
    InputValue,
    Not,
    Number,
    Problem,
    Relation,
    Rule,
)
from tradehall.strategies.explaining import explain
from tradehall.strategies.hub import Hub
from tradehall.strategies.indicators import INDICATORS, PATTERNS
from tradehall.strategies.looking import Looking
from tradehall.strategies.plan import IndicatorSeries
from tradehall.strategies.program import Program
from tradehall.strategies.reading import parse_condition
from tradehall.strategies.reading.spot import unknown
from tradehall.strategies.shapes import CHART_PATTERNS, HARMONIC_PATTERNS, SHAPE_BARS, Shape, shapes
from tradehall.strategies.text import condition_text, inputs_of
from tradehall.strategies.tracks import DEPTH
from tradehall.strategies.verdicts import Explanation, Verdict

assert SHAPE_BARS <= DEPTH


class PatternType(StrEnum):
    """What a scanner looks for."""

    CANDLESTICK = "candlestick"
    CHART = "chart"
    HARMONIC = "harmonic"
    CONDITION = "condition"


# The patterns of each type, by the names a scanner may ask for; "" asks for any of them.
KNOWN_PATTERNS: Final[Mapping[PatternType, tuple[str, ...]]] = {
    PatternType.CANDLESTICK: PATTERNS,
    PatternType.CHART: CHART_PATTERNS,
    PatternType.HARMONIC: HARMONIC_PATTERNS,
    PatternType.CONDITION: (),
}
assert KNOWN_PATTERNS.keys() == set(PatternType)


class Scan(Struct, frozen=True):
    """What a scanner looks for, read: names of patterns, or a condition and its inputs."""

    pattern_type: PatternType
    patterns: tuple[str, ...]
    inputs: tuple[Input, ...] = ()
    condition: Condition | None = None


_Values: TypeAlias = tuple[tuple[str, float], ...]


class Match(Struct, frozen=True):
    """Found at a bar: `at` [ns UTC] its start. `is_bullish` None: it says nothing of the direction.

    `is_new`: it was not there a bar before. `values`: what was looked at, by name.
    """

    symbol: str
    timeframe: Timeframe
    at: int
    pattern: str
    text: str
    is_bullish: bool | None
    is_new: bool
    values: _Values = ()


def read_scan(pattern_type: str, pattern: str = "", condition: Any = None) -> Scan:
    """A scanner from what a door was given. DefinitionError with the path of the field that is wrong."""
    try:
        kind = PatternType(pattern_type)
    except ValueError:
        raise _wrong(
            "pattern_type", unknown("pattern type", pattern_type, [kind.value for kind in PatternType])
        ) from None
    if kind is PatternType.CONDITION:
        if pattern:
            raise _wrong("pattern", "a condition has no pattern")
        return _with_condition(condition)
    if condition is not None:
        raise _wrong("condition", f"a {kind} scanner has no condition")
    names = KNOWN_PATTERNS[kind]
    if pattern and pattern not in names:
        raise _wrong("pattern", unknown(f"{kind} pattern", pattern, names))
    return Scan(kind, (pattern,) if pattern else names)


def scan_text(scan: Scan) -> str:
    """What is looked for, in plain words."""
    if scan.condition is not None:
        return condition_text(scan.condition, inputs_of(scan.inputs))
    if scan.patterns == KNOWN_PATTERNS[scan.pattern_type]:
        return f"any {scan.pattern_type} pattern"
    return " or ".join(map(pattern_title, scan.patterns))


def pattern_title(pattern: str) -> str:
    """A pattern's name for people."""
    return INDICATORS[pattern].title if pattern in INDICATORS else pattern.replace("_", " ").capitalize()


def scan_program(scan: Scan, symbol: str, timeframe: Timeframe) -> Program:
    """The program that a hub runs for one symbol of the universe."""
    if scan.condition is not None:
        return Program(Definition(scan.inputs, (Rule(scan.condition, ()),)), symbol, timeframe)
    # Shapes are measured in ATR.
    names = scan.patterns if scan.pattern_type is PatternType.CANDLESTICK else ("ATR",)
    inputs = tuple(Input(name, name, (), INDICATORS[name].defaults()) for name in names)
    seen = tuple(Not(Comparison(Relation.EQUALS, InputValue(name), Number(ZERO))) for name in names)
    return Program(Definition(inputs, (Rule(AnyOf(seen), ()),)), symbol, timeframe)


def bars_needed(scan: Scan, program: Program) -> int:
    """Closed bars to begin with."""
    is_shape = scan.pattern_type in (PatternType.CHART, PatternType.HARMONIC)
    return max(program.bars_needed()[program.clock], SHAPE_BARS if is_shape else 0)


def matches(scan: Scan, looking: Looking) -> list[Match]:
    """What is found at the newest bar that was looked at."""
    if looking.track.head < 0:
        return []
    if scan.condition is not None:
        return _condition_matches(looking)
    if scan.pattern_type is PatternType.CANDLESTICK:
        return _candlestick_matches(scan, looking)
    return _shape_matches(scan, looking)


def scan_once(scan: Scan, symbol: str, timeframe: Timeframe, bars: Sequence[Bar]) -> list[Match]:
    """What is found at the last of some bars, oldest first, without a hub of one's own."""
    hub, program = Hub(), scan_program(scan, symbol, timeframe)
    hub.add(0, program, {program.clock: bars}, 0)
    return matches(scan, hub.looking(0))


def _with_condition(raw: Any) -> Scan:
    if raw is None:
        raise _wrong("condition", "is missing")
    try:
        inputs, condition = parse_condition(raw)
    except DefinitionError as error:
        below = [Problem(f"condition.{each.path}".rstrip("."), each.problem) for each in error.problems]
        raise DefinitionError(tuple(below)) from None
    return Scan(PatternType.CONDITION, (), inputs, condition)


def _wrong(path: str, problem: str) -> DefinitionError:
    return DefinitionError((Problem(path, problem),))


def _condition_matches(looking: Looking) -> list[Match]:
    rule = looking.program.definition.rules[0]
    assert rule.when is not None
    test = looking.past(0).test(rule.when)
    if test(0) is not Verdict.MET:
        return []
    explanation = explain(looking)[0]
    assert explanation is not None
    is_new = test(1) is not Verdict.MET
    values = tuple(dict.fromkeys(_values(explanation)))
    return [_match(looking, "condition", explanation.text, None, is_new=is_new, values=values)]


def _candlestick_matches(scan: Scan, looking: Looking) -> list[Match]:
    found: list[Match] = []
    here = looking.past(0)
    for name in scan.patterns:
        value = here.value(InputValue(name))(0)
        if value and not math.isnan(value):
            text = f"{pattern_title(name)}, {'bullish' if value > 0 else 'bearish'}"
            found.append(_match(looking, name, text, value > 0, is_new=True, values=((name, value),)))
    return found


def _shape_matches(scan: Scan, looking: Looking) -> list[Match]:
    columns = looking.track.past(()).last(SHAPE_BARS + looking.behind).without_last(looking.behind)
    series = looking.program.series[0]
    assert isinstance(series, IndicatorSeries)
    atr = Computed({looking.program.clock: columns}).of(series)
    return [
        _match(looking, shape.name, _shape_text(shape), shape.is_bullish, is_new=True, values=_shape_values(shape))
        for shape in shapes(columns, atr, scan.patterns)
    ]


def _match(
    looking: Looking,
    pattern: str,
    text: str,
    is_bullish: bool | None,
    *,
    is_new: bool,
    values: _Values,
) -> Match:
    clock = looking.program.clock
    at = looking.track.close_of(looking.behind) - clock.span
    return Match(clock.symbol, clock.timeframe, at, pattern, text, is_bullish, is_new, values)


def _shape_text(shape: Shape) -> str:
    return f"{pattern_title(shape.name)}, {'bullish' if shape.is_bullish else 'bearish'}"


def _shape_values(shape: Shape) -> _Values:
    return tuple((name, price) for name, _, price in shape.points)


def _values(explanation: Explanation) -> list[tuple[str, float]]:
    own = [(shown.text, shown.value) for shown in explanation.values if shown.value is not None]
    return [*own, *(pair for part in explanation.parts for pair in _values(part))]
