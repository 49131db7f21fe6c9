"""This door's requests → the house's commands: words, ids, instants."""

from enum import StrEnum
from typing import Final, TypeVar

from msgspec import UNSET

from tradehall.app.outcome import request_digest
from tradehall.domain.instrument import Instrument
from tradehall.domain.order import Order, OrderTerms, OrderType, Side, TimeInForce, TrailingType
from tradehall.engine.commands import AmendOrder, PlaceOrder
from tradehall.engine.order_types import SHAPES
from tradehall.faces.dashboard import requests
from tradehall.faces.dashboard.dashboard import read_instant
from tradehall.faces.dashboard.errors import not_found
from tradehall.faces.kit import BadRequest

SOURCE: Final = "dashboard"
_POSITION: Final = "pos_"

W = TypeVar("W", bound=StrEnum)


def word(words: type[W], text: str, name: str, *, place: str = "body") -> W:
    """The word that `text` is, in whatever case. BadRequest names the field and the list."""
    try:
        return words(text.upper())
    except ValueError:
        known = ", ".join(words)
        raise BadRequest(
            name, f"{name} was {text[:40]!r}, must be one of {known}", found=text[:40], place=place
        ) from None


def side_of(text: str | None) -> Side | None:
    """A filter by side."""
    return None if text is None else word(Side, text, "side", place="query")


def to_place_order(
    request: requests.OrderRequest, account_id: int, instrument: Instrument, client_order_id: str | None
) -> PlaceOrder:
    """The order that is asked for."""
    kind = word(OrderType, request.order_type, "order_type")
    _check_prices(request, kind)
    terms = OrderTerms(
        account_id=account_id,
        symbol=instrument.symbol,
        side=word(Side, request.side, "side"),
        type=kind,
        quantity=request.quantity,
        limit_price=request.price,
        stop_price=request.trigger_price,
        trailing_distance=request.trailing_distance,
        trailing_type=None if request.trailing_distance is None else TrailingType.ABSOLUTE,
        time_in_force=word(TimeInForce, request.time_in_force, "time_in_force"),
        expires_at=read_instant(request.expires_at, "expires_at", "body"),
        client_order_id=client_order_id,
        stop_loss=request.stop_loss,
        take_profit=request.take_profit,
        reduce_only=request.reduce_only,
        post_only=request.post_only,
        position_id=None if request.position_id is None else position_number(request.position_id),
        strategy_id=None if request.strategy_id is None else request.strategy_id.lower(),
        source=SOURCE,
    )
    return PlaceOrder(terms, None if client_order_id is None else request_digest(terms))


def _check_prices(request: requests.OrderRequest, kind: OrderType) -> None:
    shape = SHAPES[kind]
    for name, value, is_wanted in (
        ("price", request.price, shape.limit_price),
        ("trigger_price", request.trigger_price, shape.stop_price),
        ("trailing_distance", request.trailing_distance, shape.trailing_distance),
    ):
        if is_wanted and value is None:
            raise BadRequest(name, f"Object missing required field `{name}`: {kind} orders need it")
        if value is not None and not is_wanted:
            raise BadRequest(name, f"{name} is not allowed on {kind} orders", found=str(value))


def to_amendment(request: requests.AmendRequest, order: Order) -> AmendOrder:
    """The change that is asked for."""
    stop_loss, take_profit = request.stop_loss, request.take_profit
    return AmendOrder(
        order.terms.account_id,
        order.order_id,
        quantity=request.quantity,
        limit_price=request.price,
        stop_price=request.trigger_price,
        trailing_distance=request.trailing_distance,
        stop_loss=None if stop_loss is UNSET else stop_loss,
        take_profit=None if take_profit is UNSET else take_profit,
        clear_stop_loss=stop_loss is None,
        clear_take_profit=take_profit is None,
    )


def position_number(text: str) -> int:
    """7300451 of pos_7300451; 404 for what we did not print."""
    digits = text.removeprefix(_POSITION)
    if not text.startswith(_POSITION) or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        raise not_found("Position")
    return int(digits)
