"""Chart and harmonic patterns: a few, each defined exactly, found at the bar that completes them.

Sizes are counted in ATR(14): a swing is a move of at least 2 ATR. Ratios of harmonic patterns are those of the
literature (Gartley 1935; Carney, The Harmonic Trader), each met within 0.05, spans as given.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from tradehall.strategies.columns import Columns, Floats
from tradehall.strategies.zigzag import Swing, swings

# Closed bars that patterns are looked for in; with fewer than the ATR needs none is found.
SHAPE_BARS: Final = 300
SWING_ATRS: Final = 2.0
RATIO_SLACK: Final = 0.05
# Two tops are one height if they differ by at most this share of the height of the pattern.
LEVEL_SLACK: Final = 0.25
POLE_ATRS: Final = 4.0
POLE_BARS: Final = 10
FLAG_BARS: Final = (4, 20)
FLAG_RETRACES: Final = (0.10, 0.50)


class Shape(Struct, frozen=True):
    """A pattern that the last bar completed: its name, what it promises, its points (bar number, price)."""

    name: str
    is_bullish: bool
    points: tuple[tuple[str, int, float], ...]


class _Ratios(Struct, frozen=True):
    """Of a harmonic pattern X A B C D: bounds of AB/XA, AD/XA and CD/BC; BC/AB is 0.382 to 0.886 in all."""

    ab: tuple[float, float]
    ad: tuple[float, float]
    cd: tuple[float, float]


_HARMONIC: Final = {
    "gartley": _Ratios((0.618, 0.618), (0.786, 0.786), (1.13, 1.618)),
    "bat": _Ratios((0.382, 0.50), (0.886, 0.886), (1.618, 2.618)),
    "butterfly": _Ratios((0.786, 0.786), (1.27, 1.27), (1.618, 2.24)),
    "crab": _Ratios((0.382, 0.618), (1.618, 1.618), (2.24, 3.618)),
}


def shapes(columns: Columns, atr: Floats, names: tuple[str, ...]) -> list[Shape]:
    """The patterns of some names that the last bar completes. `atr`: ATR(14) at every bar."""
    if len(atr) < 2 or not atr[-1] > 0:
        return []
    found = [_FINDERS[name](columns, atr[-1].item(), name) for name in names]
    return [shape for shape in found if shape is not None]


def _double(columns: Columns, atr: float, name: str) -> Shape | None:
    """Two tops of one height after a rise, and a close below the low between them (bottoms: mirrored)."""
    is_top = name == "double_top"
    sign = 1 if is_top else -1
    before = swings(columns, SWING_ATRS * atr)[-5:]
    if len(before) < 5 or before[-1].is_high == is_top:
        return None
    start, first, neck, second, _ = before
    height = sign * (first.price - neck.price)
    close, last_close = columns.close[-1].item(), columns.close[-2].item()
    is_level = abs(first.price - second.price) <= LEVEL_SLACK * height
    breaks = sign * close < sign * neck.price <= sign * last_close
    if not (is_level and breaks and sign * start.price < sign * neck.price):
        return None
    points = _points(first=first, neck=neck, second=second)
    return Shape(name, not is_top, points)


def _flag(columns: Columns, atr: float, name: str) -> Shape | None:
    """A pole, a small move back, and a close beyond all of that move (bear flags: mirrored)."""
    is_bull = name == "bull_flag"
    tops = columns.high if is_bull else -columns.low
    bottoms = columns.low if is_bull else -columns.high
    closes = columns.close if is_bull else -columns.close
    last = len(closes) - 1
    start = max(POLE_BARS, last - FLAG_BARS[1])
    if last - FLAG_BARS[0] < start:
        return None
    top = start + int(tops[start:last].argmax())
    if last - top < FLAG_BARS[0]:
        return None
    foot = top - POLE_BARS + int(bottoms[top - POLE_BARS : top + 1].argmin())
    pole = (tops[top] - bottoms[foot]).item()
    retraced = (tops[top] - bottoms[top + 1 : last].min()).item()
    rim = tops[top + 1 : last].max().item()
    is_flag = pole >= POLE_ATRS * atr and FLAG_RETRACES[0] * pole <= retraced <= FLAG_RETRACES[1] * pole
    if not (is_flag and closes[last] > rim and closes[last - 1] <= rim):
        return None
    sign = 1 if is_bull else -1
    points = (
        ("foot", foot, sign * bottoms[foot].item()),
        ("top", top, sign * tops[top].item()),
        ("rim", last, sign * rim),
    )
    return Shape(name, is_bull, points)


def _harmonic(columns: Columns, atr: float, name: str) -> Shape | None:
    """X A B C D in the pattern's ratios, D just confirmed as a turning point."""
    size = SWING_ATRS * atr
    found = swings(columns, size)[-6:]
    if len(found) < 6:
        return None
    x, a, b, c, d, turn = found
    # The bar that confirms D is the last one: a bar earlier D had not been left by the size of a swing.
    if turn.number != len(columns.at) - 1 or _left_before(columns, d, size):
        return None
    ratios, xa, ab, bc = _HARMONIC[name], abs(a.price - x.price), abs(b.price - a.price), abs(c.price - b.price)
    cd, ad = abs(d.price - c.price), abs(d.price - a.price)
    fits = (
        _is_within(ab / xa, ratios.ab)
        and _is_within(bc / ab, (0.382, 0.886))
        and _is_within(cd / bc, ratios.cd)
        and _is_within(ad / xa, ratios.ad)
    )
    return Shape(name, not d.is_high, _points(X=x, A=a, B=b, C=c, D=d)) if fits else None


def _left_before(columns: Columns, turn: Swing, size: float) -> bool:
    after = slice(turn.number + 1, len(columns.at) - 1)
    moves = turn.price - columns.low[after] if turn.is_high else columns.high[after] - turn.price
    return bool((moves >= size).any())


def _is_within(ratio: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] - RATIO_SLACK <= ratio <= bounds[1] + RATIO_SLACK


def _points(**named: Swing) -> tuple[tuple[str, int, float], ...]:
    return tuple((name, swing.number, swing.price) for name, swing in named.items())


CHART_PATTERNS: Final = ("double_top", "double_bottom", "bull_flag", "bear_flag")
HARMONIC_PATTERNS: Final = tuple(_HARMONIC)
_FINDERS: Final[dict[str, Callable[[Columns, float, str], Shape | None]]] = {
    "double_top": _double,
    "double_bottom": _double,
    "bull_flag": _flag,
    "bear_flag": _flag,
    **dict.fromkeys(_HARMONIC, _harmonic),
}
assert _FINDERS.keys() == {*CHART_PATTERNS, *HARMONIC_PATTERNS}
