"""Recorded markets: rows in the order in which they happened, whatever files they lie in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from tradehall.domain.instrument import Instrument
from tradehall.domain.time import NS_PER_DAY
from tradehall.ports.feed import MarketSink
from tradehall.ports.history import BarHistory

# (recorded instant [ns UTC], number of its track, what the track knows to read). Ordered by the first two.
Row = tuple[Any, ...]

# A weekend with its holidays. A listener waits for as much silence as this, and for no more.
SILENCE_NS_MAX: Final = 4 * NS_PER_DAY


class Reel(Protocol):
    """Recordings that are told together, on one clock; reading takes the same memory however long they are."""

    @property
    def symbols(self) -> Sequence[str]:
        """What it quotes, in the order of their beginnings; never empty, no symbol is of two reels."""
        ...

    @property
    def begins_at(self) -> int:
        """Its first quote's instant [ns UTC]; what else was recorded may have begun before."""
        ...

    @property
    def keeps_minutes(self) -> bool:
        """Whether rows stand for bars: shifted by other than whole minutes, these would fall apart."""
        ...

    def rows(self) -> Iterator[Row]:
        """All rows from the beginning, time never going back; begin anew with each call."""
        ...

    def send(self, row: Row, sink: MarketSink, *, received_at: int, offset: int = 0) -> None:
        """Tell `sink` what `row` says, as received at `received_at` and recorded `offset` ns later than it was.

        Rows are sent in their order: books are rebuilt from one to the next.
        """
        ...

    def symbol_of(self, row: Row) -> str:
        """The symbol that `row` is about."""
        ...

    def is_quote(self, row: Row) -> bool:
        """Whether `row` makes a quote of its symbol; others are told beside."""
        ...

    def ends(self, row: Row) -> bool:
        """Whether `row` only says that a symbol has no more quotes; told, its symbol is stale."""
        ...


class Recording(Protocol):
    """What a market said, kept in files."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """What was recorded, by symbol."""
        ...

    @property
    def history(self) -> BarHistory:
        """Bars of the time before the first quotes, where files hold such."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about how the files were read, a sentence each."""
        ...

    def reels(self, *, align: bool, strict: bool = False) -> Sequence[Reel]:
        """With `align` a reel for all that overlap and begin within `SILENCE_NS_MAX`; without, one of everything.

        A file that cannot be read to its end ends its symbol; with `strict` its FeedError comes out of the rows.
        """
        ...
