"""Budgets: what an order may tie up of its strategy's capital. Arithmetic only; `engine.rules.strategy` says no.

Only what adds to a strategy's own book needs capital: quantity x price / leverage + estimated fee, in the quote
currency, rounded up. The price is the worst that the order admits: a buy's limit, else its stop; for what takes
the market, the touch and a buffer. docs/budgets.md says what is guaranteed, and what a gap may cost.
"""

from decimal import ROUND_FLOOR, Decimal
from typing import Final

from tradehall.domain.account import Account, PositionMode
from tradehall.domain.money import HUNDRED, ONE, ZERO, minor_unit, round_down_to, round_margin
from tradehall.domain.order import Hold, Order, OrderTerms, OrderType, Side, TrailingType
from tradehall.domain.position import side_opened_by
from tradehall.engine.draft import OrderDraft
from tradehall.engine.fees import commission_of
from tradehall.engine.state import State

SLIPPAGE_BUFFER: Final = Decimal("0.001")


def opening_in_book(draft: OrderDraft) -> Decimal:
    """Units of an order that would add to its strategy's book once all that works has filled."""
    terms, account = draft.terms, draft.account
    assert terms.strategy_id is not None, "called for orders of strategies"
    if terms.reduce_only or terms.position_id is not None:
        return ZERO
    if account.terms.position_mode is PositionMode.HEDGING:
        return draft.quantity
    part = draft.part
    if part is None or part.side is side_opened_by(terms.side):
        return draft.quantity
    claimed = claimed_units(draft.state, account, terms, besides=draft.working)
    return max(ZERO, draft.quantity - max(ZERO, part.quantity - claimed))


def claimed_units(state: State, account: Account, terms: OrderTerms, besides: Order | None) -> Decimal:
    """Units of a part that other working orders will close: theirs, and closed for free by nobody else."""
    assert terms.strategy_id is not None, "called for orders of strategies"
    orders = state.orders_of_strategy(account.terms.account_id, terms.strategy_id)
    return sum(
        (claim_of(order) for order in orders if order is not besides and may_claim(order, terms.symbol, terms.side)),
        ZERO,
    )


def may_claim(order: Order, symbol: str, side: Side) -> bool:
    """Whether an order of `side` in `symbol` may open, once it has nothing to close."""
    terms = order.terms
    return terms.symbol == symbol and terms.side is side and not terms.reduce_only and terms.position_id is None


def claim_of(order: Order) -> Decimal:
    """Units that an order counts on closing: what may still fill, and holds nothing."""
    return order.remaining_quantity if order.hold is None else order.remaining_quantity - order.hold.quantity


def required_hold(draft: OrderDraft, opening: Decimal) -> Hold | None:
    """What the order has to keep of its budget to open `opening` units; None where it opens nothing.

    Asserts a price and a conversion: `budget_is_priced` and `conversion_is_known` come first.
    """
    if not opening:
        return None
    currency = draft.instrument.quote_currency
    return Hold(currency, requirement(draft, opening), opening)


def requirement(draft: OrderDraft, opening: Decimal) -> Decimal:
    """Capital and fee [quote currency] for `opening` units, rounded up."""
    price, rate = worst_price(draft), draft.rate
    assert price is not None and rate is not None, "budget_is_priced and conversion_is_known come first"
    fee = commission_of(
        draft.instrument,
        quantity=opening,
        price=price,
        is_maker=draft.terms.post_only,
        currency=draft.account.terms.currency,
        quote_of=draft.context.quote,
    )
    return round_margin(opening * price / draft.leverage + max(ZERO, fee) / rate, draft.instrument.quote_currency)


def worst_price(draft: OrderDraft) -> Decimal | None:
    """The price at which an order is reckoned [quote currency]; None where only a quote could tell.

    A sell ties more the higher it fills: where the market is above its limit, that is where it fills.
    """
    terms, quote = draft.terms, draft.quote
    is_buy = terms.side is Side.BUY
    asked = terms.limit_price or terms.stop_price
    if asked is not None and (is_buy or quote is None):
        return asked
    if quote is None:
        return None
    if asked is not None:
        return max(asked, terms.stop_price or asked, quote.bid)
    touch = quote.ask if is_buy else quote.bid
    if is_buy and terms.type is OrderType.TRAILING_STOP and terms.trailing_distance is not None:
        is_percent = terms.trailing_type is TrailingType.PERCENT
        touch += touch * terms.trailing_distance / HUNDRED if is_percent else terms.trailing_distance
    return touch * (ONE + SLIPPAGE_BUFFER)


def affordable_units(draft: OrderDraft, opening: Decimal, available: Decimal, step: Decimal) -> Decimal:
    """The most units in whole `step`s, fewer than `opening`, that `available` pays for; fees rise with the quantity."""
    low, high = 0, int((opening / step).to_integral_value(ROUND_FLOOR))
    while low < high:
        middle = (low + high + 1) // 2
        if requirement(draft, middle * step) <= available:
            low = middle
        else:
            high = middle - 1
    return low * step


def hold_after_fill(order: Order, hold: Hold, quantity: Decimal) -> Hold | None:
    """What the rest of an order keeps of `hold` after a fill of `quantity`.

    Rounded down: the fill frees its share, and no less, so that what it ties at its price fits into that.
    Closing comes first: what the order was to open stays held for as long as there is more left of it.
    """
    left = order.remaining_quantity - quantity
    if not left:
        return None
    opening = min(hold.quantity, left)
    if opening == hold.quantity:
        return hold
    amount = round_down_to(hold.amount * opening / hold.quantity, minor_unit(hold.currency))
    return Hold(hold.currency, amount, opening)
