"""All ledgers: a listener of decisions that keeps each deployment's ledger exactly as far as the state is."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any, Final

import msgspec

from tradehall.app.deployments.ledger import Ledger
from tradehall.app.deployments.names import deployment_of
from tradehall.domain.account import PositionMode
from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.money import ZERO
from tradehall.engine import events as ev
from tradehall.engine.record import Record, RecordFacts
from tradehall.engine.state import State
from tradehall.ports.journal import Entries

_decode: Final = msgspec.json.Decoder(Ledger).decode
_encode: Final = msgspec.json.Encoder().encode
_decode_facts: Final = msgspec.json.Decoder(RecordFacts).decode

Book = tuple[AccountId, str]


class Ledgers:
    """The ledgers of all deployments. Belongs to the loop.

    `state` gives the present state, for the accounts' modes. `kept` and `kept_seq` are what an earlier run
    wrote (None: nothing was). After `open` for every deployment there is, `catch_up` brings them to the
    journal's head before decisions are heard.
    """

    hears: Final = None  # It counts the records, so as to notice when the state was folded anew.

    def __init__(
        self, state: Callable[[], State], journal: Entries, kept: Mapping[int, bytes], kept_seq: int | None
    ) -> None:
        self._state = state
        self._journal = journal
        self._kept = dict(kept)
        self._kept_seq = kept_seq or 0
        self._began: dict[int, Ledger] = {}
        self.seq = 0
        self.changed: set[int] = set()
        self._ledgers: dict[int, Ledger] = {}
        self._owners: dict[OrderId, int] = {}
        self._of_book: dict[Book, list[int]] = {}
        self._filled_position: PositionId | None = None
        self._load()

    def catch_up(self) -> None:
        """Fold what the journal has beyond what was kept."""
        if self._ledgers:
            self._fold_to(self._journal.head.seq)
        self.seq = self._journal.head.seq

    def get(self, deployment_id: int) -> Ledger | None:
        """The ledger of a deployment; None: it never had one."""
        return self._ledgers.get(deployment_id)

    def open(self, deployment_id: int, account_id: AccountId, keygen: str, *, takes_all: bool = False) -> Ledger:
        """The ledger of a deployment, made if there is none."""
        ledger = self._ledgers.get(deployment_id)
        if ledger is None:
            account = self._state().accounts.get(account_id)
            capital = ZERO if account is None else account.balance
            ledger = Ledger(account_id, keygen, takes_all=takes_all, capital=capital)
            self._began[deployment_id] = deepcopy(ledger)
            self._put(deployment_id, ledger)
            self.changed.add(deployment_id)
        return ledger

    def encoded(self) -> tuple[int, dict[int, bytes]]:
        """The ledgers that changed since the last call, and the record up to which they are folded."""
        changed, self.changed = self.changed, set()
        return self.seq, {number: _encode(self._ledgers[number]) for number in changed}

    def note_kept(self, seq: int, ledgers: Mapping[int, bytes]) -> None:
        """These were written."""
        self._kept_seq = seq
        self._kept |= ledgers
        self._began = {number: ledger for number, ledger in self._began.items() if number not in self._kept}

    # A decision listener.

    def capture(self, record: Record) -> None:
        """Fold a decision at once, so that the next one finds what this one left."""
        if not self._ledgers:
            self.seq = record.seq
            return
        if record.seq != self.seq + 1:
            # The journal refused a batch, and the state was folded anew: so are we.
            self._load()
            self._fold_to(record.seq - 1)
        self._fold(record)

    def release(self, payload: object) -> None:
        """Nothing is told here."""

    # Folding.

    def _load(self) -> None:
        self._ledgers, self._owners, self._of_book = {}, {}, {}
        self.seq = self._kept_seq
        for number, body in self._kept.items():
            self._put(number, _decode(body))
        # Those that were opened since have seen all that there is of theirs.
        for number, ledger in self._began.items():
            self._put(number, deepcopy(ledger))
        self.changed = set(self._began)

    def _fold_to(self, seq: int) -> None:
        for entry in self._journal.entries(after=self.seq):
            if entry.seq > seq:
                return
            self._fold(_decode_facts(entry.payload))

    def _fold(self, facts: Record | RecordFacts) -> None:
        self.seq = facts.seq
        for event in facts.events:
            fold = _FOLDS.get(type(event))
            if fold is not None:
                fold(self, event, facts.now)
        if self._owners:
            self._forget_filled(facts.events)

    def _put(self, number: int, ledger: Ledger) -> None:
        self._ledgers[number] = ledger
        self._of_book.setdefault((ledger.account_id, ledger.keygen), []).append(number)
        self._owners.update(dict.fromkeys(ledger.orders, number))

    def _accepted(self, event: ev.OrderAccepted, now: int) -> None:
        terms = event.terms
        if terms.strategy_id is None:
            return
        owner = self._owner_of(event)
        if owner is not None:
            self._ledgers[owner].accept(event.order_id, terms, event.role)
            self._owners[event.order_id] = owner
            self.changed.add(owner)

    def _owner_of(self, event: ev.OrderAccepted) -> int | None:
        terms = event.terms
        named = deployment_of(terms.client_order_id)
        if named is not None and named in self._ledgers:
            ledger = self._ledgers[named]
            # A name alone proves nothing: anybody may send one at the gateway.
            return named if (ledger.account_id, ledger.keygen) == (terms.account_id, terms.strategy_id) else None
        if event.parent_order_id is not None and event.parent_order_id in self._owners:
            return self._owners[event.parent_order_id]
        numbers = self._of_book.get((terms.account_id, terms.strategy_id or ""), ())
        return next((number for number in numbers if self._ledgers[number].takes_all), None)

    def _amended(self, event: ev.OrderAmended, now: int) -> None:
        owner = self._owners.get(event.order_id)
        if owner is not None:
            note = self._ledgers[owner].orders[event.order_id]
            order = self._state().orders.get(event.order_id)
            note.rest = note.rest if order is None else order.remaining_quantity

    def _ended(self, event: ev.OrderCancelled | ev.OrderExpired | ev.OrderFailed, now: int) -> None:
        self._forget(event.order_id)

    def _forget(self, order_id: OrderId) -> None:
        owner = self._owners.pop(order_id, None)
        if owner is not None:
            self._ledgers[owner].orders.pop(order_id, None)
            self.changed.add(owner)

    def _filled(self, event: ev.OrderFilled, now: int) -> None:
        self._filled_position = event.fill.position_id

    def _booked(self, event: ev.BookFilled, now: int) -> None:
        owner = self._owners.get(event.order_id)
        if owner is not None:
            ledger = self._ledgers[owner]
            ledger.book(event, now, is_hedging=self._is_hedging(event.account_id))
            ledger.orders[event.order_id].rest -= event.quantity
            self.changed.add(owner)
            return
        position_id = self._filled_position if self._is_hedging(event.account_id) else None
        rest = event.quantity
        for number in self._of_book.get((event.account_id, event.strategy_id), ()):
            if rest > ZERO:
                taken = self._ledgers[number].take(event, rest, now, position_id)
                rest -= taken
                self.changed.add(number)

    def _forget_filled(self, events: Iterable[ev.AnyEvent]) -> None:
        """After the whole record: exit legs that it made name their entry as parent."""
        for event in events:
            if type(event) is ev.OrderFilled and (owner := self._owners.get(event.fill.order_id)) is not None:
                note = self._ledgers[owner].orders[event.fill.order_id]
                if note.rest <= ZERO:
                    self._forget(event.fill.order_id)

    def _is_hedging(self, account_id: AccountId) -> bool:
        account = self._state().accounts.get(account_id)
        return account is not None and account.terms.position_mode is PositionMode.HEDGING


_FOLDS: Final[dict[type, Callable[[Ledgers, Any, int], None]]] = {
    ev.OrderAccepted: Ledgers._accepted,
    ev.OrderAmended: Ledgers._amended,
    ev.OrderFilled: Ledgers._filled,
    ev.BookFilled: Ledgers._booked,
    ev.OrderCancelled: Ledgers._ended,
    ev.OrderExpired: Ledgers._ended,
    ev.OrderFailed: Ledgers._ended,
}
