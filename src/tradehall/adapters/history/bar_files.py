"""Bars out of files, put together to the timeframe that is asked for."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from tradehall.adapters.history.arrow import pa, pc
from tradehall.adapters.history.schema import BAR_PRICES, TIME, Kind
from tradehall.adapters.history.sources import Source
from tradehall.adapters.history.values import Decimals
from tradehall.domain.market import TIMEFRAME_NS, Bar, bar_start
from tradehall.domain.money import ZERO
from tradehall.ports.feed import FeedError
from tradehall.ports.history import Ahead, BarWindow, Steps

_log: Final = logging.getLogger(__name__)

_LONG_AGO: Final = -(1 << 61)
# Floats of volumes are summed: what is beyond the eighth decimal is the error of the sum.
VOLUME_STEP: Final = Decimal("1E-8")
# As many sums become Python's values in one step.
PARTS_PER_STEP: Final = 512

# Columns that stand for open, high, low and close: in the house a bar is one of bids.
_BID_COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.BARS: BAR_PRICES,
    Kind.QUOTE_BARS: tuple(f"bid_{price}" for price in BAR_PRICES),
    Kind.QUOTES: ("bid",) * 4,
}


class _Part(NamedTuple):
    """A bar, or a part of one, in floats."""

    at: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class FileHistory:
    """Bars, quote bars (their bids) and quotes (bids) of files, by the symbol of the house.

    A read uses the longest bars that divide its timeframe; where these have nothing, the next shorter ones.
    """

    reaches_now = False

    def __init__(self, sources: Mapping[str, Sequence[Source]]) -> None:
        self._sources = {
            symbol: sorted((one for one in of_symbol if one.label.kind in _BID_COLUMNS), key=lambda one: one.first_at)
            for symbol, of_symbol in sources.items()
        }

    def read(self, window: BarWindow, *, before: int) -> Steps[list[Bar]]:
        """See BarHistory.read."""
        if window.end is not None:
            before = min(before, bar_start(window.end, window.timeframe) + TIMEFRAME_NS[window.timeframe])
        sources = self._sources.get(window.symbol, ())
        for span in _spans(sources, TIMEFRAME_NS[window.timeframe]):
            chosen = [one for one in sources if (one.label.span_ns or 0) == span and one.first_at < before]
            if bars := (yield from _read(chosen, window, before - span + (1 if span else 0))):
                return bars
        return []


def _spans(sources: Iterable[Source], length: int) -> list[int]:
    """Spans that divide `length`, longest first; 0 are quotes."""
    spans = {one.label.span_ns or 0 for one in sources}
    return sorted((span for span in spans if span == 0 or length % span == 0), reverse=True)


def _read(sources: Sequence[Source], window: BarWindow, before: int) -> Steps[list[Bar]]:
    """Bars of the window from rows with start <= at < `before`."""
    if not sources or (window.start is not None and window.start >= before):
        return []
    tables, prices = (yield from _tables(sources, window, before)), _decimals(sources[0])
    bars = deque[Bar](maxlen=window.limit if window.start is None else None)
    for part in _joined(_listed(tables)):
        if isinstance(part, Ahead):
            yield part
        elif window.holds(part.at):
            bars.append(_bar(window, part, prices))
            yield Ahead.SHORT
    return list(bars)[: window.limit]


def _decimals(source: Source) -> Decimals:
    return Decimals(max(0, -int(source.tick_size.normalize().as_tuple().exponent)))


def _tables(sources: Sequence[Source], window: BarWindow, before: int) -> Steps[Sequence[Any]]:
    """Sums that hold the bars of the window; most of a long file is summed and let go again."""
    kept, rows = deque[Any](), 0
    for sums in _summed(sources, window, before):
        if isinstance(sums, Ahead):
            yield sums
            continue
        kept.append(sums)
        rows += sums.num_rows
        # Two tables may share a bar, and one bar may lie outside of the window.
        if window.start is None:
            while rows - kept[0].num_rows > window.limit + len(kept):
                rows -= kept.popleft().num_rows
        elif rows > window.limit + len(kept):
            break
    return kept


def _summed(sources: Sequence[Source], window: BarWindow, before: int) -> Iterator[Any]:
    """Sums of each batch, and what comes next between them: the sums are Arrow's, so a long file is cheap to read."""
    length, start = TIMEFRAME_NS[window.timeframe], window.start
    origin = bar_start(0, window.timeframe)
    told_until = _LONG_AGO if start is None else max(_LONG_AGO, start - 1)
    for source in sources:
        newest = told_until
        yield Ahead.FILE
        for batch in _batches(source):
            times = batch.column(TIME)
            bounds = pc.min_max(times)
            first, last = bounds["min"].as_py(), bounds["max"].as_py()
            if first is not None and last > told_until:
                if first >= before:
                    break
                rows = _columns(batch, source.label.kind)
                keep = pc.and_(pc.less(times, before), pc.greater(times, told_until))
                yield _sums(rows.filter(pc.and_(keep, _usable(rows))), origin, length)
                newest = max(newest, min(last, before - 1))
            yield Ahead.FILE
        # Where two files overlap, the one that began first is told.
        told_until = newest


