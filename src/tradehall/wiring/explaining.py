"""What the streams of the doors say of an event: the frames that an explanation names.

A stream sends to whoever follows the account at that moment; what it would say follows from the event.
"""

from typing import Final

from tradehall.app.explain import Streams
from tradehall.engine import events as ev

STREAMS: Final[Streams] = {
    "gateway": {
        ev.OrderAccepted: "order ORDER_CREATED",
        ev.OrderRejected: "order ORDER_REJECTED",
        ev.OrderAmended: "order ORDER_MODIFIED",
        ev.OrderFilled: "order ORDER_FILLED or ORDER_PARTIALLY_FILLED, trade TRADE_FILLED",
        ev.OrderCancelled: "order ORDER_CANCELLED",
        ev.OrderExpired: "order ORDER_EXPIRED",
        ev.OrderFailed: "order ORDER_REJECTED",
        ev.PositionOpened: "position POSITION_OPENED",
        ev.PositionChanged: "position POSITION_MODIFIED",
        ev.PositionClosed: "position POSITION_CLOSED",
        ev.BalanceChanged: "account BALANCE_UPDATED",
        ev.MarginStateChanged: "account MARGIN_CALL or BALANCE_UPDATED",
        ev.OcoDoubleExit: "error OCO_DOUBLE_EXIT",
    },
    "client": {
        ev.OrderAccepted: "trade ADD (pending orders)",
        ev.OrderAmended: "trade UPDATE (pending orders and exits)",
        ev.OrderFilled: "balance",
        ev.OrderCancelled: "trade DELETE (pending orders) or UPDATE (exits)",
        ev.OrderExpired: "trade DELETE (pending orders) or UPDATE (exits)",
        ev.OrderFailed: "trade DELETE (pending orders) or UPDATE (exits)",
        ev.PositionOpened: "trade ADD or ACTIVATE",
        ev.PositionChanged: "trade UPDATE or CLOSE",
        ev.PositionClosed: "trade CLOSE",
        ev.BalanceChanged: "balance",
        ev.MarginStateChanged: "balance",
    },
    "terminal": {
        ev.OrderAccepted: "order placed (pending orders)",
        ev.OrderRejected: "order rejected",
        ev.OrderAmended: "order modified (pending orders)",
        ev.OrderFilled: "order filled (pending orders)",
        ev.OrderCancelled: "order cancelled (pending orders)",
        ev.OrderExpired: "order expired (pending orders)",
        ev.OrderFailed: "order rejected",
        ev.PositionOpened: "position opened",
        ev.PositionChanged: "position modified",
        ev.PositionClosed: "position closed",
        ev.BalanceChanged: "account",
    },
    "dashboard": {
        ev.OrderAccepted: "order",
        ev.OrderRejected: "order",
        ev.OrderOpened: "order",
        ev.OrderAmended: "order",
        ev.OrderTriggered: "order",
        ev.OrderFilled: "order, fill",
        ev.OrderCancelled: "order",
        ev.OrderExpired: "order",
        ev.OrderFailed: "order",
        ev.PositionOpened: "position",
        ev.PositionChanged: "position",
        ev.PositionClosed: "position",
        ev.PartOpened: "position",
        ev.PartChanged: "position",
        ev.PartClosed: "position",
        ev.BookFilled: "budget",
        ev.OrderHoldChanged: "budget",
    },
}
