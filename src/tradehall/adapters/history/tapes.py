"""Tapes: recordings as columns for backtests, each row of them checked before a run begins.

What quotes a symbol is chosen as for a replay (see recording): quotes before depth before bars of bid and ask
before prints before bars. Where only one price is recorded it is bid and ask alike, but for prints, which show
the side that was taken; a quote that would be crossed or locked has an ask a tick above its bid.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.adapters.history.checks import COMPLAINTS_SHOWN_MAX, Checker, Complaint
from tradehall.adapters.history.recording import FileRecording
from tradehall.adapters.history.schema import ADJUSTED, BAR_PRICES, TIME, Kind, is_buy
from tradehall.adapters.history.sources import SPANNED, Source
from tradehall.backtests.tape import ROWS_PER_BLOCK, Block
from tradehall.domain.instrument import Instrument
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND, to_rfc3339
from tradehall.ports.feed import FeedError

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

# (file, done, total): rows of Parquet or bytes of CSV.
OnChecked = Callable[[Path, int, int], None]

GAPS_SHOWN_MAX: Final = 3
# A gap is worth a word when so many bars in a row are missing, or quotes are silent for so long.
GAP_BARS: Final = 10
GAP_NS: Final = 10 * NS_PER_MINUTE


class DataRefused(FeedError):
    """Data that cannot be true; `complaints` are the first of `count`, each with its file and row."""

    def __init__(self, complaints: Sequence[Complaint], count: int) -> None:
        self.complaints = tuple(complaints)
        self.count = count
        shown = "\n".join(f"  {complaint}" for complaint in complaints)
        more = f"\n  … and {count - len(complaints)} more" if count > len(complaints) else ""
        super().__init__(f"{count} rows cannot be used, so nothing was run:\n{shown}{more}")


class Gap(Struct, frozen=True):
    """Silence in front of a row: `length_ns` since the row before."""

    file: str
    row: int
    at: int
    length_ns: int

    def __str__(self) -> str:
        length = self.length_ns // NS_PER_SECOND
        text = f"{length // 86_400} d {length % 86_400 // 3_600} h {length % 3_600 // 60} min"
        return f"{self.file} row {self.row}: nothing for {text} before {to_rfc3339(self.at)}"


class FileTape:
    """The tape of one symbol, in one file or several that follow each other. See backtests.tape.Tape."""

    def __init__(self, instrument: Instrument, sources: Sequence[Source], *, adjusted: bool = False) -> None:
        """FeedError for files that overlap, for a kind that has no quotes of its own, and for `adjusted` where
        no adjusted close was recorded.
        """
        self.instrument = instrument
        self.adjusted = adjusted
        self.sources = sorted(sources, key=lambda source: source.first_at)
        self.kind = self.sources[0].label.kind
        self.span_ns = self.sources[0].label.span_ns if self.kind in SPANNED else None
        if self.kind not in _COLUMNS:
            raise FeedError(
                f"{self.sources[0].path} holds {self.kind} only: a backtest needs quotes, prints, bars or depth"
            )
        for source in self.sources if adjusted else ():
            if ADJUSTED not in source.table.columns:
                raise FeedError(f"{source.path} has no {ADJUSTED}: its prices cannot be adjusted")
        for before, after in zip(self.sources, self.sources[1:], strict=False):
            if after.first_at < before.last_at:
                raise FeedError(f"{after.path} begins before {before.path} ends: expected files that follow each other")
        self.length = sum(
            source.table.total if source.table.is_parquet else _rows_of(source) for source in self.sources
        )
        self.rows: dict[Path, int] = {}  # By file, once they were checked.
        self.gaps: list[Gap] = []
        self.gap_count = 0

    def blocks(self) -> Iterator[Block]:
        """See Tape.blocks. FeedError where a file is damaged."""
        tick = float(self.instrument.tick_size)
        for source in self.sources:
            for batch in source.table.batches(ROWS_PER_BLOCK):
                block = _COLUMNS[self.kind](batch, tick, self.instrument.digits)
                yield _adjusted(block, _floats(batch, ADJUSTED)) if self.adjusted else block

    def check(self, on_checked: OnChecked | None = None) -> tuple[list[Complaint], int]:
        """Look at every row: the first complaints and their number; gaps are noted in `gaps`."""
        complaints: list[Complaint] = []
        count = 0
        for source in self.sources:
            checker = Checker(source.path.name, self.kind)
            last: int | None = None
            for batch in source.table.batches():
                checker.check(batch)
                last = self._note_gaps(source.path.name, batch.column(TIME), checker.rows - batch.num_rows, last)
                if on_checked is not None:
                    on_checked(source.path, source.table.done, source.table.total)
            complaints += checker.shown
            count += checker.count
            self.rows[source.path] = checker.rows
        self.length = sum(self.rows.values())
        return complaints, count

    def _note_gaps(self, file: str, column: Any, rows_before: int, last: int | None) -> int | None:
        at: Numbers = column.drop_null().to_numpy()
        if not at.size:
            return last
        first = at[:1] if last is None else np.array([last])
        silence = np.diff(np.concatenate((first, at)))
        least = GAP_NS if self.span_ns is None else GAP_BARS * self.span_ns
        for place in np.flatnonzero(silence > least).tolist():
            self.gap_count += 1
            self.gaps.append(Gap(file, rows_before + place + 1, int(at[place]), int(silence[place])))
        self.gaps = sorted(self.gaps, key=lambda gap: -gap.length_ns)[:GAPS_SHOWN_MAX]
        return int(at[-1])


def open_tapes(
    paths: Sequence[Path | str],
    symbols: Collection[str] | None = None,
    on_checked: OnChecked | None = None,
    *,
    adjusted: bool = False,
) -> list[FileTape]:
    """Tapes of what the files and folders of `paths` hold, of `symbols` only where given, every row checked.

    `adjusted`: all prices of a bar times its recorded adjusted close ÷ close, as if dividends had been bought
    with and there had been no splits; what the run pays and gets is then in that unit.

    FeedError for what cannot be read or is not there; DataRefused, with file and row, for unsorted, doubled, crossed
    or negative rows. Gaps are no fault: `FileTape.gaps` tells the longest.
    """
    recording = FileRecording([Path(path) for path in paths])
    wanted = list(recording.driving) if symbols is None else list(symbols)
    if missing := [symbol for symbol in wanted if symbol not in recording.driving]:
        raise FeedError(f"{', '.join(missing)} was not recorded: expected some of {', '.join(recording.driving)}")
    tapes = [FileTape(recording.instruments[symbol], recording.driving[symbol], adjusted=adjusted) for symbol in wanted]
    complaints: list[Complaint] = []
    count = 0
    for tape in tapes:
        found, number = tape.check(on_checked)
        complaints += found
        count += number
    if count:
        raise DataRefused(complaints[:COMPLAINTS_SHOWN_MAX], count)
    return tapes


def _rows_of(source: Source) -> int:
    """Rows of a CSV file, guessed from its bytes until they were counted."""
    return max(1, source.table.total // 64)


def _floats(batch: Any, name: str) -> Floats:
    column: Floats = batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return column


def _optional(batch: Any, name: str) -> Floats | None:
    return _floats(batch, name) if name in batch.schema.names else None


def _times(batch: Any) -> Numbers:
    times: Numbers = batch.column(TIME).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return times


def _uncrossed(bid: Floats, ask: Floats, tick: float, digits: int) -> Floats:
    return np.where(ask <= bid, np.round(bid + tick, digits), ask)


def _quotes(batch: Any, tick: float, digits: int) -> Block:
    sizes = _optional(batch, "bid_size"), _optional(batch, "ask_size")
    return Block(_times(batch), (_floats(batch, "bid"),), (_floats(batch, "ask"),), None, *sizes)


def _depth(batch: Any, tick: float, digits: int) -> Block:
    sizes = _optional(batch, "bid0_size"), _optional(batch, "ask0_size")
    return Block(_times(batch), (_floats(batch, "bid0"),), (_floats(batch, "ask0"),), None, *sizes)


def _prints(batch: Any, tick: float, digits: int) -> Block:
    price = _floats(batch, "price")
    sides = batch.column("side").to_pylist() if "side" in batch.schema.names else []
    bought = np.array([is_buy(side) is True for side in sides]) if sides else np.zeros(price.size, np.bool_)
    bid = np.where(bought, np.round(price - tick, digits), price)
    return Block(_times(batch), (bid,), (np.round(bid + tick, digits),), _floats(batch, "size"))


def _bars(batch: Any, tick: float, digits: int) -> Block:
    return Block(_times(batch), tuple(_floats(batch, name) for name in BAR_PRICES), None, _optional(batch, "volume"))


def _adjusted(block: Block, adjusted: Floats) -> Block:
    """Open, high and low in the unit of the adjusted close."""
    opened, high, low, close = block.bid
    return Block(
        block.at,
        (adjusted * opened / close, adjusted * high / close, adjusted * low / close, adjusted),
        None,
        block.volume,
    )


def _quote_bars(batch: Any, tick: float, digits: int) -> Block:
    bids = tuple(_floats(batch, f"bid_{name}") for name in BAR_PRICES)
    asks = tuple(_floats(batch, f"ask_{name}") for name in BAR_PRICES)
    pairs = zip(bids, asks, strict=True)
    return Block(_times(batch), bids, tuple(_uncrossed(bid, ask, tick, digits) for bid, ask in pairs))


_COLUMNS: Final[dict[Kind, Callable[[Any, float, int], Block]]] = {
    Kind.QUOTES: _quotes,
    Kind.DEPTH: _depth,
    Kind.PRINTS: _prints,
    Kind.BARS: _bars,
    Kind.QUOTE_BARS: _quote_bars,
}
