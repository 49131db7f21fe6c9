"""The terminal's requests → the house's commands: lots into units, numbers of types, points, milliseconds."""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from tradehall.app.outcome import request_digest
from tradehall.domain.account import Account
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.money import round_to, trimmed
from tradehall.domain.order import Order, OrderTerms, OrderType, Side, TimeInForce
from tradehall.domain.position import Position
from tradehall.domain.time import NS_PER_MS
from tradehall.engine.commands import AmendOrder, ClosePosition, PlaceOrder, SetPositionExits
from tradehall.faces.kit import BadRequest, Request
from tradehall.faces.kit.instants import wire_instant
from tradehall.faces.terminal.errors import TerminalProblem, shown
from tradehall.faces.terminal.requests import (
    LAST_MS,
    CloseRequest,
    ModifyOrderRequest,
    ModifyPositionRequest,
    OrderRequest,
    TradeRequest,
)
from tradehall.faces.terminal.translate import volume_min

SOURCE: Final = "terminal"
# What a script's floats make of 0.3 lots is 0.3 lots.
NEARLY: Final = Decimal("1E-9")
CLIENT_ID_LENGTH_MAX: Final = 64
_LIMIT: Final = OrderType.LIMIT
_STOP: Final = OrderType.STOP
_GTC: Final = TimeInForce.GTC
_GTD: Final = TimeInForce.GTD

TYPE_NAMES: Final[Mapping[str, int]] = {
    "buy": 0, "sell": 1, "buy_limit": 2, "sell_limit": 3, "buy_stop": 4, "sell_stop": 5,
    "0": 0, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5,
}  # fmt: skip
SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}


class Kind(Struct, frozen=True, gc=False):
    """What is asked for: the side, and the type of a pending order or MARKET; `number` is the door's.

    `is_pending`: whether it waits for its price.
    """

    number: int
    side: Side
    type: OrderType
    is_pending: bool = True


BUY: Final = Kind(0, Side.BUY, OrderType.MARKET, is_pending=False)
SELL: Final = Kind(1, Side.SELL, OrderType.MARKET, is_pending=False)
KINDS: Final[Mapping[int, Kind]] = {
    0: BUY,
    1: SELL,
    2: Kind(2, Side.BUY, OrderType.LIMIT),
    3: Kind(3, Side.SELL, OrderType.LIMIT),
    4: Kind(4, Side.BUY, OrderType.STOP),
    5: Kind(5, Side.SELL, OrderType.STOP),
}


# Reading words and numbers.


def side(text: str, field: str) -> Side:
    """buy or sell, in any case."""
    found = SIDES.get(text.lower())
    if found is None:
        raise BadRequest(field, f"{field} was {text[:40]!r}, must be buy or sell", found=text[:40])
    return found


def type_number(value: int | str, field: str = "type") -> int:
    """0..5, or the name of it."""
    number = value if isinstance(value, int) else TYPE_NAMES.get(value.lower(), -1)
    if number not in KINDS:
        raise BadRequest(field, f"{field} was {str(value)[:40]!r}, must be 0 to 5", found=str(value)[:40])
    return number


def kind_of(action: str | None, asked: int | str | None) -> Kind:
    """What `action` and `type` say together; where both are there they must agree."""
    if action is None and asked is None:
        raise BadRequest("action", "action or type is required")
    wanted = None if action is None else side(action, "action")
    if asked is None:
        return BUY if wanted is BUY.side else SELL
    kind = KINDS[type_number(asked)]
    if wanted not in (None, kind.side):
        message = f"type {kind.number} is a {kind.side.lower()}, action was {action}"
        raise BadRequest("type", message, found=str(kind.number))
    return kind


def ticket(text: str) -> int:
    """The ticket of a path."""
    if text.isascii() and text.isdigit() and len(text) <= 19 and 0 < (number := int(text)) < 2**63:
        return number
    raise BadRequest("ticket", f"ticket was {text[:40]!r}, must be a positive integer", found=text[:40], place="path")


def instant(text: str | None, field: str) -> int | None:
    """An instant of a query, milliseconds or RFC 3339 [ns UTC]."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        number = int(text) if len(text) <= 15 else LAST_MS
        return min(number, LAST_MS) * NS_PER_MS
    try:
        at = wire_instant(text)
    except ValueError as error:
        raise BadRequest(field, f"{field}: {error}", found=text[:40], place="query") from None
    return max(-LAST_MS * NS_PER_MS, min(LAST_MS * NS_PER_MS, at))


def client_id(request: Request, sent: str | None) -> str | None:
    """What makes a wish safe to repeat: the body's `client_order_id`, else the header `Idempotency-Key`."""
    if sent is not None:
        return sent
    if b"idempotency-key" not in request.headers:
        return None
    key = request.header(b"idempotency-key").strip()
    if not 0 < len(key) <= CLIENT_ID_LENGTH_MAX or not key.isprintable():
        raise BadRequest("Idempotency-Key", f"Idempotency-Key must have 1 to {CLIENT_ID_LENGTH_MAX} characters")
    return key


def to_units(lots: Decimal, instrument: Instrument) -> Decimal:
    """`lots` in units; what is all but a whole number of steps is one."""
    if lots <= 0:
        least = shown(volume_min(instrument))
        raise TerminalProblem("INVALID_VOLUME", f"Invalid volume: {shown(lots)} is below the minimum {least}")
    whole = round_to(lots, instrument.lot_step)
    return trimmed((whole if abs(lots - whole) <= NEARLY else lots) * instrument.contract_size)


def lot_step(instrument: Instrument) -> Decimal:
    """A step of lots, in units."""
    return instrument.lot_step * instrument.contract_size


