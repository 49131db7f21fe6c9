"""The gateway's requests → the house's commands: words, ids, and what a wish of that shape must say."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from tradehall.domain.account import Account, PositionMode
from tradehall.domain.instrument import Instrument
from tradehall.domain.order import MarginMode, OrderStatus, OrderTerms, OrderType, Side, TimeInForce, TrailingType
from tradehall.engine.commands import AmendOrder, ClosePosition
from tradehall.engine.order_types import SHAPES
from tradehall.faces.gateway import requests
from tradehall.faces.gateway.errors import GatewayProblem, bad_value, bad_word, position_not_found
from tradehall.faces.gateway.translate import number_of
from tradehall.faces.kit import BadRequest
from tradehall.faces.kit.instants import wire_instant

SOURCE: Final = "gateway"
_PERCENT_BELOW: Final = 100
_GTC: Final = TimeInForce.GTC
_CROSS: Final = MarginMode.CROSS

W = TypeVar("W", bound=StrEnum)


class Words(dict[str, W]):
    """The words that a field may hold, by their spellings. BadRequest names the field and the list for any other."""

    def __init__(self, field: str, words: Iterable[W]) -> None:
        super().__init__((spelling, word) for word in words for spelling in (word.value, word.lower()))
        self._field = field

    def __missing__(self, text: str) -> W:
        """What a mixture of upper and lower case means."""
        found = self.get(text.upper())
        if found is None:
            raise bad_word(self._field, text, ", ".join(dict.fromkeys(self.values())))
        return found


SIDES: Final = Words("side", Side)
# Without GTD: the gateway has no field for its expiry.
_TIMES_IN_FORCE: Final = Words("time_in_force", (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK))
_TYPES: Final = Words("order_type", OrderType)
_CLOSE_TYPES: Final = Words("order_type", (OrderType.MARKET, OrderType.LIMIT))
_TRAILING_TYPES: Final = Words("trailing_type", TrailingType)
_MARGIN_MODES: Final = Words("margin_mode", MarginMode)
_STATUSES: Final = Words("status", OrderStatus)
# A word of the contract that no order of ours ever has.
_PENDING_CANCEL: Final = "PENDING_CANCEL"


def statuses(texts: list[str]) -> frozenset[OrderStatus] | None:
    """A status filter: words repeated or separated by commas; None where nothing is filtered."""
    words = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    if not words:
        return None
    return frozenset(_STATUSES[each] for each in words if each.upper() != _PENDING_CANCEL)


def instant(text: str | None, field: str) -> int | None:
    """An instant of a query [ns UTC]; BadRequest for anything that is none."""
    if text is None:
        return None
    try:
        return wire_instant(text)
    except ValueError as error:
        raise BadRequest(field, f"{field}: {error}", found=text[:40], place="query") from None


# Placing.


def to_terms(
    request: requests.OrderRequest,
    account: Account,
    instrument: Instrument,
    strategy_id: str | None,
    exits_live_ns: int | None,
) -> OrderTerms:
    """Terms of the order that is asked for; `check_order` has looked at the request before."""
    asked = request.symbol
    tif = request.time_in_force
    # By position: for each keyword a Struct goes through its fields, and there are 29 of them.
    return OrderTerms(
        account.terms.account_id,
        instrument.symbol,
        SIDES[request.side],
        _TYPES[request.order_type],
        request.quantity,
        request.limit_price,
        request.stop_price,
        request.trailing_distance,
        None if request.trailing_type is None else _TRAILING_TYPES[request.trailing_type],
        _GTC if tif is None else _TIMES_IN_FORCE[tif],
        None,  # expires_at
        request.client_order_id,
        request.stop_loss,
        request.take_profit,
        request.reduce_only or False,
        request.post_only or False,
        request.hidden or False,
        request.display_quantity,
        request.oco_group_id,
        request.leverage,
        _CROSS if request.margin_mode is None else _MARGIN_MODES[request.margin_mode],
        None if request.position_id is None else _position(request.position_id, account),
        strategy_id,
        "",  # comment
        0,  # magic
        False,  # keeps_exits
        SOURCE,
        None if asked == instrument.display else asked,
        exits_live_ns,
    )


def check_order(request: requests.OrderRequest) -> None:
    """What a request must say whatever the market and the account: 400, naming the field."""
    kind = _TYPES[request.order_type]
    if _prices_given(request) != _PRICES_WANTED[kind]:
        raise _wrong_price(request, kind)
    if request.trailing_distance is not None:
        _check_distance(request, request.trailing_distance)
    tif = None if request.time_in_force is None else _TIMES_IN_FORCE[request.time_in_force]
    if request.post_only and not SHAPES[kind].may_be_post_only:
        raise bad_value("post_only", f"post_only is not allowed on {kind} orders", "true")
    if request.post_only and tif in (TimeInForce.IOC, TimeInForce.FOK):
        raise bad_value("post_only", f"post_only and {tif} contradict each other", "true")
    shown = request.display_quantity
    if shown is not None and not (SHAPES[kind].may_be_displayed_in_part and shown < request.quantity):
        raise bad_value("display_quantity", "display_quantity must be below quantity, on a limit order", shown)
    SIDES[request.side]  # Asked for its refusal alone; `to_terms` reads the words.
    if request.margin_mode is not None:
        _MARGIN_MODES[request.margin_mode]


# Of each type: which of `_PRICES` it must have, and no others.
_PRICES: Final = ("limit_price", "stop_price", "trailing_distance", "trailing_type")
_PRICES_WANTED: Final = {
    kind: (shape.limit_price, shape.stop_price, shape.trailing_distance, shape.trailing_distance)
    for kind, shape in SHAPES.items()
}


def _prices_given(request: requests.OrderRequest) -> tuple[bool, bool, bool, bool]:
    return (
        request.limit_price is not None,
        request.stop_price is not None,
        request.trailing_distance is not None,
        request.trailing_type is not None,
    )


def _wrong_price(request: requests.OrderRequest, kind: OrderType) -> GatewayProblem:
    """The first price that is missing, or too much."""
    pairs = zip(_PRICES, _prices_given(request), _PRICES_WANTED[kind], strict=True)
    name, is_given = next((name, is_given) for name, is_given, is_wanted in pairs if is_given != is_wanted)
    if not is_given:
        return bad_value(name, f"{name} is required for {kind} orders")
    return bad_value(name, f"{name} is not allowed on {kind} orders", getattr(request, name))


def _check_distance(request: requests.OrderRequest, distance: Decimal) -> None:
    is_percent = request.trailing_type is not None and _TRAILING_TYPES[request.trailing_type] is TrailingType.PERCENT
    if is_percent and distance >= _PERCENT_BELOW:
        raise bad_value("trailing_distance", "trailing_distance in percent must be below 100", distance)


def _position(text: str, account: Account) -> int | None:
    """The position to act on; a netting account has one per symbol and needs no name for it."""
    if account.terms.position_mode is PositionMode.NETTING:
        return None
    number = number_of(text, "pos")
    if number is None:
        raise position_not_found(text)
    return number


# Changing and closing.


def to_amendment(request: requests.ModifyOrderRequest, account_id: int, order_id: int) -> AmendOrder:
    """The change that is asked for."""
    return AmendOrder(
        account_id=account_id,
        order_id=order_id,
        quantity=request.quantity,
        limit_price=request.limit_price,
        stop_price=request.stop_price,
        trailing_distance=request.trailing_distance,
        stop_loss=request.stop_loss,
        take_profit=request.take_profit,
    )


def to_closing(
    request: requests.ClosePositionRequest, account_id: int, position_id: int, strategy_id: str | None
) -> ClosePosition:
    """The close that is asked for: at market, or LIMIT with its price; of a strategy: of what is its own."""
    kind = OrderType.MARKET
    if request.order_type is not None:
        kind = _CLOSE_TYPES[request.order_type]
    if kind is OrderType.LIMIT and request.limit_price is None:
        raise bad_value("limit_price", "limit_price is required to close with a LIMIT order")
    if kind is OrderType.MARKET and request.limit_price is not None:
        raise bad_value("limit_price", "limit_price is not allowed when closing at market", request.limit_price)
    return ClosePosition(
        account_id=account_id,
        position_id=position_id,
        quantity=request.quantity,
        limit_price=request.limit_price,
        cancel_exits=request.cancel_associated_orders is not False,
        source=SOURCE,
        strategy_id=strategy_id,
    )
