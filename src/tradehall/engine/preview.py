"""Preview: what would become of an order, by the same pipeline, with nothing changed."""

from decimal import Decimal

from msgspec import Struct

from tradehall.domain.money import ONE, ZERO, round_floating
from tradehall.domain.order import OrderType, Side
from tradehall.domain.position import side_opened_by
from tradehall.domain.rejection import Rejection
from tradehall.domain.strategy import Budget
from tradehall.engine.budgets import opening_in_book, required_hold, worst_price
from tradehall.engine.commands import PlaceOrder
from tradehall.engine.context import Context
from tradehall.engine.draft import OrderDraft
from tradehall.engine.fees import commission_of
from tradehall.engine.handlers.account import account_unknown
from tradehall.engine.handlers.place_order import symbol_unknown, with_position_mode
from tradehall.engine.rules import place_order_rejection, shape_rejection
from tradehall.engine.state import State
from tradehall.engine.valuation import value_account


class Preview(Struct, frozen=True):
    """The answer to "what if": money in account currency, prices in quote currency per unit.

    `fill_price`: where it would fill now, or its own price if it would rest; None without a quote.
    `liquidation_price`: where the resulting position alone would bring the stop-out. `budget`: of the order's
    strategy in the quote currency, as it stands, `budget_required` of which the order would reserve; None where
    there is none.
    """

    rejection: Rejection | None
    fill_price: Decimal | None = None
    fills_now: bool = False
    commission: Decimal = ZERO
    margin_required: Decimal = ZERO
    margin_used: Decimal = ZERO
    margin_available: Decimal = ZERO
    margin_used_after: Decimal = ZERO
    margin_available_after: Decimal = ZERO
    liquidation_price: Decimal | None = None
    budget: Budget | None = None
    budget_required: Decimal = ZERO


def preview(state: State, command: PlaceOrder, context: Context) -> Preview:
    """Ask the pipeline about an order without placing it."""
    account = state.accounts.get(command.terms.account_id)
    if account is None:
        return Preview(account_unknown(command.terms.account_id))
    if command.terms.symbol not in state.instruments:
        return Preview(symbol_unknown(command.terms.symbol))
    draft = OrderDraft(state, account, with_position_mode(command, account), context)
    rejection = shape_rejection(draft)
    if rejection is not None:
        return Preview(rejection)
    rejection = place_order_rejection(draft)
    return _figures(draft, rejection)


def _figures(draft: OrderDraft, rejection: Rejection | None) -> Preview:
    if draft.rate is None:
        draft.price_margin()
    value = value_account(draft.state, draft.account, draft.context.quote)
    price, fills_now = _expected_fill(draft)
    commission = _commission(draft, price, is_maker=not fills_now)
    used_after = value.margin_used + draft.margin_required - _margin_freed(draft)
    return Preview(
        rejection=rejection,
        fill_price=price,
        fills_now=fills_now,
        commission=commission,
        margin_required=draft.margin_required,
        margin_used=value.margin_used,
        margin_available=value.margin_available,
        margin_used_after=used_after,
        margin_available_after=value.equity - commission - used_after,
        liquidation_price=_liquidation_price(draft, price, value.equity - commission, used_after),
        budget=_budget(draft),
        budget_required=_budget_required(draft),
    )


def _budget(draft: OrderDraft) -> Budget | None:
    strategy_id = draft.terms.strategy_id
    return None if strategy_id is None else draft.account.books[strategy_id].budget(draft.instrument.quote_currency)


def _budget_required(draft: OrderDraft) -> Decimal:
    """What the order would reserve, accepted or not; 0 where nothing tells its price."""
    if draft.terms.strategy_id is None or draft.rate is None or worst_price(draft) is None:
        return ZERO
    hold = required_hold(draft, opening_in_book(draft))
    return ZERO if hold is None else hold.amount


def _expected_fill(draft: OrderDraft) -> tuple[Decimal | None, bool]:
    """Price and whether it is taken at once."""
    quote, terms = draft.quote, draft.terms
    if quote is None:
        return terms.limit_price or terms.stop_price, False
    is_buy = terms.side is Side.BUY
    touch = quote.ask if is_buy else quote.bid
    if terms.type is OrderType.MARKET:
        return touch, True
    if terms.type is OrderType.LIMIT and terms.limit_price is not None:
        takes = terms.limit_price >= touch if is_buy else terms.limit_price <= touch
        return (touch, True) if takes else (terms.limit_price, False)
    return terms.limit_price or terms.stop_price or touch, False


def _commission(draft: OrderDraft, price: Decimal | None, *, is_maker: bool) -> Decimal:
    if price is None or draft.rate is None:
        return ZERO
    return commission_of(
        draft.instrument,
        quantity=draft.quantity,
        price=price,
        is_maker=is_maker,
        currency=draft.account.terms.currency,
        quote_of=draft.context.quote,
    )


def _margin_freed(draft: OrderDraft) -> Decimal:
    position = draft.position
    if position is None or position.side is side_opened_by(draft.terms.side):
        return ZERO
    return position.margin * min(draft.quantity, position.quantity) / position.quantity


def _liquidation_price(
    draft: OrderDraft, price: Decimal | None, equity: Decimal, used_after: Decimal
) -> Decimal | None:
    """Where the resulting exposure alone would bring the stop-out; None if no positive price does."""
    position, terms = draft.position, draft.terms
    is_buy = terms.side is Side.BUY
    held = ZERO
    if position is not None:
        held = position.quantity if position.side.entry_side is Side.BUY else -position.quantity
    net = held + (draft.quantity if is_buy else -draft.quantity)
    if price is None or not net or not draft.rate:
        return None
    slack = equity - used_after * draft.account.terms.stop_out_level / 100
    level = price - slack / (net * (draft.rate or ONE))
    return round_floating(level) if level > 0 else None
