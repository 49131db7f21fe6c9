"""Frames of the stream: what a decision did to an account, in the gateway's words and order."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from tradehall.app.breakers import Breaker, is_exit
from tradehall.app.desk import Desk
from tradehall.app.subscriptions import Subscriptions
from tradehall.domain.account import MarginState
from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.instrument import Instrument
from tradehall.domain.money import ZERO
from tradehall.domain.order import Order, OrderRole, OrderStatus
from tradehall.domain.position import Position
from tradehall.domain.time import to_rfc3339
from tradehall.engine import events as ev
from tradehall.engine.valuation import liquidation_price, value_account, value_position
from tradehall.faces.gateway import schemas
from tradehall.faces.gateway.translate import (
    Instruments,
    number,
    order_id_text,
    position_id_text,
    symbol_text,
    to_account,
    to_closed_position,
    to_order,
    to_position,
    to_trade,
)
from tradehall.faces.kit import Frame
from tradehall.faces.kit.response import ENCODER


class OrderFrame(Struct, tag_field="type", tag="order", frozen=True, gc=False):
    """Something happened to an order; `parent_order_id` names the entry of an exit leg."""

    event: str
    order: schemas.Order
    parent_order_id: str | None
    timestamp: str


class TradeFrame(Struct, tag_field="type", tag="trade", frozen=True, gc=False):
    """An order was filled, or part of it."""

    trade: schemas.Trade
    timestamp: str
    event: str = "TRADE_FILLED"


class PositionFrame(Struct, tag_field="type", tag="position", frozen=True, gc=False):
    """A position was opened, changed its size, or went flat."""

    event: str
    position: schemas.Position
    timestamp: str


class AccountFrame(Struct, tag_field="type", tag="account", frozen=True, gc=False):
    """The account is worth something else now."""

    event: str
    account: schemas.Account
    timestamp: str


class FinancingFrame(Struct, tag_field="type", tag="financing", frozen=True, gc=False):
    """Overnight carry in account currency, negative when charged."""

    symbol: str
    amount: str
    timestamp: str


class QuoteFrame(Struct, tag_field="type", tag="quote", frozen=True, gc=False):
    """A quote."""

    quote: schemas.Quote
    timestamp: str


class CandleFrame(Struct, tag_field="type", tag="candle", frozen=True, gc=False):
    """A bar that has closed."""

    bar: schemas.Bar
    timestamp: str


class ConnectionFrame(Struct, tag_field="type", tag="connection", frozen=True, gc=False, omit_defaults=True):
    """The connection to us, or ours to the provider."""

    event: str
    timestamp: str
    broker: str | None = None
    error: str | None = None


class StalenessFrame(Struct, tag_field="type", tag="data_staleness", frozen=True, gc=False):
    """Symbols fell silent (STALE, all at once) or one is heard again (FRESH)."""

    event: str
    symbols: list[str]
    broker: str
    stale_since: str
    timestamp: str


class RateLimitFrame(Struct, tag_field="type", tag="rate_limit", frozen=True, gc=False):
    """The caller's limit is near, or was met."""

    event: str
    requests_remaining: int
    reset_at: str
    timestamp: str


class ErrorFrame(Struct, tag_field="type", tag="error", frozen=True, gc=False):
    """Something went wrong that the client should know of."""

    code: str
    message: str
    timestamp: str
    details: dict[str, Any] | None = None


class CompleteFrame(Struct, tag_field="type", tag="backtest_complete", frozen=True, gc=False):
    """A backtest has reached its end; there is one of these in a run."""

    broker: str
    timestamp: str


class PingFrame(Struct, tag_field="type", tag="ping", frozen=True, gc=False):
    """A heartbeat; the client answers with a pong."""

    timestamp: str


def encoded(frame: Struct) -> Frame:
    """A frame as it goes to any number of sockets."""
    return Frame(ENCODER.encode(frame))


# The order in which the frames of one decision go out, whatever the order of its events: a fill's order,
# trade, financing, position, account; then what it set off.
_ORDER, _TRADE, _FINANCING, _POSITION, _ACCOUNT, _AFTER = range(6)


