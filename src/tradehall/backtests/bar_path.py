"""The path of a bar: in which order its four prices are told, and when. One rule for replays and for backtests.

Open, then of high and low the one nearer to the open, the other, and the close; at 0, 1/3 and 2/3 of the bar and
a microsecond before its end.
"""

from typing import Final, TypeVar

from tradehall.domain.time import NS_PER_US

P = TypeVar("P", int, float)

POINTS: Final = 4


def offsets(span_ns: int) -> tuple[int, int, int, int]:
    """When the four prices of a bar of `span_ns` are told, counted from its start [ns]."""
    return 0, span_ns // 3, 2 * span_ns // 3, span_ns - min(NS_PER_US, span_ns // 6)


def is_high_first(opened: P, high: P, low: P) -> bool:
    """Whether the high is nearer to the open than the low; as near, the low comes first."""
    return high - opened < opened - low


def path(opened: P, high: P, low: P, close: P, *, high_first: bool | None = None) -> tuple[P, P, P, P]:
    """The four prices in the order in which they are told; `high_first` None: as the prices themselves say."""
    if is_high_first(opened, high, low) if high_first is None else high_first:
        return opened, high, low, close
    return opened, low, high, close