def _batches(source: Source) -> Iterator[Any]:
    try:
        yield from source.table.batches()
    except FeedError as error:
        # It was whole when we began: what can be read of it is history.
        _log.error("history=files what=%r next=%r", str(error), "ends here")


def _columns(batch: Any, kind: Kind) -> Any:
    names = _BID_COLUMNS[kind]
    columns = {name: batch.column(own) for name, own in zip(BAR_PRICES, names, strict=True)}
    has_volume = kind is Kind.BARS and "volume" in batch.schema.names
    volumes = batch.column("volume") if has_volume else pa.nulls(batch.num_rows, pa.float64())
    columns["volume"] = pc.if_else(pc.fill_null(pc.is_finite(volumes), False), volumes, 0.0)
    columns[TIME] = batch.column(TIME)
    return pa.Table.from_pydict(columns)


def _usable(rows: Any) -> Any:
    """Rows with four prices that are positive numbers."""
    usable = True
    for name in BAR_PRICES:
        is_price = pc.and_(pc.is_finite(rows[name]), pc.greater(rows[name], 0.0))
        usable = pc.and_(usable, pc.fill_null(is_price, False))
    return usable


def _sums(rows: Any, origin: int, length: int) -> Any:
    """A row for each bar that `rows` have a part of, oldest first."""
    # Arrow divides towards zero: counted from far enough back, no bar lies before it.
    origin -= (1 << 61) // length * length
    number = pc.divide(pc.subtract(rows[TIME], origin), length)
    buckets = rows.append_column("bucket", pc.add(pc.multiply(number, length), origin))
    # Rows are taken in order (without threads), but groups come out in any.
    return (
        buckets.group_by("bucket", use_threads=False)
        .aggregate([("open", "first"), ("high", "max"), ("low", "min"), ("close", "last"), ("volume", "sum")])
        .sort_by("bucket")
    )


def _listed(tables: Iterable[Any]) -> Iterator[_Part | Ahead]:
    names = ("bucket", "open_first", "high_max", "low_min", "close_last", "volume_sum")
    for sums in tables:
        for first in range(0, sums.num_rows, PARTS_PER_STEP):
            some = sums.slice(first, PARTS_PER_STEP)
            for part in zip(*(some[name].to_pylist() for name in names), strict=True):
                yield _Part._make(part)
            yield Ahead.SHORT


def _joined(parts: Iterable[_Part | Ahead]) -> Iterator[_Part | Ahead]:
    """Parts of one bar from two batches made one."""
    held: _Part | None = None
    for part in parts:
        if isinstance(part, Ahead):
            yield part
            continue
        if held is None or part.at != held.at:
            if held is not None:
                yield held
            held = part
            continue
        high, low = max(held.high, part.high), min(held.low, part.low)
        held = _Part(held.at, held.open, high, low, part.close, held.volume + part.volume)
    if held is not None:
        yield held


def _bar(window: BarWindow, part: _Part, prices: Decimals) -> Bar:
    return Bar(
        window.symbol,
        window.timeframe,
        part.at,
        prices[part.open],
        prices[part.high],
        prices[part.low],
        prices[part.close],
        _volume(part.volume),
    )


def _volume(volume: float) -> Decimal:
    if not 0 < volume < float("inf"):
        return ZERO
    exact = Decimal(repr(volume)).quantize(VOLUME_STEP)
    return exact.to_integral_value() if exact == exact.to_integral_value() else exact.normalize()
