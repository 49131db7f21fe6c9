"""The house's nouns → this door's rows."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from tradehall.app.house_positions import Held
from tradehall.domain.account import Account
from tradehall.domain.fill import Fill
from tradehall.domain.instrument import Instrument
from tradehall.domain.money import ZERO
from tradehall.domain.order import Order, OrderRole, OrderStatus
from tradehall.domain.position import PositionSide
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.domain.time import NS_PER_SECOND, to_rfc3339
from tradehall.engine.preview import Preview
from tradehall.faces.dashboard import schemas
from tradehall.faces.dashboard.words import REFUSALS, engine_status, status_word
from tradehall.ports.house_views import Closing

Instruments = Mapping[str, Instrument]
NameOf = Callable[[str | None], str | None]

DIGITS: Final = 15


def number(value: Decimal) -> float:
    """A JSON number of at most 15 significant digits."""
    short = float(value)
    return short if len(value.as_tuple().digits) <= DIGITS or math.isinf(short) else float(format(value, f".{DIGITS}g"))


def maybe(value: Decimal | None) -> float | None:
    """The same; None stays None."""
    return None if value is None else number(value)


def instant(at: int | None) -> str | None:
    """An instant [ns UTC] as text; None stays None."""
    return None if at is None else to_rfc3339(at)


def instrument_id(symbol: str, instruments: Instruments) -> str:
    """EURUSD.SIM; of what is not listed the symbol alone."""
    instrument = instruments.get(symbol)
    return symbol if instrument is None else f"{symbol}.{instrument.venue}"


def order_name(order: Order) -> str:
    """What addresses an order at this door."""
    return order.terms.client_order_id or f"ord_{order.order_id}"


# Orders.


def to_order(order: Order, instruments: Instruments, name_of: NameOf) -> schemas.Order:
    """An order."""
    terms, status = order.terms, status_word(order)
    is_denied = status == "DENIED"
    return schemas.Order(
        client_order_id=order_name(order),
        venue_order_id=None if is_denied else f"ord_{order.order_id}",
        strategy_id=terms.strategy_id,
        strategy_name=name_of(terms.strategy_id),
        account_id=str(terms.account_id),
        instrument_id=instrument_id(terms.symbol, instruments),
        side=terms.side.value,
        order_type=terms.type.value,
        time_in_force=terms.time_in_force.value,
        quantity=number(terms.quantity),
        filled_qty=number(order.filled_quantity),
        leaves_qty=number(order.remaining_quantity),
        price=maybe(terms.limit_price),
        trigger_price=maybe(terms.stop_price),
        avg_px=maybe(order.average_fill_price),
        status=status,
        engine_status=engine_status(order),
        reduce_only=terms.reduce_only,
        post_only=terms.post_only,
        reason=_reason(order),
        tags=_tags(order),
        ts_init=to_rfc3339(order.created_at),
        ts_submitted=None if is_denied else to_rfc3339(order.created_at),
        ts_accepted=None if order.status is OrderStatus.REJECTED else to_rfc3339(order.created_at),
        ts_last=to_rfc3339(order.updated_at),
        order_id=f"ord_{order.order_id}",
        stop_loss=maybe(terms.stop_loss),
        take_profit=maybe(terms.take_profit),
        trailing_distance=maybe(terms.trailing_distance),
        position_id=None if order.position_id is None else f"pos_{order.position_id}",
    )


def _tags(order: Order) -> list[str]:
    facts = {
        "role": None if order.role is OrderRole.ENTRY else order.role.value.lower(),
        "source": order.terms.source,
        "parent": None if order.parent_order_id is None else f"ord_{order.parent_order_id}",
        "comment": order.terms.comment,
    }
    return [f"{name}:{fact}" for name, fact in facts.items() if fact]


def _reason(order: Order) -> str | None:
    if order.reject_code is not None:
        return refusal_text(RejectCode(order.reject_code), order.reject_message or "", order.reject_numbers or {})
    return order.end_reason


def to_deny_reason(order: Order, account: Account | None) -> schemas.DenyReason:
    """Why an order was refused; asserts that it was."""
    assert order.reject_code is not None, "asked of refused orders"
    code, numbers = RejectCode(order.reject_code), dict(order.reject_numbers or {})
    numbers.setdefault("currency", "" if account is None else account.terms.currency)
    return schemas.DenyReason(
        client_order_id=order_name(order),
        status=status_word(order),
        source=REFUSALS[code].source,
        code=REFUSALS[code].code,
        reason=refusal_text(code, order.reject_message or "", numbers),
        context=context_of(numbers),
        denied_at=to_rfc3339(order.updated_at),
    )


def numbers_of(rejection: Rejection, account: Account | None) -> dict[str, str]:
    """The numbers of a rejection as an order keeps them."""
    currency = rejection.currency or ("" if account is None else account.terms.currency)
    return {name: str(value) for name, value in rejection.numbers.items()} | {"currency": currency}


def context_of(numbers: Mapping[str, str]) -> dict[str, Any]:
    """The numbers behind a refusal, always with the largest quantity that passes; free is what is available."""
    context: dict[str, Any] = {}
    for name, text in numbers.items():
        context[name] = text if name == "currency" else number(Decimal(text))
    if "available" in context:
        context.setdefault("free", context["available"])
    if not context.get("currency"):
        context.pop("currency", None)
    return context | {"would_pass": context.get("would_pass")}


def refusal_text(code: RejectCode, message: str, numbers: Mapping[str, str]) -> str:
    """One line: this door's code, and the two numbers that matter where there are such."""
    word = REFUSALS[code].code
    if "required" in numbers and "available" in numbers:
        currency = f" {numbers['currency']}" if numbers.get("currency") else ""
        required, available = (number(Decimal(numbers[name])) for name in ("required", "available"))
        return f"{word}: required={required}{currency}, available={available}{currency}"
    return f"{word}: {message}"


