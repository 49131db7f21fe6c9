"""Arrays of the stream: what a decision did to an account, in this door's words and order."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from tradehall.app.desk import Desk
from tradehall.app.projections.tickets import closed_ticket, is_pending, taken_out
from tradehall.app.tickets import find_live
from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.market import Quote
from tradehall.domain.order import Order, OrderRole
from tradehall.domain.position import Position
from tradehall.domain.time import NS_PER_MS
from tradehall.engine import events as ev
from tradehall.engine.state import State
from tradehall.faces.client.translate import cents, price, second, to_balance, volume
from tradehall.faces.client.words import CMD, STATE, Happened
from tradehall.faces.kit import Frame
from tradehall.faces.kit.response import ENCODER
from tradehall.ports.alerts import Alert, Notification
from tradehall.ports.tickets import Ticket, TicketKind, TicketState


def encoded(array: Sequence[Any]) -> Frame:
    """An array as it goes to any number of sockets."""
    return Frame(ENCODER.encode(array))


def quote_frame(quote: Quote) -> Frame:
    """`t`: a quote with the market's time in milliseconds."""
    return encoded(["t", quote.symbol, float(quote.bid), float(quote.ask), quote.at // NS_PER_MS])


def balance_frame(desk: Desk, login: AccountId) -> Frame | None:
    """`b`: what the account is worth now; None where there is no such account."""
    account = desk.state.accounts.get(login)
    if account is None:
        return None
    value = to_balance(desk.state, account, desk.quotes.get)
    return encoded(
        [
            "b", login, value.balance, value.margin, value.margin_free, value.margin_level, value.equity,
            value.credit, value.level_type, value.profit, int(Happened.UPDATE),
        ]
    )  # fmt: skip


def trade_frame(ticket: Ticket, happened: Happened) -> Frame:
    """`o`: a ticket; take profit comes before stop loss here."""
    return encoded(
        [
            "o", ticket.ticket, ticket.account_id, ticket.symbol, CMD[ticket.kind], volume(ticket.lots),
            price(ticket.open_price), price(ticket.close_price), second(ticket.opened_at), second(ticket.closed_at),
            price(ticket.take_profit), price(ticket.stop_loss), STATE[ticket.state], cents(ticket.swap),
            cents(ticket.commission), cents(ticket.profit), ticket.comment, int(happened),
        ]
    )  # fmt: skip


def alert_frame(alert: Alert, happened: Happened) -> Frame:
    """`a`: an alert that fired, or whose time was over."""
    trigger = alert.trigger
    return encoded(
        [
            "a", alert.alert_id, alert.login, alert.symbol, alert.indicator_name, alert.message, int(alert.side),
            int(trigger.condition), float(trigger.target), float(trigger.low), float(trigger.high),
            float(trigger.threshold), int(alert.status), int(alert.repeats), second(alert.expires_at or 0),
            price(alert.triggered_price), second(alert.triggered_at or 0), int(happened),
        ]
    )  # fmt: skip


def notice_frame(notice: Notification) -> Frame:
    """`n`: something the user should know."""
    return encoded(
        [
            "n", notice.message, notice.description, notice.token, int(notice.opened_at is not None), notice.level,
            notice.login, second(notice.created_at), notice.data, int(Happened.ADD),
        ]
    )  # fmt: skip


class AccountFrames:
    """The channel's encoder: events of one account in one decision → arrays, tickets first, then the balance.

    `told` counts the balances of each account that is followed, so that an older one can be recognised and held back.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.told: dict[AccountId, int] = {}

    def __call__(self, account_id: AccountId, events: Sequence[ev.AnyEvent], now: int) -> list[Frame]:
        """Frames of `events`, made while the state is what they left."""
        telling = _Telling(self._desk, account_id, now)
        for event in events:
            tell = _TELL.get(type(event))
            if tell is not None:
                tell(telling, event)
        frames = telling.frames()
        if telling.has_new_balance and (balance := balance_frame(self._desk, account_id)) is not None:
            self.told[account_id] = self.told.get(account_id, 0) + 1
            frames.append(balance)
        return frames


class _Telling:
    """One decision being told: of each open ticket once, by the strongest thing that happened to it."""

    def __init__(self, desk: Desk, account_id: AccountId, now: int) -> None:
        self._state: State = desk.state
        self._quote_of = desk.quotes.get
        self._account_id = account_id
        self._now = now
        self._open: dict[int, Happened] = {}
        self._filled: list[Order] = []
        self._ended: list[Frame] = []
        self._ended_numbers: set[int] = set()
        self.has_new_balance = False

    def frames(self) -> list[Frame]:
        found = []
        for number, happened in self._open.items():
            ticket = self._live(number)
            if ticket is not None:
                found.append(trade_frame(ticket, happened))
        return [*self._merged(), *found, *self._ended]

    def _live(self, number: int) -> Ticket | None:
        return find_live(self._state, self._account_id, number, self._quote_of)

    def _merged(self) -> list[Frame]:
        """Pending tickets that are none any more, and are no others under their numbers: positions are netted."""
        gone = (order for order in self._filled if order.order_id not in self._ended_numbers)
        return [
            trade_frame(taken_out(self._state, order), Happened.DELETE)
            for order in gone
            if self._live(order.order_id) is None
        ]

    def _touch(self, number: int, happened: Happened) -> None:
        if self._open.get(number, Happened.UPDATE) is Happened.UPDATE:
            self._open[number] = happened

    def _end(self, ticket: Ticket, happened: Happened) -> None:
        self._ended.append(trade_frame(ticket, happened))
        self._ended_numbers.add(ticket.ticket)

    # Orders: pending ones are tickets, exit legs are prices of their ticket, the others are nothing by themselves.

    def _order(self, order_id: OrderId, happened: Happened) -> None:
        order = self._state.order(order_id)
        if order is None:
            return
        if is_pending(order):
            self._touch(order_id, happened)
        elif order.role in (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT) and order.terms.position_id is not None:
            self._touch(order.terms.position_id, Happened.UPDATE)

    def accepted(self, event: ev.OrderAccepted) -> None:
        self._order(event.order_id, Happened.ADD)
        # What a market order holds is told with its fill.
        self.has_new_balance |= event.order_id in self._open

    def amended(self, event: ev.OrderAmended) -> None:
        self._order(event.order_id, Happened.UPDATE)
        # At another price a pending ticket holds another margin.
        self.has_new_balance |= bool(event.margin_held)

    def ended(self, event: "ev.OrderCancelled | ev.OrderExpired | ev.OrderFailed") -> None:
        order = self._state.order(event.order_id)
        if order is None:
            return
        self.has_new_balance |= is_pending(order)
        if is_pending(order) and not order.filled_quantity:
            self._end(taken_out(self._state, order), Happened.DELETE)
        else:
            self._order(event.order_id, Happened.UPDATE)
            if is_pending(order):
                self._filled.append(order)

    def filled(self, event: ev.OrderFilled) -> None:
        self.has_new_balance = True
        order = self._state.order(event.fill.order_id)
        if order is not None and is_pending(order):
            self._touch(order.order_id, Happened.UPDATE)
            self._filled.append(order)

    # Positions.

    def opened(self, event: ev.PositionOpened) -> None:
        position = event.position
        order = self._state.order(position.position_id)
        was_pending = order is not None and is_pending(order)
        self._touch(position.position_id, Happened.ACTIVATE if was_pending else Happened.ADD)

    def changed(self, event: ev.PositionChanged) -> None:
        self._touch(event.position.position_id, Happened.UPDATE)
        if event.part is not None:
            self._end(closed_ticket(self._state, event.position, event.part, is_last=False), Happened.CLOSE)

    def closed(self, event: ev.PositionClosed) -> None:
        position: Position = event.position
        self._open.pop(position.position_id, None)
        if event.part is not None:
            self._end(closed_ticket(self._state, position, event.part, is_last=True), Happened.CLOSE)

    # Money.

    def booked(self, event: ev.BalanceChanged) -> None:
        self.has_new_balance = True
        kind = _FUNDS.get(event.entry)
        if kind is None:
            return
        ticket = Ticket(
            ticket=self._state.seq,
            account_id=event.account_id,
            kind=kind,
            state=TicketState.FINANCE,
            opened_at=self._now,
            closed_at=self._now,
            profit=event.amount,
            comment=event.comment,
        )
        self._end(ticket, Happened.ADD)

    def level(self, event: ev.MarginStateChanged) -> None:
        self.has_new_balance = True


_FUNDS: Final = {
    ev.EntryKind.DEPOSIT: TicketKind.BALANCE_IN,
    ev.EntryKind.WITHDRAWAL: TicketKind.BALANCE_OUT,
    ev.EntryKind.ADJUSTMENT: TicketKind.CORRECTION,
}

# What is not here is told by nothing, or by its consequences.
_TELL: Final[dict[type, Callable[[_Telling, Any], None]]] = {
    ev.OrderAccepted: _Telling.accepted,
    ev.OrderAmended: _Telling.amended,
    ev.OrderCancelled: _Telling.ended,
    ev.OrderExpired: _Telling.ended,
    ev.OrderFailed: _Telling.ended,
    ev.OrderFilled: _Telling.filled,
    ev.PositionOpened: _Telling.opened,
    ev.PositionChanged: _Telling.changed,
    ev.PositionClosed: _Telling.closed,
    ev.BalanceChanged: _Telling.booked,
    ev.MarginStateChanged: _Telling.level,
}
