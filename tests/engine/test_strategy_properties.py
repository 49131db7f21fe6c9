"""What holds of strategies in any history whatever; a failing test names the seed of its history."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.builders import World
from tests.engine.chaos_of_strategies import StrategyChaos
from tests.engine.test_properties import Book, holds, replays
from tradehall.domain.account import NO_UNITS, Account, BookUnits, PositionMode
from tradehall.domain.order import Hold, OrderRole, OrderTerms, Side, signed
from tradehall.engine import events as ev
from tradehall.engine.booking import reducible_by
from tradehall.engine.books import unattributed_units
from tradehall.engine.budgets import claim_of, may_claim
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.engine.state_evolve import begin_record, evolve
from tradehall.engine.state_strategies import signed_units

STEPS = 400
ZERO = Decimal(0)
PARTS = (ev.BookFilled, ev.PartOpened, ev.PartChanged, ev.PartClosed)


@pytest.mark.parametrize("mode", ["NETTING", "HEDGING"])
@pytest.mark.parametrize("seed", range(40))
def test_in_any_history_of_strategies(seed: int, mode: str):
    chaos = StrategyChaos(seed, mode)
    book, outsider, noted = Book(), Outsider(), 0
    for step in range(STEPS):
        chaos.step()
        when = f"{seed=} {mode=} {step=}"
        for record in chaos.world.records[noted:]:
            book.note(record.events, chaos.world)
            outsider.follow(record, when)
        noted = len(chaos.world.records)
        holds(chaos.world, book, when)
        books_hold(chaos.world, outsider, when)
    assert outsider.fills, "a history in which no strategy trades proves nothing"
    replays(chaos.world)


class Outsider:
    """Follows the events one by one in a state of its own, and adds up what the engine should come to."""

    def __init__(self) -> None:
        self.state = State()
        self.fills = 0
        self.loose: dict[tuple[int, str], Decimal] = {}
        self.in_books: dict[tuple[int, str], Decimal] = {}

    def follow(self, record: Record, when: str) -> None:
        begin_record(self.state, record.now)
        own: OwnFill | None = None
        for event in record.events:
            if isinstance(event, ev.OrderFilled):
                own = self._before_the_fill(event)
            elif own is not None and own.booked is not None and not isinstance(event, PARTS):
                self._a_fill_frees_what_it_ties(own, when)
                own = None
            before = self._held_by(event)
            evolve(self.state, event, record.now)
            self._note(event)
            self._nothing_is_accepted_beyond_a_budget(event, before, when)
            if own is not None and isinstance(event, ev.BookFilled) and event.is_own:
                own.booked = event
        if own is not None:
            self._a_fill_frees_what_it_ties(own, when)

    def _note(self, event: ev.AnyEvent) -> None:
        if isinstance(event, ev.OrderFilled) and event.fill.strategy_id is None:
            key = (event.fill.account_id, event.fill.symbol)
            self.loose[key] = self.loose.get(key, ZERO) + signed(event.fill.side, event.fill.quantity)
        elif isinstance(event, ev.BookFilled):
            self.fills += 1
            if self.state.order(event.order_id).terms.reduce_only:  # type: ignore[union-attr]
                assert event.closed_quantity == event.quantity, "reduce-only opened something in a book"
            key, units = (event.account_id, event.symbol), signed(event.side, event.quantity)
            self.in_books[key] = self.in_books.get(key, ZERO) + units
            if not event.is_own:
                self.loose[key] = self.loose.get(key, ZERO) - units

    def _held_by(self, event: ev.AnyEvent) -> Decimal:
        """What the order that an event changes had held before."""
        if not isinstance(event, ev.OrderAmended | ev.OrderHoldChanged):
            return ZERO
        order = self.state.orders.get(event.order_id)
        return ZERO if order is None or order.hold is None else order.hold.amount

    def _nothing_is_accepted_beyond_a_budget(self, event: ev.AnyEvent, before: Decimal, when: str) -> None:
        if not isinstance(event, ev.OrderAccepted | ev.OrderAmended | ev.OrderHoldChanged) or event.hold is None:
            return
        if event.hold.amount <= before:
            return  # It asks for no more than it had, as an amendment to less does when a budget was cut.
        order = self.state.orders[event.order_id]
        assert order.terms.strategy_id is not None, when
        book = self.state.accounts[order.terms.account_id].books[order.terms.strategy_id]
        budget = book.budget(event.hold.currency)
        assert budget is not None or not book.allocated, when
        assert budget is None or budget.available >= 0, when

    def _before_the_fill(self, event: ev.OrderFilled) -> "OwnFill | None":
        """None of what is nobody's, or came so late that the order had ended: such a fill is a fact."""
        order = self.state.orders.get(event.fill.order_id)
        if order is None or order.terms.strategy_id is None or order.role is not OrderRole.ENTRY:
            return None
        return OwnFill(event, order.terms, order.hold, self._reserved(event))

    def _reserved(self, event: ev.OrderFilled) -> Decimal:
        assert event.fill.strategy_id is not None
        currency = self.state.instruments[event.fill.symbol].quote_currency
        return self.state.accounts[event.fill.account_id].books[event.fill.strategy_id].reserved.get(currency, ZERO)

    def _a_fill_frees_what_it_ties(self, own: "OwnFill", when: str) -> None:
        """An order opens no unit that it did not hold for, and at its price or better it ties no more than it held."""
        fill, terms, booked = own.event.fill, own.terms, own.booked
        assert booked is not None and terms.strategy_id is not None, when
        opened = booked.quantity - booked.closed_quantity
        held = ZERO if own.hold is None else own.hold.quantity
        if self.state.accounts[fill.account_id].books[terms.strategy_id].allocated:
            assert opened <= held, f"{when}: opened {opened}, held for {held}"
        is_at_its_price = terms.limit_price is not None and fill.price <= terms.limit_price
        if is_at_its_price and opened <= held and terms.side is Side.BUY:
            assert self._reserved(own.event) <= own.reserved, when