def to_preview(found: Preview, account: Account, instrument: Instrument) -> schemas.Preview:
    """What would become of an order."""
    rejection = found.rejection
    numbers = {} if rejection is None else numbers_of(rejection, account)
    return schemas.Preview(
        accepted=rejection is None,
        reason=None if rejection is None else refusal_text(rejection.code, rejection.message, numbers),
        code=None if rejection is None else REFUSALS[rejection.code].code,
        context={} if rejection is None else context_of(numbers),
        price=maybe(found.fill_price),
        margin_required=number(found.margin_required),
        margin_free_after=number(found.margin_available_after),
        fee=number(found.commission),
        currency=account.terms.currency,
        budget_available=None if found.budget is None else number(found.budget.available),
        budget_required=number(found.budget_required),
        liquidation_price=maybe(found.liquidation_price),
    )


# Fills.


def to_fill(fill: Fill, client_order_id: str | None, instruments: Instruments, name_of: NameOf) -> schemas.Fill:
    """A fill; `client_order_id` is its order's."""
    return schemas.Fill(
        trade_id=f"trd_{fill.fill_id}",
        client_order_id=client_order_id or f"ord_{fill.order_id}",
        venue_order_id=f"ord_{fill.order_id}",
        strategy_id=fill.strategy_id,
        strategy_name=name_of(fill.strategy_id),
        account_id=str(fill.account_id),
        instrument_id=instrument_id(fill.symbol, instruments),
        side=fill.side.value,
        fill_qty=number(fill.quantity),
        fill_px=number(fill.price),
        notional=number(fill.quantity * fill.price),
        fee=number(fill.commission),
        fee_currency=fill.commission_currency,
        liquidity="MAKER" if fill.is_maker else "TAKER",
        realized_pnl=number(fill.realized_pnl),
        position_id=None if fill.position_id is None else f"pos_{fill.position_id}",
        ts_event=to_rfc3339(fill.at),
    )


# Positions.


def to_open_position(held: Held, instruments: Instruments, name_of: NameOf) -> schemas.Position:
    """What an owner holds."""
    position = held.position
    signed = position.quantity if position.side is PositionSide.LONG else -position.quantity
    return schemas.Position(
        position_id=f"pos_{position.position_id}",
        strategy_id=held.strategy_id,
        strategy_name=name_of(held.strategy_id),
        account_id=str(position.account_id),
        instrument_id=instrument_id(position.symbol, instruments),
        side=position.side.value,
        status="open",
        quantity=number(position.quantity),
        signed_qty=number(signed),
        peak_qty=number(max(position.peak_quantity, position.quantity)),
        avg_open_px=number(position.average_entry_price),
        avg_close_px=None,
        last_px=maybe(held.last_price),
        realized_pnl=number(position.realized_pnl),
        unrealized_pnl=maybe(held.unrealized_pnl),
        currency=held.currency,
        fees=number(position.commission),
        ts_opened=to_rfc3339(position.opened_at),
        ts_closed=None,
        duration_s=None,
    )


def to_closed_position(closings: list[Closing], instruments: Instruments, name_of: NameOf) -> schemas.Position:
    """What an owner held: all its closings, oldest first."""
    last, quantity = closings[-1], sum((each.quantity for each in closings), ZERO)
    entered = sum((each.quantity * each.entry_price for each in closings), ZERO)
    left = sum((each.quantity * each.exit_price for each in closings), ZERO)
    return schemas.Position(
        position_id=f"pos_{last.position_id}",
        strategy_id=last.strategy_id,
        strategy_name=name_of(last.strategy_id),
        account_id=str(last.account_id),
        instrument_id=instrument_id(last.symbol, instruments),
        side="FLAT",
        status="closed",
        quantity=0.0,
        signed_qty=0.0,
        peak_qty=number(last.peak_quantity or quantity),
        avg_open_px=number(entered / quantity),
        avg_close_px=number(left / quantity),
        last_px=None,
        realized_pnl=number(sum((each.realized_pnl for each in closings), ZERO)),
        unrealized_pnl=0.0,
        currency=last.currency,
        fees=number(sum((each.fees for each in closings), ZERO)),
        ts_opened=to_rfc3339(last.opened_at),
        ts_closed=to_rfc3339(last.closed_at),
        duration_s=(last.closed_at - last.opened_at) / NS_PER_SECOND,
    )
