"""Counts of the rows of one line: by their values, and by where in the line they are."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tradehall.domain.ids import AccountId
from tradehall.domain.order import Side
from tradehall.ports.house_views import Edges, OrderEnd, Share

# Keys of accounts and strategies together. Beyond it only the house is counted here, and theirs by the store: where
# they are so many, each has few rows.
KEYS_MAX: Final = 200_000
# Stretches of all keys together. Beyond it those of accounts and strategies are not told apart any more, then none.
PLACES_MAX: Final = 200_000

# Symbol, side and end, or as many of them as a line has; the others are "".
Words = tuple[str, str, str]


class Which(NamedTuple):
    """Which rows; None: any."""

    account_id: AccountId | None = None
    strategy_ids: tuple[str, ...] | None = None
    symbol: str | None = None
    side: Side | None = None
    ends: frozenset[OrderEnd] | None = None

    def means(self, words: Words) -> bool:
        """Whether rows of these words are meant, whoever has them."""
        symbol, side, end = words
        return self.symbol in {None, symbol} and self.side in {None, side} and (self.ends is None or end in self.ends)

    def means_share(self, share: Share) -> bool:
        """Whether rows of a share are meant."""
        return (
            self.account_id in {None, share.account_id}
            and (self.strategy_ids is None or share.strategy_id in self.strategy_ids)
            and self.means((share.symbol, share.side, share.end))
        )


class Cell:
    """Rows of one key, and how many of them are in which stretch."""

    __slots__ = ("places", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self.places: dict[int, int] = {}


class Tally:
    """Cells of the house, of each account, of each strategy and account."""

    def __init__(self, keys_max: int = KEYS_MAX, places_max: int = PLACES_MAX) -> None:
        self._keys_max = keys_max
        self._places_max = places_max
        self._house: dict[Words, Cell] = {}
        self._accounts: dict[AccountId, dict[Words, Cell]] | None = {}
        self._strategies: dict[str, dict[tuple[AccountId, Words], Cell]] = {}
        self._keys = 0
        self._house_places = self._owner_places = 0
        self._are_owners_placed = self._is_placed = True

    def add(self, share: Share) -> None:
        """So many more; fewer where the count is negative."""
        words = (share.symbol, share.side, share.end)
        cell = self._house.get(words)
        if cell is None:
            cell = self._house[words] = Cell()
        cell.rows += share.rows
        if self._is_placed:
            self._house_places += _placed(cell, share)
        if self._accounts is not None:
            self._add_to_owners(words, share)
        if self._house_places + self._owner_places > self._places_max:
            self._forget_places()

    def _add_to_owners(self, words: Words, share: Share) -> None:
        assert self._accounts is not None, "owners are counted"
        of_account = self._accounts.setdefault(share.account_id, {})
        cell = of_account.get(words)
        if cell is None:
            cell = of_account[words] = Cell()
            self._keys += 1
        cell.rows += share.rows
        if self._are_owners_placed:
            self._owner_places += _placed(cell, share)
        if share.strategy_id is not None:
            of_strategy = self._strategies.setdefault(share.strategy_id, {})
            key = (share.account_id, words)
            cell = of_strategy.get(key)
            if cell is None:
                cell = of_strategy[key] = Cell()
                self._keys += 1
            cell.rows += share.rows
            if self._are_owners_placed:
                self._owner_places += _placed(cell, share)
        if self._keys > self._keys_max:
            self._accounts = None
            self._strategies.clear()
            self._owner_places, self._are_owners_placed = 0, False

    def _forget_places(self) -> None:
        """Of the owners first, who are the many."""
        cells = self._house.values() if not self._are_owners_placed else self._owner_cells()
        for cell in cells:
            cell.places = {}
        if self._are_owners_placed:
            self._owner_places, self._are_owners_placed = 0, False
        else:
            self._house_places, self._is_placed = 0, False

    def _owner_cells(self) -> Iterator[Cell]:
        for of_account in (self._accounts or {}).values():
            yield from of_account.values()
        for of_strategy in self._strategies.values():
            yield from of_strategy.values()

    @property
    def rows(self) -> int:
        """All there are."""
        return sum(cell.rows for cell in self._house.values())

    def count(self, which: Which) -> int | None:
        """How many rows are meant; None: that is not known here."""
        cells = self._cells(which)
        return None if cells is None else sum(cell.rows for cell in cells)

    def places(self, which: Which, edges: Edges | None) -> dict[int, int] | None:
        """How many there are in which stretch, between two edges if there are any; None: not known here."""
        is_of_house = which.account_id is None and which.strategy_ids is None
        cells = self._cells(which) if (self._is_placed if is_of_house else self._are_owners_placed) else None
        if cells is None:
            return None
        found: dict[int, int] = {}
        for cell in cells:
            for place, rows in cell.places.items():
                if edges is None or edges.first_place <= place < edges.last_place:
                    found[place] = found.get(place, 0) + rows
        for share in () if edges is None else edges.shares:
            if which.means_share(share):
                found[share.place] = found.get(share.place, 0) + share.rows
        return found

    def _cells(self, which: Which) -> Iterable[Cell] | None:
        if which.account_id is None and which.strategy_ids is None:
            return (cell for words, cell in self._house.items() if which.means(words))
        if self._accounts is None:
            return None
        if which.strategy_ids is None:
            assert which.account_id is not None, "one of both is given"
            of_account = self._accounts.get(which.account_id, {})
            return (cell for words, cell in of_account.items() if which.means(words))
        return (
            cell
            for strategy_id in set(which.strategy_ids)
            for (login, words), cell in self._strategies.get(strategy_id, {}).items()
            if which.account_id in {None, login} and which.means(words)
        )


def _placed(cell: Cell, share: Share) -> int:
    """Note where a share is; how many stretches of the cell are new by it."""
    before = cell.places.get(share.place)
    cell.places[share.place] = share.rows + (before or 0)
    return before is None