def exit_price(value: Decimal | None, field: str) -> Decimal | None:
    """A stop loss or take profit; 0 and null are none."""
    if value is not None and value < 0:
        raise TerminalProblem("INVALID_STOPS", f"Invalid stops: {field} was {shown(value)}, must not be negative")
    return value or None


# Placing.


def check(wish: TradeRequest | OrderRequest, kind: Kind) -> None:
    """What a wish must say whatever the market and the symbol: a pending order its price, a market order none."""
    if kind.is_pending and not wish.price:
        raise BadRequest("price", "price is required for a pending order")
    if not kind.is_pending and wish.price:
        # Who sends one may believe that it binds us.
        raise BadRequest("price", "a market order has no price; deviation bounds its slippage", found=str(wish.price))


def to_order(
    wish: TradeRequest | OrderRequest, kind: Kind, account: Account, instrument: Instrument, name: str | None,
    quote: Quote | None,
) -> PlaceOrder:  # fmt: skip
    """The order that is asked for, checked; `quote`: the market at its arrival, `name`: its client order id."""
    price = wish.price or None
    until = wish.expiration * NS_PER_MS if wish.expiration and kind.is_pending else None
    # By position: for each keyword a Struct goes through its fields, and there are 29 of them.
    terms = OrderTerms(
        account.terms.account_id,
        instrument.symbol,
        kind.side,
        kind.type,
        to_units(wish.volume, instrument),
        price if kind.type is _LIMIT else None,
        price if kind.type is _STOP else None,
        None,  # trailing_distance
        None,  # trailing_type
        _GTC if until is None else _GTD,
        until,
        name,
        exit_price(wish.sl, "sl"),
        exit_price(wish.tp, "tp"),
        comment=wish.comment or "",
        magic=wish.magic or 0,
        source=SOURCE,
    )
    deviation = wish.deviation if isinstance(wish, TradeRequest) and not kind.is_pending else None
    expected = None if quote is None or deviation is None else (quote.ask if kind.side is BUY.side else quote.bid)
    return PlaceOrder(
        terms,
        None if name is None else _digest(terms, deviation),
        lot_step=lot_step(instrument),
        is_strict=True,
        expected_price=expected,
        deviation_max=None if deviation is None else deviation * instrument.tick_size,
    )


def _digest(terms: OrderTerms, deviation: int | None) -> str:
    digest = request_digest(terms)
    return digest if deviation is None else _hashed(f"{digest} {deviation}")


def _hashed(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


# Changing and closing.


def to_amendment(wish: ModifyOrderRequest, order: Order) -> AmendOrder:
    """The change of a pending order that is asked for."""
    if wish.price is UNSET and wish.sl is UNSET and wish.tp is UNSET and wish.expiration is UNSET:
        raise BadRequest("price", "price, sl, tp or expiration is required")
    price = None if isinstance(wish.price, UnsetType) else wish.price
    stop_loss, clears_loss = _exit(wish.sl, "sl")
    take_profit, clears_profit = _exit(wish.tp, "tp")
    until = None if isinstance(wish.expiration, UnsetType) or not wish.expiration else wish.expiration * NS_PER_MS
    return AmendOrder(
        account_id=order.terms.account_id,
        order_id=order.order_id,
        limit_price=price if order.terms.type is OrderType.LIMIT else None,
        stop_price=None if order.terms.type is OrderType.LIMIT else price,
        stop_loss=stop_loss,
        take_profit=take_profit,
        expires_at=until,
        clear_stop_loss=clears_loss,
        clear_take_profit=clears_profit,
        clear_expiry=wish.expiration is not UNSET and until is None,
        is_strict=True,
    )


def to_exits(wish: ModifyPositionRequest, account_id: int, position_id: int) -> SetPositionExits:
    """The exits of a position that are asked for."""
    if wish.sl is UNSET and wish.tp is UNSET:
        raise BadRequest("sl", "sl or tp is required")
    stop_loss, clears_loss = _exit(wish.sl, "sl")
    take_profit, clears_profit = _exit(wish.tp, "tp")
    return SetPositionExits(
        account_id,
        position_id,
        stop_loss=stop_loss,
        take_profit=take_profit,
        clear_stop_loss=clears_loss,
        clear_take_profit=clears_profit,
        may_create=True,
        is_strict=True,
    )


def _exit(value: Decimal | UnsetType | None, field: str) -> tuple[Decimal | None, bool]:
    """The price, and whether the exit is to go."""
    if isinstance(value, UnsetType):
        return None, False
    price = exit_price(value, field)
    return price, price is None


def to_closing(
    wish: CloseRequest, account_id: int, position_id: int, position: Position | None, instrument: Instrument | None,
    name: str | None,
) -> ClosePosition:  # fmt: skip
    """The close that is asked for. `position` None: it is not open, but the wish may be a repeated one."""
    quantity = step = None
    if position is not None and instrument is not None:
        step = lot_step(instrument)
        if wish.volume is not None:
            quantity = _part(wish.volume, position, instrument)
    lots = "all" if wish.volume is None else shown(wish.volume)
    return ClosePosition(
        account_id=account_id,
        position_id=position_id,
        quantity=quantity,
        lot_step=step,
        refuse_excess=True,
        comment=wish.comment or "",
        source=SOURCE,
        client_order_id=name,
        digest=None if name is None else _hashed(f"close {position_id} {lots} {wish.comment or ''}"),
    )


def _part(lots: Decimal, position: Position, instrument: Instrument) -> Decimal | None:
    """Units to close; None: the whole, also where a number cannot hold all digits of what is open."""
    if abs(lots - position.quantity / instrument.contract_size) <= NEARLY:
        return None
    return to_units(lots, instrument)
