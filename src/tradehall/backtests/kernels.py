"""The index: lowest and highest figures by blocks of prices, and the search for the first that reaches a level.

Prices are int64 ticks here, signed so that every question reads "is it at or below the level?": the four
figures of a unit (a quote or a bar) are its lowest ask, minus its highest ask, its lowest bid, minus its
highest bid. numba compiles both functions; it is optional, and where it is missing nothing is searched.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

njit: Any = None
with suppress(ImportError):  # Where the extra `fast` was not installed, every price is visited.
    from numba import njit

BLOCK: Final = 256
FIGURES: Final = 4
# Below and above every price: nobody waits there.
NEVER: Final = -(2**62)
ALWAYS: Final = 2**62

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CAN_SEARCH: Final = njit is not None


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    if njit is None:
        return function
    try:
        compiled: Callable[..., Any] = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # Nowhere to keep what was compiled: it is compiled anew in each process.
        compiled = njit(nogil=True)(function)
    return compiled


@_compiled
def fill_index(
    bid_low: Floats, bid_high: Floats, ask_low: Floats, ask_high: Floats, scale: float, figures: Ints, lowest: Ints
) -> int:
    """Fill `figures` (units × 4) and `lowest` (blocks × 4) from prices; how many prices lie off the grid of 1 ÷ scale.

    Off the grid they are rounded: whoever searches must widen the levels by a tick.
    """
    off = 0
    for unit in range(bid_low.size):
        block = unit // BLOCK
        for figure in range(FIGURES):
            if figure == 0:
                price = ask_low[unit]
            elif figure == 1:
                price = ask_high[unit]
            elif figure == 2:
                price = bid_low[unit]
            else:
                price = bid_high[unit]
            ticks = np.int64(np.rint(price * scale))
            if ticks / scale != price:
                off += 1
            if figure % 2:
                ticks = -ticks
            figures[unit, figure] = ticks
            if unit % BLOCK == 0 or ticks < lowest[block, figure]:
                lowest[block, figure] = ticks
    return off


@_compiled
def first_reached(
    figures: Ints, lowest: Ints, start: int, ask_low: int, ask_high: int, bid_low: int, bid_high: int
) -> int:
    """First unit from `start` on that has a figure at or below its level (signed); their number if there is none."""
    count = figures.shape[0]
    unit = start
    while unit < count:
        block = unit // BLOCK
        end = min(count, (block + 1) * BLOCK)
        if (
            lowest[block, 0] <= ask_low
            or lowest[block, 1] <= ask_high
            or lowest[block, 2] <= bid_low
            or lowest[block, 3] <= bid_high
        ):
            while unit < end:
                if (
                    figures[unit, 0] <= ask_low
                    or figures[unit, 1] <= ask_high
                    or figures[unit, 2] <= bid_low
                    or figures[unit, 3] <= bid_high
                ):
                    return int(unit)
                unit += 1
        unit = end
    return int(count)
