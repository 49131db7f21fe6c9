"""The house's nouns → the gateway's words: ids, spellings, decimals as text, instants as RFC 3339."""

import re
from collections.abc import Mapping
from decimal import Context, Decimal
from hashlib import blake2b
from typing import Any, Final

from tradehall.domain.account import Valuation
from tradehall.domain.fill import Fill
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Bar, Quote
from tradehall.domain.order import Order, OrderTerms, TimeInForce
from tradehall.domain.position import Position
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.domain.time import to_rfc3339
from tradehall.engine.preview import Preview
from tradehall.engine.valuation import PositionValue
from tradehall.faces.gateway import schemas
from tradehall.faces.gateway.errors import REFUSALS, STATUS_OF_CODE, GatewayProblem
from tradehall.faces.kit import plain

Instruments = Mapping[str, Instrument]

_id: Final = re.compile(r"(?:ord|pos|trd)_([1-9][0-9]{0,18})\Z", re.ASCII)
_NUMBER_MAX: Final = 2**63 - 1
# Quotients (average prices) have no natural end; 28 digits are what the door takes too.
_TO_28_DIGITS: Final = Context(prec=28)
# Copied for each order: setting one up costs as much as the digest itself.
_CORRELATION: Final = blake2b(digest_size=16, person=b"tradehall.order")


# Ids.


def order_id_text(order_id: int) -> str:
    """ord_7300451."""
    return f"ord_{order_id}"


def position_id_text(position_id: int) -> str:
    """pos_7300451."""
    return f"pos_{position_id}"


def number_of(text: str, prefix: str) -> int | None:
    """The number in an id with that prefix (`ord`, `pos`, `trd`); None for anything we did not print."""
    match = _id.match(text)
    if match is None or not text.startswith(prefix):
        return None
    number = int(match[1])
    return number if number <= _NUMBER_MAX else None


def correlation_id(order_id: int) -> str:
    """A UUID that follows from the order's number, so it is the same everywhere and kept nowhere."""
    hashing = _CORRELATION.copy()
    hashing.update(order_id.to_bytes(8, "big"))
    digest = hashing.hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"


# Amounts and names.


def number(value: Decimal) -> str:
    """Plain notation with the digits it has; nothing is 0, however many decimals nothing has."""
    return plain(value) if value else "0"


def maybe(value: Decimal | None) -> str | None:
    """As `number`; None stays None."""
    return None if value is None else number(value)


def average(value: Decimal | None) -> str | None:
    """A quotient, to 28 digits."""
    return None if value is None else number(_TO_28_DIGITS.plus(value))


def symbol_text(noun: OrderTerms | Position | Fill, instruments: Instruments) -> str:
    """The spelling that was asked for, else the instrument's own (EUR/USD)."""
    return noun.symbol_asked or instruments[noun.symbol].display


# Orders.

# The gateway has no GTD; such an order, placed through another door, is good till it is cancelled.
_TIME_IN_FORCE: Final[Mapping[TimeInForce, schemas.TimeInForceWord]] = {
    TimeInForce.GTC: "GTC",
    TimeInForce.DAY: "DAY",
    TimeInForce.GTD: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
}
assert _TIME_IN_FORCE.keys() == set(TimeInForce)


def to_handle(order: Order) -> schemas.OrderHandle:
    """What an order's placing is answered with."""
    number = order.order_id
    return schemas.OrderHandle(f"ord_{number}", order.status, order.terms.client_order_id, correlation_id(number))


def to_order(order: Order, instruments: Instruments, symbol: str | None = None) -> schemas.Order:
    """An order in full; `symbol` is the spelling to show, if the caller asked with one."""
    terms = order.terms
    return schemas.Order(
        id=f"ord_{order.order_id}",
        client_order_id=terms.client_order_id,
        symbol=symbol or symbol_text(terms, instruments),
        side=terms.side,
        order_type=terms.type,
        quantity=plain(terms.quantity),
        filled_quantity=number(order.filled_quantity),
        remaining_quantity=number(order.remaining_quantity),
        limit_price=maybe(terms.limit_price),
        stop_price=maybe(terms.stop_price),
        stop_loss=maybe(terms.stop_loss),
        take_profit=maybe(terms.take_profit),
        trailing_distance=maybe(terms.trailing_distance),
        trailing_type=terms.trailing_type,
        average_fill_price=average(order.average_fill_price),
        status=order.status,
        reject_reason=_reason(order),
        time_in_force=_TIME_IN_FORCE[terms.time_in_force],
        position_id=None if order.position_id is None else f"pos_{order.position_id}",
        parent_order_id=None if order.parent_order_id is None else f"ord_{order.parent_order_id}",
        reduce_only=terms.reduce_only,
        post_only=terms.post_only,
        hidden=terms.hidden,
        display_quantity=maybe(terms.display_quantity),
        oco_group_id=terms.oco_group_id,
        leverage=maybe(terms.leverage),
        margin_mode=terms.margin_mode,
        strategy_id=terms.strategy_id,
        correlation_id=correlation_id(order.order_id),
        created_at=to_rfc3339(order.created_at),
        updated_at=to_rfc3339(order.updated_at),
    )


