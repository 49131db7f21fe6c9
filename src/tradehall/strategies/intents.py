"""The words of a decision: the facts it looks at, what it wants done, and what became of each action."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from tradehall.domain.money import ZERO
from tradehall.domain.position import PositionSide


class Held(Struct, frozen=True):
    """What the strategy's own book holds on one side: `quantity` [units], and where its exits stand."""

    quantity: Decimal
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


class BookFacts(Struct, frozen=True):
    """The strategy's own book in one symbol, and the market there.

    `held`: by side, what is open. `entries`: sides of entry orders that are still working. `bid`, `ask`: the
    last quote, None: there is none yet.
    """

    tick_size: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None
    held: Mapping[PositionSide, Held] = {}
    entries: frozenset[PositionSide] = frozenset()


class Facts(Struct, frozen=True):
    """All a decision may look at besides the signals; taken from the engine's state, so they survive a restart.

    `books`: by symbol, for every symbol the program trades. `trades_today`, `trades`: entries of this
    deployment since 00:00 UTC, and ever. `profit`: realised and open, of this deployment [account currency].
    """

    now: int
    books: Mapping[str, BookFacts]
    trades_today: int = 0
    trades: int = 0
    profit: Decimal = ZERO


class OpenPosition(Struct, frozen=True):
    """Open at market. `key`: the same for the same decision of the same bar, for the client order id."""

    key: str
    symbol: str
    side: PositionSide
    size: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None


class ClosePosition(Struct, frozen=True):
    """Close at market all that the book holds on a side."""

    key: str
    symbol: str
    side: PositionSide


class MoveExit(Struct, frozen=True):
    """Move the stop loss or take profit of what the book holds on a side."""

    key: str
    symbol: str
    side: PositionSide
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


class CancelEntries(Struct, frozen=True):
    """Cancel working entry orders of the book; side None: of both."""

    key: str
    symbol: str
    side: PositionSide | None = None


class StopReason(StrEnum):
    """Why a program ends itself."""

    EXPIRED = "expired"
    PROFIT_STOP = "profit_stop"
    LOSS_STOP = "loss_stop"


class Stop(Struct, frozen=True):
    """The deployment is over: cancel its entries, close all it holds, and when it is flat, stop."""

    reason: StopReason
    text: str


Intent: TypeAlias = OpenPosition | ClosePosition | MoveExit | CancelEntries | Stop


class Outcome(Struct, frozen=True):
    """What became of one action of a rule that was met: done, or why not."""

    path: str
    text: str
    is_done: bool
    reason: str = ""


class Decision(Struct, frozen=True):
    """What to do now, in this order, and what became of every action that was called for."""

    intents: tuple[Intent, ...]
    outcomes: tuple[Outcome, ...]
