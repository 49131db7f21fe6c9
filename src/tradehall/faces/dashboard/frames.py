"""What decisions are in frames of this door: rows as in its lists, made while the state is what they left."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from tradehall.app.house_positions import held_by, held_part
from tradehall.app.projections.closings import loose_quantity
from tradehall.app.streams import ACCOUNT_OF
from tradehall.domain.account import Account
from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.position import Position
from tradehall.domain.time import to_rfc3339
from tradehall.engine import events as ev
from tradehall.engine.record import Record
from tradehall.faces.dashboard.dashboard import Dashboard
from tradehall.faces.dashboard.rows import to_budget
from tradehall.faces.dashboard.translate import to_closed_position, to_fill, to_open_position, to_order
from tradehall.ports.house_views import Closing

encode: Final = msgspec.json.Encoder().encode

ORDER, FILL, POSITION, BUDGET = "order", "fill", "position", "budget"


class Piece(NamedTuple):
    """One frame without its number: its topic, whose it is, its instant, its row in JSON."""

    topic: str
    strategy_id: str | None
    ts: str
    row: bytes


_ORDER_EVENTS: Final = frozenset(
    {ev.OrderAccepted, ev.OrderRejected, ev.OrderOpened, ev.OrderAmended, ev.OrderTriggered, ev.OrderFilled,
     ev.OrderCancelled, ev.OrderExpired, ev.OrderFailed}
)  # fmt: skip
_PART_EVENTS: Final = frozenset({ev.PartOpened, ev.PartChanged, ev.PartClosed})
_POSITION_EVENTS: Final = frozenset({ev.PositionOpened, ev.PositionChanged, ev.PositionClosed})


class DecisionFrames:
    """The pieces of a decision, in an order in which they make sense one by one."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    def of(self, record: Record) -> list[Piece]:
        """All pieces of a decision."""
        ts = to_rfc3339(record.now)
        return [Piece(topic, whose, ts, encode(row)) for topic, whose, row in self._rows(record)]

    def _rows(self, record: Record) -> Iterator[tuple[str, str | None, Any]]:
        yield from self._orders(record)
        for event in record.events:
            if type(event) is ev.OrderFilled:
                yield FILL, event.fill.strategy_id, self._fill(event)
            elif type(event) in _PART_EVENTS:
                yield from self._part(event)
            elif type(event) in _POSITION_EVENTS:
                yield from self._position(event, record)
        yield from self._budgets(record)

    def _orders(self, record: Record) -> Iterator[tuple[str, str | None, Any]]:
        """Each order once, as the decision left it."""
        dashboard = self._dashboard
        for order_id in dict.fromkeys(_order_of(event) for event in record.events if type(event) in _ORDER_EVENTS):
            order = dashboard.desk.state.order(order_id)
            if order is not None:
                row = to_order(order, dashboard.instruments, dashboard.name_of)
                yield ORDER, order.terms.strategy_id, row

    def _fill(self, event: ev.OrderFilled) -> Any:
        dashboard = self._dashboard
        order = dashboard.desk.state.order(event.fill.order_id)
        name = None if order is None else order.terms.client_order_id
        return to_fill(event.fill, name, dashboard.instruments, dashboard.name_of)

    def _part(self, event: Any) -> Iterator[tuple[str, str | None, Any]]:
        dashboard, part = self._dashboard, event.part
        state = dashboard.desk.state
        if type(event) is ev.PartClosed:
            currency = state.instruments[part.symbol].quote_currency
            yield POSITION, part.strategy_id, self._closed(part, event, currency, part.strategy_id)
        else:
            held = held_part(state, part, part.strategy_id, dashboard.desk.quotes.get)
            yield POSITION, part.strategy_id, to_open_position(held, dashboard.instruments, dashboard.name_of)

    def _position(self, event: Any, record: Record) -> Iterator[tuple[str, str | None, Any]]:
        """What is in no book: of a netting account's position perhaps a share, perhaps nothing."""
        dashboard, position = self._dashboard, event.position
        account = dashboard.desk.state.accounts[position.account_id]
        if type(event) is ev.PositionClosed:
            if event.part is not None and not loose_quantity(record, dashboard.desk.state, position, event.part):
                return
            yield POSITION, None, self._closed(position, event, account.terms.currency, None)
            return
        held = next((each for each in self._held(account) if _is_loose_of(each.position, position)), None)
        if held is not None:
            yield POSITION, None, to_open_position(held, dashboard.instruments, dashboard.name_of)

    def _held(self, account: Account) -> Iterator[Any]:
        found = held_by(self._dashboard.desk.state, account, self._dashboard.desk.quotes.get)
        return (each for each in found if each.strategy_id is None)

    def _closed(self, position: Position, event: Any, currency: str, strategy_id: str | None) -> Any:
        closing = Closing(
            position_id=position.position_id, account_id=position.account_id, symbol=position.symbol,
            side=position.side, quantity=position.quantity, entry_price=position.average_entry_price,
            exit_price=event.exit_price, currency=currency, opened_at=position.opened_at, closed_at=event.closed_at,
            order_id=0, realized_pnl=position.realized_pnl, fees=position.commission,
            peak_quantity=position.peak_quantity, strategy_id=strategy_id,
        )  # fmt: skip
        return to_closed_position([closing], self._dashboard.instruments, self._dashboard.name_of)

    def _budgets(self, record: Record) -> Iterator[tuple[str, str | None, Any]]:
        for strategy_id in dict.fromkeys(self._whose(record)):
            books = list(self._dashboard.books(strategy_id).values())
            for currency in sorted({currency for book in books for currency in book.allocated}):
                yield BUDGET, strategy_id, to_budget(strategy_id, currency, books)

    def _whose(self, record: Record) -> Iterator[str]:
        """Strategies whose budgets may stand otherwise after a decision."""
        state = self._dashboard.desk.state
        for event in record.events:
            if isinstance(event, ev.BudgetSet | ev.BudgetRemoved | ev.BookFilled):
                yield event.strategy_id
            elif type(event) in _ORDER_EVENTS or type(event) is ev.OrderHoldChanged:
                order = state.order(_order_of(event))
                if order is not None and order.terms.strategy_id is not None:
                    yield order.terms.strategy_id


def _is_loose_of(held: Position, position: Position) -> bool:
    return held.position_id == position.position_id


def _order_of(event: Any) -> OrderId:
    order_id: OrderId = event.fill.order_id if type(event) is ev.OrderFilled else event.order_id
    return order_id


def accounts_in(record: Record) -> set[AccountId]:
    """Accounts that a decision concerns."""
    found: set[AccountId] = set()
    for event in record.events:
        account_of: Callable[[Any], AccountId] | None = ACCOUNT_OF[type(event)]
        if account_of is not None:
            found.add(account_of(event))
    return found
