"""Recordings: files of any kinds merged into one line of quotes, prints and books."""

import heapq
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tradehall.adapters.history.bar_files import FileHistory
from tradehall.adapters.history.depth_tracks import DepthTrack, Level2Track
from tradehall.adapters.history.rules import instrument_of
from tradehall.adapters.history.schema import Kind
from tradehall.adapters.history.sources import SPANNED, Source, find_files
from tradehall.adapters.history.tracks import BarTrack, PrintTrack, QuoteBarTrack, QuoteTrack, Track
from tradehall.domain.instrument import Instrument
from tradehall.ports.feed import FeedError, MarketSink
from tradehall.ports.recording import Row

_log = logging.getLogger(__name__)

_TRACKS: Final[dict[Kind, type[Track]]] = {
    Kind.QUOTES: QuoteTrack,
    Kind.PRINTS: PrintTrack,
    Kind.BARS: BarTrack,
    Kind.QUOTE_BARS: QuoteBarTrack,
    Kind.LEVEL2: Level2Track,
    Kind.DEPTH: DepthTrack,
}
assert _TRACKS.keys() == set(Kind)

# What makes the quotes of a symbol that is recorded in several ways: the first of these it has.
QUOTED_BY: Final = (Kind.QUOTES, Kind.LEVEL2, Kind.DEPTH, Kind.QUOTE_BARS, Kind.PRINTS, Kind.BARS)
# Which of its other files are told beside the quotes; the first kind of depth it has is told.
DEPTH_KINDS: Final = (Kind.LEVEL2, Kind.DEPTH)
assert set(QUOTED_BY) == set(Kind)

# Rows of tracks are longer than the row that ends one.
_END_LENGTH: Final = 3

# At one instant a book is told before the quote, and the quote before the print that it was made at.
_ORDER: Final = (Kind.LEVEL2, Kind.DEPTH, Kind.QUOTE_BARS, Kind.BARS, Kind.QUOTES, Kind.PRINTS)


class FileRecording:
    """The recording kept in `paths`, files or folders. FeedError where one of them is not what it should be.

    A symbol recorded at several venues keeps its name where it is recorded best; elsewhere it is called
    SYMBOL.VENUE. Each symbol is quoted by the first of `QUOTED_BY` it has, bars by the shortest; its prints
    and its depth are told beside; its other files are history.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        sources = [Source(path) for path in find_files(paths)]
        self.notes: tuple[str, ...] = ()
        self.instruments: dict[str, Instrument] = {}
        self._tracks: list[Track] = []
        histories: dict[str, list[Source]] = {}
        for symbol, of_symbol in self._named(sources).items():
            self._take(symbol, of_symbol)
            histories[symbol] = of_symbol
        self._tracks.sort(key=lambda track: (_ORDER.index(track.source.label.kind), track.source.first_at))
        self.history = FileHistory(histories)

    @property
    def keeps_minutes(self) -> bool:
        """Whether some symbol is quoted by bars."""
        return any(track.quotes and track.source.label.kind in SPANNED for track in self._tracks)

    def rows(self) -> Iterator[Row]:
        """See Recording.rows. The last row of a file only says that there is no more."""
        waiting = deque(sorted(enumerate(self._tracks), key=lambda one: one[1].source.first_at))
        heads: list[tuple[Row, Iterator[Row]]] = []
        while heads or waiting:
            # A file is opened when its time has come: a thousand daily files are not in memory together.
            while waiting and (not heads or waiting[0][1].source.first_at <= heads[0][0][0]):
                line = self._rows(*waiting.popleft())
                heapq.heappush(heads, (next(line), line))
            row, line = heads[0]
            yield row
            following = next(line, None)
            if following is None:
                heapq.heappop(heads)
            else:
                heapq.heapreplace(heads, (following, line))

    def send(self, row: Row, sink: MarketSink, *, received_at: int, offset: int = 0) -> None:
        """See Recording.send."""
        track = self._tracks[row[1]]
        if len(row) > _END_LENGTH:
            track.send(row, sink, received_at, offset)
        elif row[2]:
            sink.on_end((track.symbol,))

    def ends(self, row: Row) -> bool:
        """See Recording.ends."""
        return len(row) == _END_LENGTH

    def _rows(self, number: int, track: Track) -> Iterator[Row]:
        """Rows of a track, and one after them: (at, number, whether its symbol has no more quotes)."""
        at = track.source.first_at
        try:
            for row in track.rows(number):
                at = row[0]
                yield row
        except FeedError as error:
            # The files were whole when we began: what can be told of the others goes on.
            _log.error("feed=replay symbol=%s what=%r next=%r", track.symbol, str(error), "ends here")
        quoting = [other for other in self._tracks if other.symbol == track.symbol and other.quotes]
        yield at, number, track is max(quoting, key=lambda other: other.source.first_at)

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
        depth = next((kind for kind in DEPTH_KINDS if any(one.label.kind is kind for one in sources)), None)
        for source in sources:
            kind = source.label.kind
            quotes = (kind, source.label.span_ns) == (label.kind, label.span_ns)
            if quotes or kind in {depth, Kind.PRINTS}:
                self._tracks.append(_TRACKS[kind](source, symbol, instrument.tick_size, quotes=quotes))


def _driver(sources: Iterable[Source]) -> Source:
    """The source that quotes: of the best kind, of the shortest bars, the earliest."""
    return min(sources, key=_rank)


def _rank(source: Source) -> tuple[int, int, int]:
    return QUOTED_BY.index(source.label.kind), source.label.span_ns or 0, source.first_at


def _quality(sources: list[Source]) -> tuple[int, int, str]:
    driver = _driver(sources)
    return QUOTED_BY.index(driver.label.kind), driver.label.span_ns or 0, driver.label.venue