def _reason(order: Order) -> schemas.RejectReason | None:
    return None if order.reject_code is None else REFUSALS[RejectCode(order.reject_code)].reason


# Positions, fills, accounts.


def to_position(
    position: Position,
    value: PositionValue,
    instruments: Instruments,
    *,
    liquidation_price: Decimal | None,
    symbol: str | None = None,
) -> schemas.Position:
    """An open position at the latest quote."""
    return schemas.Position(
        id=position_id_text(position.position_id),
        symbol=symbol or symbol_text(position, instruments),
        side=position.side,
        quantity=number(position.quantity),
        average_entry_price=number(_TO_28_DIGITS.plus(position.average_entry_price)),
        current_price=number(value.current_price),
        unrealized_pnl=number(value.unrealized_pnl),
        realized_pnl=number(position.realized_pnl),
        opened_at=to_rfc3339(position.opened_at),
        updated_at=to_rfc3339(position.updated_at),
        leverage=maybe(position.leverage),
        liquidation_price=maybe(liquidation_price),
        margin_mode=position.margin_mode,
    )


def to_closed_position(
    position: Position, closed_at: int, exit_price: Decimal, instruments: Instruments
) -> schemas.Position:
    """A position that has just gone flat, as it is now: nothing left, its profit realised."""
    return schemas.Position(
        id=position_id_text(position.position_id),
        symbol=symbol_text(position, instruments),
        side=position.side,
        quantity="0",
        average_entry_price=number(_TO_28_DIGITS.plus(position.average_entry_price)),
        current_price=number(exit_price),
        unrealized_pnl="0",
        realized_pnl=number(position.realized_pnl),
        opened_at=to_rfc3339(position.opened_at),
        updated_at=to_rfc3339(closed_at),
        leverage=maybe(position.leverage),
        liquidation_price=None,
        margin_mode=position.margin_mode,
    )


def to_trade(fill: Fill, instruments: Instruments, symbol: str | None = None) -> schemas.Trade:
    """A fill; the gateway calls it a trade."""
    return schemas.Trade(
        id=f"trd_{fill.fill_id}",
        order_id=f"ord_{fill.order_id}",
        symbol=symbol or symbol_text(fill, instruments),
        side=fill.side,
        quantity=number(fill.quantity),
        price=number(fill.price),
        commission=number(fill.commission),
        commission_currency=fill.commission_currency,
        is_maker=fill.is_maker,
        timestamp=to_rfc3339(fill.at),
    )


def to_account(value: Valuation) -> schemas.Account:
    """An account at the latest quotes."""
    return schemas.Account(
        balance=number(value.balance),
        equity=number(value.equity),
        margin_used=number(value.margin_used),
        margin_available=number(value.margin_available),
        unrealized_pnl=number(value.unrealized_pnl),
        currency=value.currency,
    )


# The market.


def to_quote(quote: Quote, *, symbol: str, provider: str, last: Decimal) -> schemas.Quote:
    """A quote under the spelling that was asked for."""
    return schemas.Quote(
        symbol=symbol,
        provider=provider,
        bid=number(quote.bid),
        bid_size=maybe(quote.bid_size),
        ask=number(quote.ask),
        ask_size=maybe(quote.ask_size),
        last=number(last),
        volume=maybe(quote.volume),
        timestamp=to_rfc3339(quote.at),
    )


def to_bar(bar: Bar, *, symbol: str, provider: str) -> schemas.Bar:
    """A bar under the spelling that was asked for."""
    return schemas.Bar(
        symbol=symbol,
        provider=provider,
        timeframe=bar.timeframe,
        timestamp=to_rfc3339(bar.at),
        open=number(bar.open),
        high=number(bar.high),
        low=number(bar.low),
        close=number(bar.close),
        volume=number(bar.volume),
    )


