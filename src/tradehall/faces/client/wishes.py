"""What callers wish → commands, in units and instants of the house."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tradehall.domain.account import Account
from tradehall.domain.instrument import Instrument
from tradehall.domain.order import Order, OrderTerms, OrderType, TimeInForce
from tradehall.domain.position import Position
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.commands import AmendOrder, ClosePosition, PlaceOrder, SetPositionExits
from tradehall.faces.client import requests
from tradehall.faces.client.errors import ClientProblem, incorrect_cmd, invalid_data
from tradehall.faces.client.requests import SECOND_MAX, needed
from tradehall.faces.client.translate import lot_step, units
from tradehall.faces.client.words import MARKET_CMDS, PENDING_CMDS, SOURCE

# Beyond this a number is no volume, whatever the rules say.
VOLUME_MAX: Final = 10**15


@dataclass(frozen=True, slots=True)
class Placing:
    """For whom an order is placed, under which id, and how far its market may have moved [share]."""

    account: Account
    instrument: Instrument
    client_order_id: str | None
    deviation_max: Decimal


def to_market_order(body: requests.OpenTrade, placing: Placing) -> PlaceOrder:
    """A market order. `open_price` is what the caller saw: the market may have moved a little, no more."""
    side = MARKET_CMDS.get(needed(body.cmd, "cmd"))
    if side is None:
        raise incorrect_cmd("cmd of an open is 0 (buy) or 1 (sell)")
    expected = none_if_zero(body.open_price)
    if expected is not None and expected < 0:
        raise ClientProblem("RET_TRADE_BAD_PRICES", f"open_price was {expected}, must not be negative")
    expires_at = _expires_at(body.expiration)
    return PlaceOrder(
        OrderTerms(
            account_id=placing.account.terms.account_id,
            symbol=placing.instrument.symbol,
            side=side,
            type=OrderType.MARKET,
            quantity=quantity(needed(body.volume, "volume"), placing.instrument),
            stop_loss=none_if_zero(body.sl),
            take_profit=none_if_zero(body.tp),
            comment=text(body.comment),
            client_order_id=placing.client_order_id,
            source=SOURCE,
            expires_at=expires_at,
            time_in_force=TimeInForce.GTC if expires_at is None else TimeInForce.GTD,
        ),
        lot_step=lot_step(placing.instrument),
        is_strict=True,
        expected_price=expected,
        deviation_max=None if expected is None else expected * placing.deviation_max,
    )


def to_pending_order(body: requests.OpenTrade, placing: Placing) -> PlaceOrder:
    """A limit or stop order."""
    found = PENDING_CMDS.get(needed(body.cmd, "cmd"))
    if found is None:
        raise incorrect_cmd("cmd of a pending order is 2 to 5: buy limit, sell limit, buy stop, sell stop")
    side, kind = found
    at, expires_at = needed(body.open_price, "open_price"), _expires_at(body.expiration)
    return PlaceOrder(
        OrderTerms(
            account_id=placing.account.terms.account_id,
            symbol=placing.instrument.symbol,
            side=side,
            type=kind,
            quantity=quantity(needed(body.volume, "volume"), placing.instrument),
            limit_price=at if kind is OrderType.LIMIT else None,
            stop_price=at if kind is OrderType.STOP else None,
            stop_loss=none_if_zero(body.sl),
            take_profit=none_if_zero(body.tp),
            comment=text(body.comment),
            client_order_id=placing.client_order_id,
            source=SOURCE,
            expires_at=expires_at,
            time_in_force=TimeInForce.GTC if expires_at is None else TimeInForce.GTD,
        ),
        lot_step=lot_step(placing.instrument),
        is_strict=True,
    )


def to_closing(
    body: requests.CloseTrade, position: Position, instrument: Instrument, client_order_id: str | None
) -> ClosePosition:
    """A close of all, or of a volume that is open."""
    return ClosePosition(
        account_id=position.account_id,
        position_id=position.position_id,
        quantity=None if body.volume is None else quantity(body.volume, instrument),
        lot_step=lot_step(instrument),
        refuse_excess=True,
        comment=text(body.comment),
        source=SOURCE,
        client_order_id=client_order_id,
        digest=None if client_order_id is None else f"close {position.position_id} {body.volume}",
    )


def to_exits(body: requests.ModifyTrade, position: Position) -> SetPositionExits:
    """New stops of an open ticket: what is left out stays, 0 clears."""
    if body.sl is None and body.tp is None:
        raise invalid_data("sl or tp is required")
    return SetPositionExits(
        account_id=position.account_id,
        position_id=position.position_id,
        stop_loss=none_if_zero(body.sl),
        take_profit=none_if_zero(body.tp),
        clear_stop_loss=body.sl == 0,
        clear_take_profit=body.tp == 0,
        is_strict=True,
    )


def to_amendment(body: requests.ModifyTrade, order: Order) -> AmendOrder:
    """New prices of a pending ticket: what is left out stays, 0 clears, but for the price itself."""
    kind = order.terms.type
    if body.open_price is None and body.sl is None and body.tp is None and body.expiration is None:
        raise invalid_data("open_price, sl, tp or expiration is required")
    if body.open_price is not None and kind is OrderType.TRAILING_STOP:
        raise ClientProblem("MODIFY_TRADE_ERROR", "the price of a trailing stop follows the market")
    clears_expiry = body.expiration == 0
    return AmendOrder(
        account_id=order.terms.account_id,
        order_id=order.order_id,
        limit_price=body.open_price if kind is OrderType.LIMIT else None,
        stop_price=None if kind is OrderType.LIMIT else body.open_price,
        stop_loss=none_if_zero(body.sl),
        take_profit=none_if_zero(body.tp),
        expires_at=None if body.expiration is None or clears_expiry else expiry(body.expiration),
        clear_stop_loss=body.sl == 0,
        clear_take_profit=body.tp == 0,
        clear_expiry=clears_expiry,
        is_strict=True,
    )


def quantity(volume: int, instrument: Instrument) -> Decimal:
    """Hundredths of a lot in units; a number beyond all bounds breaks the rule for volumes here already."""
    if abs(volume) > VOLUME_MAX:
        raise ClientProblem("RET_TRADE_BAD_VOLUME", f"volume must not be above {VOLUME_MAX}")
    return units(volume, instrument)


def expiry(second: int) -> int:
    """An expiry [ns UTC] of unix seconds; one that no clock will ever show is denied."""
    if abs(second) > SECOND_MAX:
        raise ClientProblem("RET_TRADE_EXPIRATION_DENIED", "the expiration is beyond all time")
    return second * NS_PER_SECOND


def none_if_zero(value: Decimal | None) -> Decimal | None:
    """A price, None for 0."""
    return value or None


def text(comment: str | None) -> str:
    """A comment in one line."""
    if comment is not None and not comment.isprintable():
        raise invalid_data("comment must be printable, in one line")
    return comment or ""


def _expires_at(second: int | None) -> int | None:
    return expiry(second) if second else None
