"""Frames of the stream: what a decision did to an account, told by channel in the terminal's words."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from tradehall.app.desk import Desk
from tradehall.app.projections.tickets import closed_ticket, is_pending
from tradehall.domain.account import MarginState
from tradehall.domain.ids import AccountId, FillId, OrderId, PositionId
from tradehall.domain.order import Order, OrderRole
from tradehall.domain.position import ClosedPart
from tradehall.domain.time import NS_PER_MS
from tradehall.engine import events as ev
from tradehall.faces.kit import Frame
from tradehall.faces.kit.response import ENCODER
from tradehall.faces.terminal import schemas
from tradehall.faces.terminal.translate import number, reason_word, to_closed_position, to_order, to_position


class AuthFrame(Struct, tag_field="type", tag="auth", frozen=True, gc=False):
    """Whether the key was taken."""

    success: bool
    message: str


class TickFrame(Struct, tag_field="type", tag="tick", frozen=True, gc=False):
    """A quote."""

    symbol: str
    bid: float
    ask: float
    time: int


class SubscribedFrame(Struct, tag_field="type", tag="subscribed", frozen=True, gc=False):
    """What is followed from now on; `totalSubscriptions` counts symbols."""

    totalSubscriptions: int
    symbols: list[str] | UnsetType = UNSET
    channels: list[str] | UnsetType = UNSET


class UnsubscribedFrame(Struct, tag_field="type", tag="unsubscribed", frozen=True, gc=False):
    """What is followed no longer."""

    totalSubscriptions: int
    symbols: list[str] | UnsetType = UNSET
    channels: list[str] | UnsetType = UNSET


class ListFrame(Struct, tag_field="type", tag="list", frozen=True, gc=False):
    """All that is followed."""

    symbols: list[str]
    channels: list[str]
    totalSubscriptions: int


class ErrorFrame(Struct, tag_field="type", tag="error", frozen=True, gc=False):
    """A frame that was not understood, or asked for too much."""

    message: str
    code: str | UnsetType = UNSET


class PongFrame(Struct, tag_field="type", tag="pong", frozen=True, gc=False):
    """The answer to a ping."""

    time: int


class DealShown(Struct, frozen=True, gc=False):
    """What closed a part of a position."""

    deal: int
    volume: float
    price: float
    profit: float
    reason: schemas.ReasonWord


class PositionFrame(Struct, tag_field="type", tag="position", frozen=True, gc=False):
    """Something happened to a position: opened, updated, modified, closed. `deal`: what closed a part of it."""

    event: str
    data: schemas.Position
    deal: DealShown | UnsetType = UNSET
    close_price: float | UnsetType = UNSET
    profit: float | UnsetType = UNSET
    reason: schemas.ReasonWord | UnsetType = UNSET


class OrderFrame(Struct, tag_field="type", tag="order", frozen=True, gc=False):
    """Something happened to a pending order: placed, modified, cancelled, expired, filled, rejected."""

    event: str
    data: schemas.Order


class AccountShown(Struct, frozen=True, gc=False):
    """What the account is worth."""

    balance: float
    equity: float
    margin: float
    free_margin: float
    margin_level: float | None
    profit: float


class AccountFrame(Struct, tag_field="type", tag="account", frozen=True, gc=False):
    """The account is worth something else now."""

    data: AccountShown


class NotificationFrame(Struct, tag_field="type", tag="notification", frozen=True, gc=False):
    """Something that the owner should know of."""

    level: str
    code: str
    message: str
    time: int


def encoded(frame: Struct) -> Frame:
    """A frame as it goes to any number of sockets."""
    return Frame(ENCODER.encode(frame))


# Orders.


ORDER_WORDS: Final[dict[type, str]] = {
    ev.OrderAccepted: "placed",
    ev.OrderAmended: "modified",
    ev.OrderCancelled: "cancelled",
    ev.OrderExpired: "expired",
    ev.OrderFilled: "filled",
    ev.OrderRejected: "rejected",
    ev.OrderFailed: "rejected",
}


class OrderFrames:
    """The encoder of the channel `orders`: pending orders, no exit legs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, account_id: AccountId, events: Sequence[ev.AnyEvent], now: int) -> list[Frame]:
        """Frames of `events`, made while the state is what they left."""
        state = self._desk.state
        frames: list[Frame] = []
        for event in events:
            word = ORDER_WORDS.get(type(event))
            order = None if word is None else state.order(order_of(event))
            if order is None or word is None or not is_pending(order):
                continue
            is_part = type(event) is ev.OrderFilled and order.is_working
            frames.append(encoded(OrderFrame("modified" if is_part else word, to_order(state, order))))
        return frames


def order_of(event: Any) -> OrderId:
    """The order that an order's event is about."""
    number_of: OrderId = event.fill.order_id if type(event) is ev.OrderFilled else event.order_id
    return number_of


# Positions.

_LEGS: Final = frozenset({OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT})
_LEG_EVENTS: Final = frozenset({ev.OrderAccepted, ev.OrderAmended, ev.OrderCancelled, ev.OrderFailed, ev.OrderExpired})


