"""How facts are said to people: amounts, ages, orders, refusals."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tradehall.app.audit_lines import shown_order
from tradehall.domain.fill import ExecutionReport, Fill, VenueCancelled, VenueFilled, VenueRejected, VenueTriggered
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.order import Order, OrderRole, OrderTerms, OrderType
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND, to_rfc3339

ROLES: Final[Mapping[OrderRole, str]] = {
    OrderRole.ENTRY: "entry",
    OrderRole.STOP_LOSS: "stop loss",
    OrderRole.TAKE_PROFIT: "take profit",
    OrderRole.CLOSE: "close",
    OrderRole.LIQUIDATION: "liquidation",
}
assert ROLES.keys() == set(OrderRole)

# Refusals whose `would_pass` is a quantity; that of the others is a price, a distance or a leverage.
_OF_QUANTITIES: Final = frozenset(
    {
        RejectCode.QUANTITY_BELOW_MIN,
        RejectCode.QUANTITY_ABOVE_MAX,
        RejectCode.QUANTITY_STEP,
        RejectCode.NOTIONAL_ABOVE_MAX,
        RejectCode.MARGIN_INSUFFICIENT,
        RejectCode.BUDGET_EXCEEDED,
        RejectCode.ACCOUNT_CLOSE_ONLY,
        RejectCode.TRADING_REDUCING,
        RejectCode.PARTIAL_CLOSE_PROHIBITED,
        RejectCode.REDUCE_ONLY_NOTHING_TO_REDUCE,
    }
)


def amount(value: Decimal) -> str:
    """1,234.50: plain digits, as many as there are."""
    return f"{value:,f}"


def money(value: Decimal, currency: str) -> str:
    """1,234.50 USD."""
    return f"{amount(value)} {currency}"


def age(ns: int) -> str:
    """How old something is."""
    if ns < NS_PER_SECOND:
        return f"{ns / NS_PER_MS:,.1f} ms"
    return f"{ns / NS_PER_SECOND:,.1f} s"


def units(quantity: Decimal, instrument: Instrument) -> str:
    """A quantity, in lots too where a lot is more than a unit: 0.06 lots (6,000 units)."""
    if instrument.contract_size == 1:
        return amount(quantity)
    lots = (quantity / instrument.contract_size).normalize()
    return f"{lots:,f} lots ({amount(quantity)} units)"


def wish(terms: OrderTerms, instrument: Instrument) -> str:
    """BUY 0.1 BTC/USD LIMIT at 50,000, good till cancelled."""
    said = f"{terms.side} {units(terms.quantity, instrument)} of {instrument.display}, {terms.type}"
    prices = (
        ("at", terms.limit_price if terms.type is not OrderType.MARKET else None),
        ("stop", terms.stop_price),
        ("trailing by", terms.trailing_distance),
        ("stop loss", terms.stop_loss),
        ("take profit", terms.take_profit),
    )
    said += "".join(f", {name} {amount(price)}" for name, price in prices if price is not None)
    said += f", {terms.time_in_force}"
    if terms.expires_at is not None:
        said += f" until {to_rfc3339(terms.expires_at)}"
    return said + (", reduce-only" if terms.reduce_only else "") + (", post-only" if terms.post_only else "")


def quoted(quote: Quote, now: int) -> str:
    """A quote and its age at `now`."""
    return f"{quote.symbol} bid {amount(quote.bid)}, ask {amount(quote.ask)}, {age(now - quote.received_at)} old"


def executed(fill: Fill, instrument: Instrument) -> str:
    """What was executed, on which quote, for which fee."""
    said = f"{fill.side} {units(fill.quantity, instrument)} at {amount(fill.price)}"
    if fill.bid is not None and fill.ask is not None:
        said += f" on bid {amount(fill.bid)}, ask {amount(fill.ask)}, {age(fill.quote_age_ns)} old"
    return f"{said}; fee {money(fill.commission, fill.commission_currency)}, as {'maker' if fill.is_maker else 'taker'}"


def refusal(rejection: Rejection, instrument: Instrument, currency: str) -> str:
    """Why not, and what would have passed."""
    numbers, code = rejection.numbers, rejection.code
    if code is RejectCode.MARGIN_INSUFFICIENT:
        said = f"needs {money(numbers['required'], currency)} margin, {amount(numbers['available'])} free"
    elif code is RejectCode.BUDGET_EXCEEDED:
        unit = rejection.currency or currency
        said = (
            f"needs {money(numbers['required'], unit)} of the strategy's budget, {amount(numbers['available'])} of "
            f"{amount(numbers['allocated'])} available"
        )
    else:
        said = rejection.message
    would = numbers.get("would_pass")
    if would is None:
        return said
    return f"{said}; {units(would, instrument) if code in _OF_QUANTITIES else amount(would)} would have passed"


def changes(before: OrderTerms, after: OrderTerms) -> str:
    """What an amendment changed."""
    named = ((name, getattr(before, name), getattr(after, name)) for name in before.__struct_fields__)
    told = [f"{name.replace('_', ' ')} {_shown(old)} → {_shown(new)}" for name, old, new in named if old != new]
    return ", ".join(told) or "nothing"


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        return amount(value)
    return "none" if value is None else str(value)


def summary(order: Order, instrument: Instrument) -> str:
    """The whole life in a sentence."""
    said = f"{shown_order(order.order_id)} ({wish(order.terms, instrument)}) is {order.status}"
    average = order.average_fill_price
    if average is not None:
        said += f": {units(order.filled_quantity, instrument)} filled at {amount(average)} on average"
    return said if order.end_reason is None else f"{said}; {order.end_reason}"


def quoted_report(said: ExecutionReport) -> str:
    """What a venue said."""
    if isinstance(said, VenueFilled):
        return f"{amount(said.quantity)} executed at {amount(said.price)}"
    if isinstance(said, VenueTriggered):
        return f"the stop was touched at {amount(said.price)}"
    if isinstance(said, VenueCancelled):
        return f"taken out, {said.reason}"
    if isinstance(said, VenueRejected):
        return f"refused, {said.code}: {said.message}"
    return "it rests there"
