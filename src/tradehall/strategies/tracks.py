"""The closed bars of one clock as they come, and the indicators over them: each kept by TA-Lib's own stream.

A stream is a true incremental state: it gives, bar by bar and to the last bit, what one call over the whole
history gives. What is kept of the past is a ring of the last `DEPTH` values of each series.
"""

import math
from array import array
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tradehall.domain.market import Bar
from tradehall.strategies.columns import NAN, Columns, Computed, Floats, columns_of, compute, prices_of
from tradehall.strategies.definition import BARS_AGO_MAX, PriceField
from tradehall.strategies.indicators import INDICATORS, lookback, stream, talib, talib_arguments
from tradehall.strategies.plan import Call, Clock, PriceSeries, Series

# Values kept of each series; a power of two.
DEPTH: Final = 1024
MASK: Final = DEPTH - 1
# Of so many past bars one can still tell what a program signalled, however far back its conditions look.
LOOKS_KEPT: Final = DEPTH - BARS_AGO_MAX - 1

_FIELDS: Final = tuple(PriceField)
_STORED: Final = (PriceField.OPEN, PriceField.HIGH, PriceField.LOW, PriceField.CLOSE, PriceField.VOLUME)


def new_ring() -> "array[float]":
    """A ring of values of which none is known."""
    return array("d", [math.nan]) * DEPTH


def fill(ring: "array[float]", values: Floats, head: int) -> None:
    """Put the last values of a series into a ring; the newest belongs to bar number `head`."""
    known = values[-DEPTH:]
    places = np.arange(head - len(known) + 1, head + 1) & MASK
    np.frombuffer(ring, dtype=np.float64)[places] = known


class _Node:
    """One indicator: its stream, once there are bars enough to begin with, and rings of its outputs."""

    __slots__ = ("_collected", "_fewest", "_stream", "call", "rings", "sources")

    def __init__(self, call: Call, sources: "list[array[float]]") -> None:
        self.call = call
        self.sources = sources
        self.rings = [new_ring() for _ in INDICATORS[call.indicator].outputs]
        warming_up = lookback(call.indicator, call.parameters)
        assert warming_up is not None
        self._fewest = warming_up + 1
        self._collected: list[tuple[float, ...]] = []
        self._stream: Any = None

    def begin(self, computed: Computed, head: int) -> None:
        """Take the past; the rings then show it."""
        for ring, values in zip(self.rings, computed.outputs(self.call), strict=True):
            fill(ring, values, head)
        rows = np.column_stack(computed.sources(self.call))
        rows = rows[np.isfinite(rows).all(axis=1)]
        self._stream = self._opened(rows) if len(rows) >= self._fewest else None
        if self._stream is None:
            self._collected = [tuple(row) for row in rows.tolist()]

    def step(self, slot: int) -> None:
        """Take the bar whose values stand in a slot of the sources' rings, and put its own into the same slot."""
        row = tuple([ring[slot] for ring in self.sources])
        found: Any = None
        if all(map(math.isfinite, row)):
            found = self._next(row)
        if found is None:
            for ring in self.rings:
                ring[slot] = NAN
        elif isinstance(found, tuple):
            for ring, value in zip(self.rings, found, strict=True):
                ring[slot] = value if math.isfinite(value) else NAN
        else:
            self.rings[0][slot] = found if math.isfinite(found) else NAN

    def _next(self, row: tuple[float, ...]) -> Any:
        if self._stream is not None:
            return self._stream.update(*row)
        self._collected.append(row)
        if len(self._collected) < self._fewest:
            return None
        rows = np.array(self._collected, dtype=np.float64)
        opened = self._opened(rows)
        if opened is not None:
            self._stream, self._collected = opened, []
            return opened.value
        return tuple(values[-1].item() for values in compute(self.call, list(rows.T.copy())))

    def _opened(self, rows: Floats) -> Any:
        """A stream begun with these rows; None: it needs more of them than a first value does."""
        columns = [np.ascontiguousarray(rows[:, column]) for column in range(rows.shape[1])]
        try:
            return getattr(stream, self.call.indicator)(*columns, **talib_arguments(self.call.parameters))
        except talib.InsufficientHistory:
            return None


class Track:
    """All that is known of one clock. `head`: number of its newest bar, -1 before the first."""

    def __init__(self, clock: Clock, history: Sequence[Bar]) -> None:
        self.clock = clock
        self.head = -1
        self.last_close = 0
        self._starts = array("q", [0]) * DEPTH
        self._prices = {field: new_ring() for field in _FIELDS}
        self._nodes: dict[Call, _Node] = {}
        if history:
            self._begin(columns_of(history))

    def ring(self, series: Series) -> "array[float]":
        """The last values of a series that was added."""
        if isinstance(series, PriceSeries):
            return self._prices[series.field]
        return self._nodes[series.call].rings[series.output]

    def add(self, series: Series, computed: Computed) -> None:
        """Keep a series from now on; `computed` has it over the past, up to the newest bar."""
        if isinstance(series, PriceSeries) or series.call in self._nodes:
            return
        for source in series.call.sources:
            self.add(source, computed)
        node = _Node(series.call, [self.ring(source) for source in series.call.sources])
        if self.head >= 0:
            node.begin(computed, self.head)
        self._nodes[series.call] = node

    def forget(self, call: Call) -> None:
        """Keep an indicator no longer; nothing that stays may be made of it."""
        del self._nodes[call]

    def on_bar(self, bar: Bar) -> bool:
        """Take the next closed bar; False if it is none: one that was seen, or one from before the newest."""
        if bar.at + self.clock.span <= self.last_close:
            return False
        self.head += 1
        slot = self.head & MASK
        self.last_close = bar.at + self.clock.span
        self._starts[slot] = bar.at
        for ring, price in zip(self._prices.values(), prices_of(bar), strict=True):
            ring[slot] = price
        for node in self._nodes.values():
            node.step(slot)
        return True

    def close_of(self, ago: int) -> int:
        """When the bar `ago` bars before the newest was over [ns UTC]; 0 if it is not kept."""
        if ago > self.head or ago >= DEPTH:
            return 0
        return self._starts[(self.head - ago) & MASK] + self.clock.span

    def slot_at(self, instant: int) -> int | None:
        """The slot of the newest bar that was over at an instant [ns UTC]; None: none that is kept."""
        for ago in range(min(self.head + 1, DEPTH)):
            slot = (self.head - ago) & MASK
            if self._starts[slot] + self.clock.span <= instant:
                return slot
        return None

    def past(self, history: Sequence[Bar]) -> Columns:
        """Columns up to the newest bar: the ring's own, and before them those of `history`."""
        kept = min(self.head + 1, DEPTH)
        slots = np.arange(self.head - kept + 1, self.head + 1) & MASK
        starts = np.frombuffer(self._starts, dtype=np.int64)[slots]
        own = [np.frombuffer(self._prices[field], dtype=np.float64)[slots] for field in _STORED]
        before = columns_of([bar for bar in history if not kept or bar.at < starts[0]])
        earlier = (before.open, before.high, before.low, before.close, before.volume)
        joined = [np.concatenate(pair) for pair in zip(earlier, own, strict=True)]
        return Columns(np.concatenate([before.at, starts]), *joined)

    def _begin(self, columns: Columns) -> None:
        self.head = len(columns.at) - 1
        self.last_close = int(columns.at[-1]) + self.clock.span
        kept = columns.at[-DEPTH:]
        np.frombuffer(self._starts, dtype=np.int64)[np.arange(self.head - len(kept) + 1, self.head + 1) & MASK] = kept
        for field, ring in self._prices.items():
            fill(ring, columns.price(field), self.head)
