"""Recordings: what the files in some folders are called in the house, and which of them quote."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tradehall.adapters.history.bar_files import FileHistory
from tradehall.adapters.history.checks import Checker, Complaint
from tradehall.adapters.history.depth_tracks import DepthTrack, Level2Track
from tradehall.adapters.history.reels import FileReel, aligned_reels
from tradehall.adapters.history.rules import instrument_of
from tradehall.adapters.history.schema import Kind
from tradehall.adapters.history.sources import Source, find_files
from tradehall.adapters.history.tracks import BarTrack, PrintTrack, QuoteBarTrack, QuoteTrack, Track
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.instrument import Instrument
from tradehall.ports.feed import FeedError

_TRACKS: Final[dict[Kind, type[Track]]] = {
    Kind.QUOTES: QuoteTrack,
    Kind.PRINTS: PrintTrack,
    Kind.BARS: BarTrack,
    Kind.QUOTE_BARS: QuoteBarTrack,
    Kind.LEVEL2: Level2Track,
    Kind.DEPTH: DepthTrack,
}
assert _TRACKS.keys() == set(Kind)

SYMBOLS_NAMED_MAX: Final = 12

# What makes the quotes of a symbol that is recorded in several ways: the first of these it has.
QUOTED_BY: Final = (Kind.QUOTES, Kind.LEVEL2, Kind.DEPTH, Kind.QUOTE_BARS, Kind.PRINTS, Kind.BARS)
# Which of its other files are told beside the quotes; the first kind of depth it has is told.
DEPTH_KINDS: Final = (Kind.LEVEL2, Kind.DEPTH)
assert set(QUOTED_BY) == set(Kind)


class FileRecording:
    """The recording kept in `paths`, files or folders. FeedError where one of them is not what it should be.

    A symbol recorded at several venues keeps its name where it is recorded best; elsewhere it is called
    SYMBOL.VENUE. Each symbol is quoted by the first of `QUOTED_BY` it has, bars by the shortest; its prints
    and its depth are told beside; its other files are history. `only`: of these symbols; FeedError for one that
    is not recorded. `spans`: per symbol the length of the bars that quote it [ns], None where quotes do.
    """

    def __init__(self, paths: Sequence[Path], *, only: Iterable[str] = ()) -> None:
        sources = [Source(path) for path in find_files(paths)]
        self.notes: tuple[str, ...] = ()
        self.instruments: dict[str, Instrument] = {}
        self.spans: dict[str, int | None] = {}
        self.driving: dict[str, list[Source]] = {}  # By symbol the files that make its quotes, as they begin.
        self._tracks: list[Track] = []
        histories: dict[str, list[Source]] = {}
        for symbol, of_symbol in _chosen(self._named(sources), only).items():
            self._take(symbol, of_symbol)
            histories[symbol] = of_symbol
        self.history = FileHistory(histories)

    def reels(self, *, align: bool, strict: bool = False) -> Sequence[FileReel]:
        """See Recording.reels."""
        if align:
            return aligned_reels(self._tracks, strict=strict)
        return [FileReel(self._tracks, strict=strict)]

    def complaint(self) -> str | None:
        """The first row that cannot be true in what is told, and how many more there are; None: all can."""
        shown: Complaint | None = None
        count = 0
        for track in self._tracks:
            checker = Checker(str(track.source.path), track.source.label.kind)
            for batch in track.source.table.batches():
                checker.check(batch)
            count += checker.count
            shown = shown or next(iter(checker.shown), None)
        if shown is None:
            return None
        return f"{shown}" if count == 1 else f"{shown} (and {count - 1} more)"

    def _named(self, sources: Iterable[Source]) -> dict[str, list[Source]]:
        """Sources by the symbol of the house."""
        named: dict[str, list[Source]] = {}
        by_symbol = sorted(sources, key=lambda source: source.label.symbol)
        for symbol, group in groupby(by_symbol, key=lambda source: source.label.symbol):
            venues: dict[str, list[Source]] = {}
            for source in group:
                venues.setdefault(source.label.venue, []).append(source)
            best, *others = sorted(venues, key=lambda venue: _quality(venues[venue]))
            named[symbol] = venues[best]
            for venue in others:
                named[f"{symbol}.{venue}"] = venues[venue]
                self.notes += (f"{symbol} of {venue} is called {symbol}.{venue}: {symbol} is that of {best}",)
        return named

    def _take(self, symbol: str, sources: list[Source]) -> None:
        driver = _driver(sources)
        label = driver.label
        instrument = instrument_of(symbol, label.venue, label.rules, driver.tick_size)
        self.instruments[symbol] = instrument
        self.spans[symbol] = label.span_ns
        depth = next((kind for kind in DEPTH_KINDS if any(one.label.kind is kind for one in sources)), None)
        for source in sources:
            kind = source.label.kind
            quotes = (kind, source.label.span_ns) == (label.kind, label.span_ns)
            if quotes:
                self.driving.setdefault(symbol, []).append(source)
            if quotes or kind in {depth, Kind.PRINTS}:
                self._tracks.append(_TRACKS[kind](source, symbol, instrument.tick_size, quotes=quotes))


def _chosen(named: dict[str, list[Source]], only: Iterable[str]) -> dict[str, list[Source]]:
    asked = list(only)
    if not asked:
        return named
    found = {symbol: resolve_symbol(symbol, named) for symbol in asked}
    for symbol, known in found.items():
        if known is None:
            some = ", ".join(sorted(named)[:SYMBOLS_NAMED_MAX]) + (" …" if len(named) > SYMBOLS_NAMED_MAX else "")
            raise FeedError(f"symbol {symbol} is not recorded there: expected some of {some}")
    return {symbol: of_symbol for symbol, of_symbol in named.items() if symbol in found.values()}


def _driver(sources: Iterable[Source]) -> Source:
    """The source that quotes: of the best kind, of the shortest bars, the earliest."""
    return min(sources, key=_rank)


def _rank(source: Source) -> tuple[int, int, int]:
    return QUOTED_BY.index(source.label.kind), source.label.span_ns or 0, source.first_at


def _quality(sources: list[Source]) -> tuple[int, int, str]:
    driver = _driver(sources)
    return QUOTED_BY.index(driver.label.kind), driver.label.span_ns or 0, driver.label.venue
