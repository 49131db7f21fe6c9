"""The market as the run has come to know it: all lines, and the latest quotes at the instant it has reached."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from tradehall.backtests.line import NOT_BEGUN, Line, Point
from tradehall.domain.market import Quote
from tradehall.domain.money import ZERO
from tradehall.engine.state import State

# Behind all symbols: who looks when everything of an instant was told.
AFTER_ALL: Final = 2**31
BEFORE_ALL: Final = -1


class Market(Mapping[str, Quote]):
    """The latest quote of each symbol, made when it is asked for.

    What counts as latest is the place reached: instant `at` [ns UTC], where symbols up to number `upto` have
    told theirs; and of the line `own`, whose turn it is, the point `own_point`.
    """

    def __init__(self, lines: Sequence[Line], state: State) -> None:
        self.lines = lines
        self.by_symbol = {line.symbol: line for line in lines}
        self.at = 0
        self.upto = BEFORE_ALL
        self.own: Line | None = None
        self.own_point: Point = NOT_BEGUN
        self._state = state

    def __getitem__(self, symbol: str) -> Quote:
        quote = self.quote_of(self.by_symbol[symbol])
        if quote is None:
            raise KeyError(symbol)
        return quote

    def get(self, symbol: str, default: Quote | None = None) -> Quote | None:  # type: ignore[override]
        """The latest quote, None before the first."""
        line = self.by_symbol.get(symbol)
        return default if line is None else self.quote_of(line) or default

    def __iter__(self) -> Iterator[str]:
        return (line.symbol for line in self.lines if self.point_of(line) != NOT_BEGUN)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, symbol: object) -> bool:
        line = self.by_symbol.get(symbol) if isinstance(symbol, str) else None
        return line is not None and self.point_of(line) != NOT_BEGUN

    def move(self, at: int, upto: int, own: Line | None = None, own_point: Point = NOT_BEGUN) -> None:
        """The run has come to this place."""
        self.at, self.upto, self.own, self.own_point = at, upto, own, own_point

    def point_of(self, line: Line) -> Point:
        """The latest point of a line."""
        if line is self.own:
            return self.own_point
        return line.latest(self.at, inclusive=line.number <= self.upto)

    def quote_of(self, line: Line) -> Quote | None:
        """The latest quote of a line, None before its first."""
        point = self.point_of(line)
        return line.shown if point <= line.told else self.quote_at(line, point)

    def quote_at(self, line: Line, point: Point) -> Quote:
        """The quote that is told at a point of a line, which is not behind what was told."""
        return line.quote_at(point, net=self.net_of(line.symbol) if line.asks_net else ZERO)

    def net_of(self, symbol: str) -> Decimal:
        """Units of `symbol` that all accounts hold together, long positive."""
        exposures = [account.exposures.get(symbol) for account in self._state.accounts.values()]
        return sum((one.long_quantity - one.short_quantity + one.isolated_net for one in exposures if one), ZERO)