# Refusals.

# Numbers behind a refusal that are those of positions.
_POSITIONS: Final = frozenset({"position_id", "oldest"})
# Which field of the request a refusal is about, where it is about one.
_FIELD: Final[Mapping[RejectCode, str]] = {
    RejectCode.QUANTITY_BELOW_MIN: "quantity",
    RejectCode.QUANTITY_ABOVE_MAX: "quantity",
    RejectCode.QUANTITY_STEP: "quantity",
    RejectCode.QUANTITY_BELOW_FILLED: "quantity",
    RejectCode.DISPLAY_QUANTITY_INVALID: "display_quantity",
    RejectCode.TRAILING_INVALID: "trailing_distance",
    RejectCode.TIME_IN_FORCE_INVALID: "time_in_force",
}


def refusal_of_request(rejection: Rejection, details: Mapping[str, Any]) -> GatewayProblem:
    """A request that was refused and made no order; `details` name what it was about."""
    refusal = REFUSALS[rejection.code]
    if refusal.code == "ORDER_REJECTED":
        return _rejected(rejection.code, rejection.message, _texts({**rejection.numbers, **_currency_of(rejection)}))
    if refusal.code == "INVALID_VALUE":
        field = _FIELD.get(rejection.code) or next(iter(rejection.numbers), None)
        provided = maybe(rejection.numbers.get(field or ""))
        details = {"field": field, "provided": provided, "reject_code": refusal.reject_code}
        details |= _texts(rejection.numbers)
    return GatewayProblem(refusal.code, rejection.message, details)


def refusal_of_order(order: Order) -> GatewayProblem:
    """An order that was refused by the rules, said again exactly as the first time."""
    assert order.reject_code is not None, f"order {order.order_id} was not rejected"
    numbers = _texts(order.reject_numbers or {})
    details = {"order_id": order_id_text(order.order_id), "client_order_id": order.terms.client_order_id}
    return _rejected(RejectCode(order.reject_code), order.reject_message or "", details | numbers)


def _rejected(code: RejectCode, message: str, details: Mapping[str, Any]) -> GatewayProblem:
    refusal = REFUSALS[code]
    said = {"reject_code": refusal.reject_code, "reject_reason": refusal.reason}
    return GatewayProblem("ORDER_REJECTED", message, said | dict(details))


def _currency_of(rejection: Rejection) -> dict[str, str]:
    """The currency of the money among a refusal's numbers, where it is not the account's."""
    return {} if rejection.currency is None else {"currency": rejection.currency}


def _texts(numbers: Mapping[str, Decimal | str]) -> dict[str, str]:
    """The numbers behind a refusal; those of positions as this door prints them."""
    texts = {name: value if isinstance(value, str) else number(value) for name, value in numbers.items()}
    return texts | {name: f"pos_{texts[name]}" for name in texts.keys() & _POSITIONS}


def to_preview(terms: OrderTerms, found: Preview, *, symbol: str, currency: str) -> schemas.OrderPreview:
    """What would become of an order."""
    is_fine = found.rejection is None
    return schemas.OrderPreview(
        accepted=is_fine,
        symbol=symbol,
        side=terms.side,
        order_type=terms.type,
        quantity=plain(terms.quantity),
        expected_fill_price=maybe(found.fill_price),
        expected_fill_quantity=number(terms.quantity) if is_fine and found.fills_now else "0",
        fees=number(found.commission),
        fee_currency=currency,
        margin_required=number(found.margin_required),
        margin_used_before=number(found.margin_used),
        margin_used_after=number(found.margin_used_after),
        margin_available_before=number(found.margin_available),
        margin_available_after=number(found.margin_available_after),
        liquidation_price=average(found.liquidation_price),
        budget_available=None if found.budget is None else number(found.budget.available),
        rejection=None if found.rejection is None else _to_preview_rejection(found.rejection),
    )


def _to_preview_rejection(rejection: Rejection) -> schemas.PreviewRejection:
    refusal = REFUSALS[rejection.code]
    code = refusal.code if STATUS_OF_CODE[refusal.code] == 404 else "ORDER_REJECTED"
    numbers = _texts({**rejection.numbers, **_currency_of(rejection)})
    return schemas.PreviewRejection(code, refusal.reject_code, refusal.reason, rejection.message, numbers)
