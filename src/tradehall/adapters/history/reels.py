"""Reels: the tracks that are told on one clock, merged into one line of time.

Recordings that lie apart have nothing to say about each other: waiting for the one with the other's silence
would be waiting for years. Nor does a recording wait for one that began long before it: daily bars of two
decades hold whatever happened meanwhile.
"""

import heapq
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from tradehall.adapters.history.schema import Kind
from tradehall.adapters.history.sources import SPANNED
from tradehall.adapters.history.tracks import Track
from tradehall.ports.feed import FeedError, MarketSink
from tradehall.ports.recording import SILENCE_NS_MAX, Row

_log: Final = logging.getLogger(__name__)

# Rows of tracks are longer than the row that ends one.
_END_LENGTH: Final = 3

# At one instant a book is told before the quote, and the quote before the print that it was made at.
_ORDER: Final = (Kind.LEVEL2, Kind.DEPTH, Kind.QUOTE_BARS, Kind.BARS, Kind.QUOTES, Kind.PRINTS)
assert set(_ORDER) == set(Kind)


class FileReel:
    """See Reel. All tracks of a symbol belong to one."""

    def __init__(self, tracks: Iterable[Track], *, strict: bool = False) -> None:
        self._strict = strict
        self._tracks = sorted(tracks, key=lambda track: (_ORDER.index(track.source.label.kind), _first(track)))
        quoting = sorted((track for track in self._tracks if track.quotes), key=_first)
        self.symbols: Sequence[str] = tuple(dict.fromkeys(track.symbol for track in quoting))
        self.begins_at = _first(quoting[0])
        self.keeps_minutes = any(track.source.label.kind in SPANNED for track in quoting)
        # The track that ends each symbol: the one of its quotes that begins last.
        self._last = {track.symbol: track for track in quoting}

    def rows(self) -> Iterator[Row]:
        """See Reel.rows. The last row of a file only says that there is no more."""
        waiting = deque(sorted(enumerate(self._tracks), key=lambda one: _first(one[1])))
        heads: list[tuple[Row, Iterator[Row]]] = []
        while heads or waiting:
            # A file is opened when its time has come: a thousand daily files are not in memory together.
            while waiting and (not heads or _first(waiting[0][1]) <= heads[0][0][0]):
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
        """See Reel.send."""
        track = self._tracks[row[1]]
        if len(row) > _END_LENGTH:
            track.send(row, sink, received_at, offset)
        elif row[2]:
            sink.on_end((track.symbol,))

    def symbol_of(self, row: Row) -> str:
        """See Reel.symbol_of."""
        return self._tracks[row[1]].symbol

    def is_quote(self, row: Row) -> bool:
        """See Reel.is_quote."""
        return self._tracks[row[1]].quotes

    def ends(self, row: Row) -> bool:
        """See Reel.ends."""
        return len(row) == _END_LENGTH

    def _rows(self, number: int, track: Track) -> Iterator[Row]:
        """Rows of a track, and one after them: (at, number, whether its symbol has no more quotes)."""
        at = _first(track)
        try:
            for row in track.rows(number):
                at = row[0]
                yield row
        except FeedError as error:
            if self._strict:
                raise
            # The files were whole when we began: what can be told of the others goes on.
            _log.error("feed=replay symbol=%s what=%r next=%r", track.symbol, str(error), "ends here")
        yield at, number, track is self._last[track.symbol]


def aligned_reels(tracks: Iterable[Track], *, strict: bool = False) -> list[FileReel]:
    """A reel for all symbols that overlap, directly or through others, and begin within `SILENCE_NS_MAX`."""
    by_symbol = groupby(sorted(tracks, key=lambda track: track.symbol), key=lambda track: track.symbol)
    reels: list[list[_Span]] = []
    for span in sorted((_Span(list(of_symbol)) for _, of_symbol in by_symbol), key=lambda span: span.first_at):
        # Who does not overlap with the reel that began last overlaps with none before.
        if reels and _belongs(span, reels[-1]):
            reels[-1].append(span)
        else:
            reels.append([span])
    return [FileReel((track for span in reel for track in span.tracks), strict=strict) for reel in reels]


class _Span:
    """The time of one symbol's recording, from its first quote on."""

    def __init__(self, tracks: list[Track]) -> None:
        self.tracks = tracks
        self.first_at = min(_first(track) for track in tracks if track.quotes)

    def lasts_until(self, at: int) -> bool:
        # The end of a file is read only where its beginning does not tell enough.
        return any(_first(track) >= at for track in self.tracks) or any(
            track.source.last_at >= at for track in self.tracks
        )


def _belongs(span: _Span, reel: Sequence[_Span]) -> bool:
    is_near = span.first_at - reel[0].first_at <= SILENCE_NS_MAX
    return is_near and any(other.lasts_until(span.first_at) for other in reversed(reel))


def _first(track: Track) -> int:
    return track.source.first_at