@dataclass
class OwnFill:
    """A fill of a strategy's order: what the order held and the strategy had reserved before, and its side of it."""

    event: ev.OrderFilled
    terms: OrderTerms
    hold: Hold | None
    reserved: Decimal
    booked: ev.BookFilled | None = None


def books_hold(world: World, outsider: Outsider, when: str) -> None:
    for account in world.state.accounts.values():
        reserved_adds_up(account, world.state, when)
        units_add_up(account, outsider, when)
        if account.terms.position_mode is PositionMode.NETTING:
            netting_holds(account, world.state, when)
        else:
            parts_are_positions(account, when)


def reserved_adds_up(account: Account, state: State, when: str) -> None:
    for book in account.books.values():
        expected: dict[str, Decimal] = {}
        for order in account.orders.values():
            if order.terms.strategy_id == book.strategy_id and order.hold is not None:
                assert order.hold.quantity <= order.remaining_quantity, when
                expected[order.hold.currency] = expected.get(order.hold.currency, ZERO) + order.hold.amount
        for part in book.parts.values():
            assert part.strategy_id == book.strategy_id and part.quantity > 0, when
            currency = state.instruments[part.symbol].quote_currency
            expected[currency] = expected.get(currency, ZERO) + part.margin
        assert book.reserved == {name: amount for name, amount in expected.items() if amount}, when


def units_add_up(account: Account, outsider: Outsider, when: str) -> None:
    """Sum of the books' parts + what is in no book = the account's position, in every symbol."""
    symbols = {p.symbol for b in account.books.values() for p in b.parts.values()} | account.exposures.keys()
    for symbol in symbols:
        parts = sum(
            (signed_units(p) for b in account.books.values() for p in b.parts.values() if p.symbol == symbol), ZERO
        )
        key = (account.terms.account_id, symbol)
        net = sum((signed_units(p) for p in account.positions.values() if p.symbol == symbol), ZERO)
        assert account.book_units.get(symbol, NO_UNITS) == BookUnits(parts, parts), when
        assert parts == outsider.in_books.get(key, ZERO), when
        assert unattributed_units(account, symbol) == outsider.loose.get(key, ZERO) == net - parts, when


def netting_holds(account: Account, state: State, when: str) -> None:
    for book in account.books.values():
        assert len({part.symbol for part in book.parts.values()}) == len(book.parts), when
        orders = state.orders_of_strategy(account.terms.account_id, book.strategy_id)
        for order in orders:
            # What closes more than its part leaves the rest for the venue to take out, as on any position.
            is_rest = bool(order.filled_quantity)
            assert order.terms.position_id is None or order.terms.position_id in book.parts or is_rest, when
        if not book.allocated:
            continue
        for part in book.parts.values():
            side = part.side.exit_side
            claims = [order for order in orders if may_claim(order, part.symbol, side)]
            if claims:
                free = reducible_by(state, account, claims[0].terms)
                assert sum((claim_of(order) for order in claims), ZERO) <= free, when


def parts_are_positions(account: Account, when: str) -> None:
    of_strategies = {p.position_id: p for p in account.positions.values() if p.strategy_id is not None}
    parts = {number: part for book in account.books.values() for number, part in book.parts.items()}
    assert parts.keys() == of_strategies.keys(), when
    for number, part in parts.items():
        position = of_strategies[number]
        assert (part.side, part.quantity, part.opened_at) == (position.side, position.quantity, position.opened_at), (
            when
        )
        assert part.strategy_id == position.strategy_id, when
