"""Claims about what an order costs. They come last: only they need a valuation."""

from decimal import Decimal

from tradehall.domain.money import ZERO, minor_unit, round_down_to
from tradehall.domain.order import Side
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine.draft import OrderDraft
from tradehall.engine.fees import commission_of
from tradehall.engine.rules.quantity import quantity_that_passes
from tradehall.engine.traits import UNUSUAL, about


@about(UNUSUAL)
def leverage_is_allowed(draft: OrderDraft) -> Rejection | None:
    """An order's own leverage stays within the instrument's limit."""
    leverage, most = draft.terms.leverage, draft.instrument.leverage_max
    if leverage is None or leverage <= most:
        return None
    return Rejection(
        RejectCode.LEVERAGE_TOO_HIGH,
        f"leverage {leverage} is above {most}, the most that {draft.terms.symbol} allows",
        {"leverage": leverage, "leverage_max": most, "would_pass": most},
    )


def notional_is_at_most_max(draft: OrderDraft) -> Rejection | None:
    """Quantity x price stays within the instrument's limit."""
    price, most = draft.reference_price, draft.instrument.notional_max
    if price is None or draft.terms.quantity * price <= most:
        return None
    return Rejection(
        RejectCode.NOTIONAL_ABOVE_MAX,
        f"quantity x price is {draft.terms.quantity * price}, at most {most} is allowed",
        {"notional": draft.terms.quantity * price, "notional_max": most} | quantity_that_passes(draft, most / price),
    )


def conversion_is_known(draft: OrderDraft) -> Rejection | None:
    """The quote currency, and that of the commission, convert into the account's through live quotes."""
    draft.price_margin()
    if draft.rate is not None:
        return None
    source, target = draft.currency_without_path(), draft.account.terms.currency
    return Rejection(RejectCode.CONVERSION_MISSING, f"no live quotes convert {source} to {target}")


def margin_is_sufficient(draft: OrderDraft) -> Rejection | None:
    """The part that opens exposure is paid for by what is free."""
    required = draft.margin_required
    if not required:
        return None
    available = draft.margin_available()
    if draft.account.terms.is_cash:
        required += _fee(draft)
        if draft.terms.side is Side.SELL:
            available = ZERO  # What is not held is not sold for cash.
    if required <= available:
        return None
    assert draft.reference_price is not None, "quote_is_known comes first"
    return Rejection(
        RejectCode.MARGIN_INSUFFICIENT,
        f"margin of {required} {draft.account.terms.currency} is required, {available} is available",
        {
            "required": required,
            "available": available,
            "leverage": draft.leverage,
            "price": draft.reference_price,
        }
        | quantity_that_passes(draft, _affordable(draft, available)),
    )


def _fee(draft: OrderDraft) -> Decimal:
    """What a cash account pays besides: the fee of all that may still fill, as a taker's."""
    assert draft.reference_price is not None, "quote_is_known comes first"
    return commission_of(
        draft.instrument,
        quantity=draft.quantity,
        price=draft.reference_price,
        is_maker=False,
        currency=draft.account.terms.currency,
        quote_of=draft.context.quote,
    )


def _affordable(draft: OrderDraft, available: Decimal) -> Decimal:
    """The largest quantity that passes: what is filled or closes a position is free, `available` pays the rest."""
    free = draft.terms.quantity - draft.opening_quantity
    assert draft.rate is not None and draft.reference_price is not None, "conversion_is_known comes first"
    # Margin is rounded up to the minor unit, so fractions of it buy nothing.
    budget = round_down_to(max(ZERO, available), minor_unit(draft.account.terms.currency))
    return free + budget * draft.leverage / (draft.reference_price * draft.rate)