class AccountFrames:
    """The channel's encoder: events of one account in one decision → frames in the order of the contract."""

    def __init__(self, desk: Desk, subscriptions: Subscriptions, exits: Breaker) -> None:
        self._desk = desk
        self._exits = exits
        self._subscriptions = subscriptions

    def __call__(self, account_id: AccountId, events: Sequence[ev.AnyEvent], now: int) -> list[Frame]:
        """Frames of `events`, made while the state is what they left."""
        telling = _Telling(self._desk, self._subscriptions, self._exits, account_id, events, now)
        return telling.frames()


class _Telling:
    """One decision being told."""

    def __init__(
        self,
        desk: Desk,
        subscriptions: Subscriptions,
        exits: Breaker,
        account_id: AccountId,
        events: Sequence[ev.AnyEvent],
        now: int,
    ) -> None:
        self._state = desk.state
        self._quote_of = desk.quotes.get
        self._lets_pass = subscriptions.lets_pass
        self._exits = exits
        self._account_id = account_id
        self._events = events
        self._has_fill = any(type(event) is ev.OrderFilled for event in events)
        self._at = to_rfc3339(now)
        self._now = now
        self._parts: tuple[list[Struct], ...] = ([], [], [], [], [], [])
        self._account_events: dict[str, None] = {}

    def frames(self) -> list[Frame]:
        for event in self._events:
            tell = _TELL.get(type(event))
            if tell is not None:
                tell(self, event)
        account = self._state.accounts.get(self._account_id)
        if account is not None and self._account_events and self._lets_pass("account", None):
            value = to_account(value_account(self._state, account, self._quote_of))
            self._parts[_ACCOUNT].extend(AccountFrame(word, value, self._at) for word in self._account_events)
        return [encoded(frame) for part in self._parts for frame in part]

    @property
    def _instruments(self) -> Instruments:
        return self._state.instruments

    def _passes(self, kind: str, symbol: str) -> bool:
        instrument: Instrument = self._instruments[symbol]
        return self._lets_pass(kind, instrument)

    # Orders.

    def _order(self, word: str, order_id: OrderId, part: int = _AFTER) -> Order | None:
        order = self._state.order(order_id)
        if order is not None and self._passes("order", order.terms.symbol):
            parent = None if order.parent_order_id is None else order_id_text(order.parent_order_id)
            shown = to_order(order, self._instruments)
            self._parts[part].append(OrderFrame(word, shown, parent, self._at))
        return order

    def accepted(self, event: ev.OrderAccepted) -> None:
        if event.role is OrderRole.LIQUIDATION:
            self._tell_liquidation(event)
        self._order("ORDER_CREATED", event.order_id)

    def amended(self, event: ev.OrderAmended) -> None:
        self._order("ORDER_MODIFIED", event.order_id)

    def cancelled(self, event: ev.OrderCancelled) -> None:
        self._order("ORDER_CANCELLED", event.order_id)

    def expired(self, event: ev.OrderExpired) -> None:
        self._order("ORDER_EXPIRED", event.order_id)

    def rejected(self, event: ev.OrderRejected) -> None:
        self._order("ORDER_REJECTED", event.order_id)

    def failed(self, event: ev.OrderFailed) -> None:
        order = self._order("ORDER_REJECTED", event.order_id)
        if order is not None and is_exit(order):
            self._tell_unprotected(order, event.rejection.message)

    def filled(self, event: ev.OrderFilled) -> None:
        fill = event.fill
        order = self._state.order(fill.order_id)
        is_whole = order is not None and order.status is OrderStatus.FILLED
        self._order("ORDER_FILLED" if is_whole else "ORDER_PARTIALLY_FILLED", fill.order_id, _ORDER)
        if self._passes("trade", fill.symbol):
            self._parts[_TRADE].append(TradeFrame(to_trade(fill, self._instruments), self._at))
        self._account_events["BALANCE_UPDATED"] = None

    # Positions and money.

    def _position(self, word: str, shown: schemas.Position, symbol: str) -> None:
        if self._passes("position", symbol):
            self._parts[_POSITION].append(PositionFrame(word, shown, self._at))

    def _shown(self, position: Position) -> schemas.Position:
        account = self._state.accounts[position.account_id]
        return to_position(
            position,
            value_position(self._state, position, self._quote_of),
            self._instruments,
            liquidation_price=liquidation_price(self._state, account, position, self._quote_of),
        )

    def opened(self, event: ev.PositionOpened) -> None:
        self._position("POSITION_OPENED", self._shown(event.position), event.position.symbol)

    def changed(self, event: ev.PositionChanged) -> None:
        if self._has_fill:  # Without one the size stays: a swap was booked, and the account frame says so.
            self._position("POSITION_MODIFIED", self._shown(event.position), event.position.symbol)

    def closed(self, event: ev.PositionClosed) -> None:
        shown = to_closed_position(event.position, event.closed_at, event.exit_price, self._instruments)
        self._position("POSITION_CLOSED", shown, event.position.symbol)

    def booked(self, event: ev.BalanceChanged) -> None:
        self._account_events["BALANCE_UPDATED"] = None
        symbol = event.symbol
        if event.entry is not ev.EntryKind.SWAP or symbol is None or not self._passes("financing", symbol):
            return
        position = self._state.position(event.account_id, event.position_id or 0)
        text = self._instruments[symbol].display if position is None else symbol_text(position, self._instruments)
        self._parts[_FINANCING].append(FinancingFrame(text, number(event.amount), self._at))

    def margin_state(self, event: ev.MarginStateChanged) -> None:
        is_normal = event.state is MarginState.NORMAL
        self._account_events["BALANCE_UPDATED" if is_normal else "MARGIN_CALL"] = None

    # What the client must know at once; no subscription holds it back.

    def _error(self, code: str, message: str, details: dict[str, Any]) -> None:
        self._parts[_AFTER].append(ErrorFrame(code, message, self._at, details))

    def _tell_liquidation(self, event: ev.OrderAccepted) -> None:
        terms = event.terms
        symbol = symbol_text(terms, self._instruments)
        details = {
            "order_id": order_id_text(event.order_id),
            "position_id": None if terms.position_id is None else position_id_text(terms.position_id),
            "symbol": symbol,
            "side": terms.side,
            "quantity": number(terms.quantity),
        }
        self._error("LIQUIDATION", f"The margin is used up: {symbol} is being closed", details)

    def _tell_unprotected(self, order: Order, reason: str) -> None:
        symbol = symbol_text(order.terms, self._instruments)
        name = "StopLoss" if order.role is OrderRole.STOP_LOSS else "TakeProfit"
        parent = order.parent_order_id or order.order_id
        details = {
            "order_id": order_id_text(parent),
            "symbol": symbol,
            "circuit_breaker_open": self._exits.is_open,
            "failed_exits": [{"type": name, "error": reason, "actual_order_ids": [order_id_text(order.order_id)]}],
        }
        self._error("POSITION_UNPROTECTED", f"{name} of {symbol} could not be placed", details)

    def double_exit(self, event: ev.OcoDoubleExit) -> None:
        first, second = self._exit(event.first_order_id), self._exit(event.second_order_id)
        orders = [self._state.order(event.first_order_id), self._state.order(event.second_order_id)]
        total = sum((order.filled_quantity for order in orders if order is not None), start=ZERO)
        symbol = next((symbol_text(order.terms, self._instruments) for order in orders if order), None)
        details = {
            "oco_group_id": event.oco_group_id,
            "symbol": symbol,
            "first_fill": first,
            "second_fill": second,
            "total_exit_quantity": number(total),
        }
        self._error("OCO_DOUBLE_EXIT", f"Two orders of OCO group {event.oco_group_id} filled", details)

    def _exit(self, order_id: OrderId) -> dict[str, Any]:
        order = self._state.order(order_id)
        quantity = None if order is None else number(order.filled_quantity)
        side = None if order is None else order.terms.side
        return {"order_id": order_id_text(order_id), "quantity": quantity, "side": side}


# What is not here is told by nothing: refused requests by their answer, the rest by its consequences.
_TELL: Final[dict[type, Callable[[_Telling, Any], None]]] = {
    ev.OrderAccepted: _Telling.accepted,
    ev.OrderAmended: _Telling.amended,
    ev.OrderCancelled: _Telling.cancelled,
    ev.OrderExpired: _Telling.expired,
    ev.OrderRejected: _Telling.rejected,
    ev.OrderFailed: _Telling.failed,
    ev.OrderFilled: _Telling.filled,
    ev.PositionOpened: _Telling.opened,
    ev.PositionChanged: _Telling.changed,
    ev.PositionClosed: _Telling.closed,
    ev.BalanceChanged: _Telling.booked,
    ev.MarginStateChanged: _Telling.margin_state,
    ev.OcoDoubleExit: _Telling.double_exit,
}
