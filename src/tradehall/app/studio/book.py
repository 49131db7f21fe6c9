"""The studio's book: all its records in memory, as the store holds them. Changed by `apply` alone."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from tradehall.app.records import backtest_runs, deployments, listings, scanners, strategies
from tradehall.app.records.backtest_runs import BacktestRun
from tradehall.app.records.deployments import Deployment
from tradehall.app.records.listings import Listing
from tradehall.app.records.room import read_at_once
from tradehall.app.records.scanners import Scanner
from tradehall.app.records.strategies import Strategy
from tradehall.ports.records import RecordChange, RecordStore

EPOCH_KIND: Final = "studio_epoch"
COUNTER_KIND: Final = "studio_counter"
# What deployments made of a budget, by account, strategy and currency: an entry of another amount is not theirs.
BUDGET_KIND: Final = "budget_made"

R = TypeVar("R", bound=Struct)


class Shelf(Generic[R]):
    """Records of one kind, by number; `owners` are numbers of users, None: an operator's."""

    def __init__(self, kind: str, record_type: type[R], number: str) -> None:
        self.kind = kind
        self._decode: Callable[[bytes], R] = msgspec.json.Decoder(record_type).decode
        self._number: Callable[[R], int] = attrgetter(number)
        self._records: dict[int, R] = {}
        self._of_owner: dict[int | None, dict[int, None]] = {}
        self._of_strategy: dict[int, dict[int, None]] = {}

    def get(self, number: int) -> R | None:
        """The record of a number."""
        return self._records.get(number)

    def of_owner(self, user_id: int | None) -> list[R]:
        """All of one owner, oldest first."""
        return [self._records[number] for number in sorted(self._of_owner.get(user_id, ()))]

    def of_strategy(self, strategy_id: int) -> list[R]:
        """All that concern one strategy, oldest first."""
        return [self._records[number] for number in sorted(self._of_strategy.get(strategy_id, ()))]

    def items(self) -> list[tuple[int, R]]:
        """All records with their numbers."""
        return list(self._records.items())

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._records.values()))

    def __len__(self) -> int:
        return len(self._records)

    def change(self, record: R) -> RecordChange:
        """What keeps a record."""
        return RecordChange(self.kind, str(self._number(record)), msgspec.json.encode(record))

    def read(self, body: bytes) -> R:
        """A record as it is kept."""
        return self._decode(body)

    def put(self, key: str, body: bytes | None) -> None:
        """Hold the record of a key as it is kept now."""
        number = int(key)
        old = self._records.pop(number, None)
        if old is not None:
            self._of_owner[getattr(old, "user_id", None)].pop(number)
            self._of_strategy[getattr(old, "strategy_id", 0)].pop(number)
        if body is not None:
            record = self._records[number] = self._decode(body)
            self._of_owner.setdefault(getattr(record, "user_id", None), {})[number] = None
            self._of_strategy.setdefault(getattr(record, "strategy_id", 0), {})[number] = None


class StudioBook:
    """What is known of strategies and what they do; read by everyone, between two awaits of the loop."""

    def __init__(self) -> None:
        self.epoch: bytes | None = None
        self.strategies = Shelf(strategies.KIND, Strategy, "strategy_id")
        self.deployments = Shelf(deployments.KIND, Deployment, "deployment_id")
        self.scanners = Shelf(scanners.KIND, Scanner, "scanner_id")
        self.listings = Shelf(listings.KIND, Listing, "strategy_id")
        self.runs = Shelf(backtest_runs.KIND, BacktestRun, "run_id")
        self.by_keygen: dict[str, int] = {}
        self.counters: dict[str, int] = {}
        self.budgets_made: dict[str, Decimal] = {}

    @property
    def shelves(self) -> tuple[Shelf[Any], ...]:
        """All shelves."""
        return (self.strategies, self.deployments, self.scanners, self.listings, self.runs)

    def strategy(self, name: str) -> Strategy | None:
        """The strategy of a number or a keygen, as they stand in paths."""
        if name.isascii() and name.isdigit():
            return self.strategies.get(int(name[:18]))
        number = self.by_keygen.get(name.lower())
        return None if number is None else self.strategies.get(number)

    def next_number(self, shelf: Shelf[Any]) -> tuple[int, RecordChange]:
        """The next free number of a kind, and what keeps the one after it."""
        number = self.counters.get(shelf.kind, 1)
        return number, RecordChange(COUNTER_KIND, shelf.kind, str(number + 1).encode())

    def apply(self, changes: Iterable[RecordChange]) -> None:
        """Be what the store is after these changes; kinds that are not kept in memory are passed over."""
        shelves = {shelf.kind: shelf for shelf in self.shelves}
        for change in changes:
            if change.kind in shelves:
                shelves[change.kind].put(change.key, change.body)
                if change.kind == strategies.KIND:
                    self._note_keygen(int(change.key))
            elif change.kind == COUNTER_KIND and change.body is not None:
                self.counters[change.key] = int(change.body)
            elif change.kind == BUDGET_KIND and change.body is not None:
                self.budgets_made[change.key] = Decimal(change.body.decode())
            elif change.kind == EPOCH_KIND:
                self.epoch = change.body

    def _note_keygen(self, number: int) -> None:
        strategy = self.strategies.get(number)
        if strategy is not None:
            self.by_keygen[strategy.keygen] = number


def read_studio_book(store: RecordStore) -> StudioBook:
    """The book as the store holds it at one moment."""

    def read() -> StudioBook:
        book = StudioBook()
        for kind in (EPOCH_KIND, COUNTER_KIND, BUDGET_KIND, *(shelf.kind for shelf in book.shelves)):
            book.apply(RecordChange(kind, key, body) for key, body in store.all(kind).items())
        return book

    return read_at_once(store, EPOCH_KIND, read)
