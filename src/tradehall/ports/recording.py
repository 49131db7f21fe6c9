"""Recorded markets: rows in the order in which they happened, whatever files they lie in."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from tradehall.domain.instrument import Instrument
from tradehall.ports.feed import MarketSink
from tradehall.ports.history import BarHistory

# (recorded instant [ns UTC], number of its track, what the track knows to read). Ordered by the first two.
Row = tuple[Any, ...]


class Recording(Protocol):
    """What a market said, kept in files; reading takes the same memory however long it is."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """What was recorded, by symbol."""
        ...

    @property
    def history(self) -> BarHistory:
        """Bars of the time before the first quotes, where files hold such."""
        ...

    @property
    def keeps_minutes(self) -> bool:
        """Whether rows stand for bars: shifted by other than whole minutes, these would fall apart."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about how the files were read, a sentence each."""
        ...

    def rows(self) -> Iterator[Row]:
        """All rows from the beginning, time never going back; begin anew with each call."""
        ...

    def send(self, row: Row, sink: MarketSink, *, received_at: int, offset: int = 0) -> None:
        """Tell `sink` what `row` says, as received at `received_at` and recorded `offset` ns later than it was.

        Rows are sent in their order: books are rebuilt from one to the next.
        """
        ...

    def ends(self, row: Row) -> bool:
        """Whether `row` only says that a symbol has no more quotes; told, its symbol is stale."""
        ...
