"""Events in words, as seen from one order."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, get_args

from tradehall.app.audit_lines import shown_order
from tradehall.app.explain.scene import Scene
from tradehall.app.explain.sentences import ROLES, amount, changes, executed, money, refusal, units, wish
from tradehall.domain.order import Hold, OrderRole
from tradehall.domain.position import Position
from tradehall.engine import events as ev

# Kind of the step, and its sentence.
Said = tuple[str, str]

RELATED: Final = "related"


def said_of(event: ev.AnyEvent, scene: Scene) -> Said | None:
    """What an event is to the order; None: nothing."""
    teller = _TELLERS[type(event)]
    return None if teller is None else teller(event, scene)


def terms_after(event: ev.AnyEvent, scene: Scene) -> Scene:
    """The scene after an event: an amendment gives the order other terms."""
    if isinstance(event, ev.OrderAmended) and event.order_id == scene.order_id:
        return Scene(scene.record, scene.order_id, event.terms, scene.instrument, scene.currency)
    return scene


def _accepted(event: ev.OrderAccepted, scene: Scene) -> Said:
    role = ROLES[event.role]
    if event.order_id != scene.order_id:
        whose = "its" if event.parent_order_id == scene.order_id else "the"
        return (
            RELATED,
            f"{shown_order(event.order_id)} was placed as {whose} {role}: {wish(event.terms, scene.instrument)}",
        )
    held = _held(event.margin_held, event.hold, scene)
    if event.role in (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT, OrderRole.LIQUIDATION):
        of = "" if event.parent_order_id is None else f" of {shown_order(event.parent_order_id)}"
        said = (
            f"The house placed {shown_order(event.order_id)} as the {role}{of}: {wish(event.terms, scene.instrument)}"
        )
        return "accepted", said + held
    return "accepted", f"Accepted as {shown_order(event.order_id)}{held}"


def _held(margin: Decimal, hold: Hold | None, scene: Scene) -> str:
    said = f"; {money(margin, scene.currency)} of margin held" if margin else ""
    return said if hold is None else f"{said}; {money(hold.amount, hold.currency)} of the strategy's budget reserved"


def _rejected(event: ev.OrderRejected, scene: Scene) -> Said:
    if event.order_id != scene.order_id:
        return RELATED, f"{shown_order(event.order_id)} was refused: {event.rejection.message}"
    return "refused", f"Refused: {refusal(event.rejection, scene.instrument, scene.currency)}"


def _request_refused(event: ev.RequestRefused, scene: Scene) -> Said:
    return "refused", f"The wish was refused: {refusal(event.rejection, scene.instrument, scene.currency)}"


def _opened(event: ev.OrderOpened, scene: Scene) -> Said:
    return "working", f"{shown_order(event.order_id)} rests at the venue"


def _amended(event: ev.OrderAmended, scene: Scene) -> Said:
    if event.order_id != scene.order_id:
        return RELATED, f"{shown_order(event.order_id)} was changed with it: {wish(event.terms, scene.instrument)}"
    place = "it keeps its place in the queue" if event.keeps_priority else "it goes to the back of the queue"
    said = f"Changed: {changes(scene.terms, event.terms)}; {place}"
    return "amended", said + _held(event.margin_held, event.hold, scene)


def _triggered(event: ev.OrderTriggered, scene: Scene) -> Said:
    return "triggered", f"The stop was touched at {amount(event.price)}"


def _filled(event: ev.OrderFilled, scene: Scene) -> Said:
    said = executed(event.fill, scene.instrument)
    if event.fill.order_id != scene.order_id:
        return RELATED, f"{shown_order(event.fill.order_id)} was filled: {said}"
    return "filled", f"Filled: {said}" + _held(event.margin_held, event.hold, scene)


def _cancelled(event: ev.OrderCancelled, scene: Scene) -> Said:
    kind = "cancelled" if event.order_id == scene.order_id else RELATED
    return kind, f"{shown_order(event.order_id)} was cancelled: {event.reason}"


def _expired(event: ev.OrderExpired, scene: Scene) -> Said:
    kind = "expired" if event.order_id == scene.order_id else RELATED
    return kind, f"{shown_order(event.order_id)} expired: its time was up"


def _failed(event: ev.OrderFailed, scene: Scene) -> Said:
    kind = "refused" if event.order_id == scene.order_id else RELATED
    return kind, f"{shown_order(event.order_id)} was refused by the venue: {event.rejection.message}"


def _position(word: str) -> Callable[[Any, Scene], Said]:
    def said(event: Any, scene: Scene) -> Said:
        position: Position = event.position
        text = f"pos_{position.position_id} {word}: {position.side} {units(position.quantity, scene.instrument)}"
        return "position", text + f" of {scene.instrument.display}, opened at {amount(position.average_entry_price)}"

    return said


def _position_closed(event: ev.PositionClosed, scene: Scene) -> Said:
    earned = money(event.position.realized_pnl, scene.currency)
    return "position", f"pos_{event.position.position_id} is closed at {amount(event.exit_price)}; it realised {earned}"


def _booked(event: ev.BalanceChanged, scene: Scene) -> Said:
    what = event.entry.value.replace("_", " ").lower()
    return "ledger", f"Booked {what} {money(event.amount, scene.currency)}; the balance is {amount(event.balance)}"


def _margin(event: ev.MarginStateChanged, scene: Scene) -> Said:
    level = "none" if event.margin_level is None else f"{amount(event.margin_level)} %"
    said = f"Margin state {event.state}: equity {money(event.equity, scene.currency)}"
    return "margin", f"{said}, margin used {amount(event.margin_used)}, margin level {level}"


def _double_exit(event: ev.OcoDoubleExit, scene: Scene) -> Said:
    both = f"{shown_order(event.first_order_id)} and {shown_order(event.second_order_id)}"
    return RELATED, f"Both orders of OCO group {event.oco_group_id} were filled: {both}"


def _unmatched(event: ev.ReportUnmatched, scene: Scene) -> Said:
    return "unmatched", f"The venue's report books nothing: {event.reason}"


def _hold(event: ev.OrderHoldChanged, scene: Scene) -> Said:
    kept = money(event.hold.amount, event.hold.currency)
    kind = "budget" if event.order_id == scene.order_id else RELATED
    return kind, f"{shown_order(event.order_id)} keeps {kept} of its budget from now on"


def _book(event: ev.BookFilled, scene: Scene) -> Said:
    said = f"Into the book of strategy {event.strategy_id}: {event.side} {units(event.quantity, scene.instrument)}"
    return "book", f"{said}, realised {money(event.realized_pnl, event.currency)}, fees {amount(event.fees)}"


def _part(word: str) -> Callable[[Any, Scene], Said]:
    def said(event: Any, scene: Scene) -> Said:
        part: Position = event.part
        text = f"The part of strategy {part.strategy_id} {word}: {part.side} {units(part.quantity, scene.instrument)}"
        return "book", text

    return said


def _trading_state(event: ev.TradingStateSet, scene: Scene) -> Said:
    who = "the account" if event.strategy_id is None else f"strategy {event.strategy_id}"
    why = f": {event.reason}" if event.reason else ""
    return "state", f"Trading of {who} was set to {event.trading_state}{why}"


# None: no matter of an order.
_TELLERS: Final[dict[type, Callable[[Any, Scene], Said] | None]] = {
    ev.OrderAccepted: _accepted,
    ev.OrderRejected: _rejected,
    ev.RequestRefused: _request_refused,
    ev.OrderOpened: _opened,
    ev.OrderAmended: _amended,
    ev.OrderTriggered: _triggered,
    ev.OrderFilled: _filled,
    ev.OrderCancelled: _cancelled,
    ev.OrderExpired: _expired,
    ev.OrderFailed: _failed,
    ev.PositionOpened: _position("is open"),
    ev.PositionChanged: _position("is now"),
    ev.PositionClosed: _position_closed,
    ev.BalanceChanged: _booked,
    ev.MarginStateChanged: _margin,
    ev.OcoDoubleExit: _double_exit,
    ev.ReportUnmatched: _unmatched,
    ev.OrderHoldChanged: _hold,
    ev.BookFilled: _book,
    ev.PartOpened: _part("is open"),
    ev.PartChanged: _part("is now"),
    ev.PartClosed: _part("is closed, it was"),
    ev.TradingStateSet: _trading_state,
    ev.InstrumentListed: None,
    ev.AccountOpened: None,
    ev.AccountUpdated: None,
    ev.TrailingPeakMoved: None,
    ev.RolloverBooked: None,
    ev.StrategyRegistered: None,
    ev.BudgetSet: None,
    ev.BudgetRemoved: None,
    ev.StrategyLimitsSet: None,
    ev.UnitsSplit: None,
}
assert _TELLERS.keys() == set(get_args(ev.AnyEvent))
