"""Numbers of the contract for the house's words: cmd, state, reason, what happened, levels."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from tradehall.domain.account import MarginState
from tradehall.domain.market import Timeframe
from tradehall.domain.order import OrderType, Side
from tradehall.ports.tickets import TicketKind, TicketState

SOURCE: Final = "client"

CMD: Final[Mapping[TicketKind, int]] = {
    TicketKind.BUY: 0,
    TicketKind.SELL: 1,
    TicketKind.BUY_LIMIT: 2,
    TicketKind.SELL_LIMIT: 3,
    TicketKind.BUY_STOP: 4,
    TicketKind.SELL_STOP: 5,
    TicketKind.BALANCE_IN: 6,
    TicketKind.BALANCE_OUT: 8,
    TicketKind.BUY_STOP_LIMIT: 10,
    TicketKind.SELL_STOP_LIMIT: 11,
    TicketKind.BUY_TRAILING_STOP: 4,
    TicketKind.SELL_TRAILING_STOP: 5,
    TicketKind.CORRECTION: 13,
}
assert CMD.keys() == set(TicketKind)

MARKET_CMDS: Final[Mapping[int, Side]] = {0: Side.BUY, 1: Side.SELL}
PENDING_CMDS: Final[Mapping[int, tuple[Side, OrderType]]] = {
    2: (Side.BUY, OrderType.LIMIT),
    3: (Side.SELL, OrderType.LIMIT),
    4: (Side.BUY, OrderType.STOP),
    5: (Side.SELL, OrderType.STOP),
}

STATE: Final[Mapping[TicketState, int]] = {
    TicketState.OPEN: 0,
    TicketState.PENDING: 0,
    TicketState.CLOSED: 3,
    TicketState.CLOSED_PART: 4,
    TicketState.CANCELLED: 6,
    TicketState.EXPIRED: 6,
    TicketState.FINANCE: 3,
}
assert STATE.keys() == set(TicketState)

# Which door asked; whoever is not here is a client.
REASON: Final[Mapping[str, int]] = {
    "strategy": 1,
    "dashboard": 2,
    "support": 2,
    "gateway": 4,
    "terminal": 7,
}
OF_A_CLIENT: Final = 0

ENDED: Final = frozenset({TicketState.CLOSED, TicketState.CLOSED_PART, TicketState.CANCELLED, TicketState.EXPIRED})
FINANCE: Final = frozenset({TicketState.FINANCE})

# `tradeType` of a list: all, open, closed, pending, finance.
STATES_OF_TYPE: Final[tuple[frozenset[TicketState] | None, ...]] = (
    None,
    frozenset({TicketState.OPEN}),
    ENDED,
    frozenset({TicketState.PENDING}),
    FINANCE,
)

LEVEL: Final[Mapping[MarginState, int]] = {
    MarginState.NORMAL: 0,
    MarginState.CALLED: 1,
    MarginState.STOPPED_OUT: 2,
}
assert LEVEL.keys() == set(MarginState)

FRAMES: Final[Mapping[str, Timeframe]] = {
    "1M": Timeframe.M1,
    "5M": Timeframe.M5,
    "15M": Timeframe.M15,
    "30M": Timeframe.M30,
    "1H": Timeframe.H1,
    "4H": Timeframe.H4,
    "1D": Timeframe.D1,
    "1W": Timeframe.W1,
}


class Happened(IntEnum):
    """The last word of a stream's array: what happened to the record."""

    ADD = 0
    UPDATE = 1
    DELETE = 2
    RESTORE = 3
    ARCHIVE = 4
    ACTIVATE = 5
    CLOSE = 6


class Requested(IntEnum):
    """The state of an acknowledgement: what was asked for."""

    OPEN = 1
    CLOSE = 7
    CANCEL = 9
    OPEN_UPDATE = 14
    PENDING_UPDATE = 16


def reason_of(source: str) -> int:
    """Who gave the order."""
    return REASON.get(source, OF_A_CLIENT)