class PositionFrames:
    """The encoder of the channel `positions`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, account_id: AccountId, events: Sequence[ev.AnyEvent], now: int) -> list[Frame]:
        """Frames of `events`; changed exits are told last, of positions not told of anyway."""
        told: dict[PositionId, None] = {}
        frames: list[Frame] = []
        for event in events:
            frame = self._frame(event, events)
            if frame is not None:
                told[frame.data.ticket] = None
                frames.append(encoded(frame))
        for position_id in dict.fromkeys(self._moved_exits(events)):
            position = self._desk.state.position(account_id, position_id)
            if position is not None and position_id not in told:
                shown = to_position(self._desk.state, position, self._desk.quotes.get)
                frames.append(encoded(PositionFrame("modified", shown)))
        return frames

    def _frame(self, event: ev.AnyEvent, events: Sequence[ev.AnyEvent]) -> PositionFrame | None:
        state, quote_of = self._desk.state, self._desk.quotes.get
        if type(event) is ev.PositionOpened:
            return PositionFrame("opened", to_position(state, event.position, quote_of))
        if type(event) is ev.PositionChanged:
            deal = UNSET if event.part is None else self._deal(event.part, event.position.symbol, events)
            return PositionFrame("updated", to_position(state, event.position, quote_of), deal)
        if type(event) is ev.PositionClosed and event.part is not None:
            reason = self._reason(event.part)
            shown = to_closed_position(closed_ticket(state, event.position, event.part, is_last=True), reason)
            return PositionFrame("closed", shown, close_price=shown.close_price, profit=shown.profit, reason=reason)
        return None

    def _deal(self, part: ClosedPart, symbol: str, events: Sequence[ev.AnyEvent]) -> DealShown:
        lots = part.quantity / self._desk.state.instruments[symbol].contract_size
        return DealShown(
            deal=_fill_of(part.order_id, events),
            volume=number(lots),
            price=number(part.exit_price),
            profit=number(part.realized_pnl),
            reason=self._reason(part),
        )

    def _reason(self, part: ClosedPart) -> schemas.ReasonWord:
        order = self._desk.state.order(part.order_id)
        if order is None:
            return reason_word(None, "", None)
        return reason_word(order.role, order.terms.source, order.terms.strategy_id)

    def _moved_exits(self, events: Sequence[ev.AnyEvent]) -> Iterator[PositionId]:
        for event in events:
            if type(event) in _LEG_EVENTS:
                leg = self._desk.state.order(order_of(event))
                if leg is not None and leg.role in _LEGS and leg.terms.position_id is not None:
                    yield leg.terms.position_id


def _fill_of(order_id: OrderId, events: Sequence[ev.AnyEvent]) -> FillId:
    return next(e.fill.fill_id for e in events if type(e) is ev.OrderFilled and e.fill.order_id == order_id)


# Notifications.

_MARGIN: Final[dict[MarginState, tuple[str, str, str]]] = {
    MarginState.NORMAL: ("info", "MARGIN_RESTORED", "The margin level is above the margin call level again"),
    MarginState.CALLED: ("warning", "MARGIN_CALL", "Margin call: the margin level is {level} %"),
    MarginState.STOPPED_OUT: (
        "error",
        "STOP_OUT",
        "Stop out at a margin level of {level} %: positions are closed",
    ),
}
assert _MARGIN.keys() == set(MarginState)

_EXITS: Final = {
    OrderRole.STOP_LOSS: ("STOP_LOSS", "Stop loss of position {ticket} was reached at {price}"),
    OrderRole.TAKE_PROFIT: ("TAKE_PROFIT", "Take profit of position {ticket} was reached at {price}"),
    OrderRole.LIQUIDATION: ("LIQUIDATION", "Position {ticket} was closed at {price}: the margin is used up"),
}


class NotificationFrames:
    """The encoder of the channel `notifications`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, account_id: AccountId, events: Sequence[ev.AnyEvent], now: int) -> list[Frame]:
        """Frames of `events`."""
        notices = (self._notice(event) for event in events)
        return [notification(*notice, now) for notice in notices if notice is not None]

    def _notice(self, event: ev.AnyEvent) -> tuple[str, str, str] | None:
        if type(event) is ev.MarginStateChanged:
            level, code, text = _MARGIN[event.state]
            shown = "0" if event.margin_level is None else f"{event.margin_level:.2f}"
            return level, code, text.format(level=shown)
        if type(event) is ev.PositionClosed and event.part is not None:
            return self._closed(event)
        if type(event) is ev.OrderFailed:
            return self._failed(event, self._desk.state.order(event.order_id))
        return None

    def _closed(self, event: ev.PositionClosed) -> tuple[str, str, str] | None:
        order = None if event.part is None else self._desk.state.order(event.part.order_id)
        if order is None or order.role not in _EXITS:
            return None
        code, text = _EXITS[order.role]
        level = "error" if order.role is OrderRole.LIQUIDATION else "info"
        return level, code, text.format(ticket=event.position.position_id, price=event.exit_price)

    def _failed(self, event: ev.OrderFailed, order: Order | None) -> tuple[str, str, str] | None:
        if order is None or order.role not in _LEGS:
            return None
        message = f"Position {order.terms.position_id} is unprotected: {event.rejection.message}"
        return "error", "POSITION_UNPROTECTED", message


def notification(level: str, code: str, message: str, at: int) -> Frame:
    """A notification at `at` [ns UTC]."""
    return encoded(NotificationFrame(level, code, message, at // NS_PER_MS))
