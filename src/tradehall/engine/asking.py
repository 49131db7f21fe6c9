"""Asking: checks one by one, with what each of them compared, for those who explain a decision."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradehall.domain.order import Side
from tradehall.domain.rejection import Rejection
from tradehall.domain.strategy import StrategyBook
from tradehall.engine.draft import OrderDraft
from tradehall.engine.rules import Check, account, group, margin, position, price, quantity, session, strategy

Figures = Mapping[str, Decimal | str]


class Answer(Struct, frozen=True):
    """What became of one check: `claim` is its name in words, `rejection` None where it held.

    `figures`: what was compared [units, quote currency per unit, account currency, ns], {} where the check looks at
    no figures or did not apply.
    """

    claim: str
    rejection: Rejection | None
    figures: Figures


def answers(checks: Sequence[Check], draft: OrderDraft) -> list[Answer]:
    """Ask the checks in order, up to the first that does not hold; the draft is as after the pipeline then."""
    found: list[Answer] = []
    for check in checks:
        rejection = check(draft)
        told = FIGURES.get(check)
        compared = {} if told is None else told(draft)
        figures = compared if rejection is None else {**compared, **rejection.numbers}
        found.append(Answer(check.__name__.replace("_", " "), rejection, figures))
        if rejection is not None:
            break
    return found


def _known(**figures: Decimal | str | None) -> dict[str, Decimal | str]:
    return {name: value for name, value in figures.items() if value is not None}


def _status(draft: OrderDraft) -> Figures:
    return {"status": draft.account.terms.status.value}


def _book(draft: OrderDraft) -> StrategyBook | None:
    strategy_id = draft.terms.strategy_id
    return None if strategy_id is None else draft.account.books.get(strategy_id)


def _trading_state(draft: OrderDraft) -> Figures:
    book = _book(draft)
    of_book = None if book is None else book.trading_state.value
    return _known(account=draft.account.trading_state.value, strategy=of_book)


def _rate_of_orders(draft: OrderDraft) -> Figures:
    book = _book(draft)
    if book is None or book.limits.orders_max is None:
        return {}
    return {"orders": Decimal(book.window_orders), "orders_max": Decimal(book.limits.orders_max)}


def _working(draft: OrderDraft) -> Figures:
    return {"working": Decimal(len(draft.account.orders)), "orders_max": Decimal(draft.account.terms.orders_max)}


def _positions(draft: OrderDraft) -> Figures:
    most = draft.account.terms.positions_max
    return {"positions": Decimal(len(draft.account.positions)), "positions_max": Decimal(most)} if most else {}


def _touch(draft: OrderDraft) -> Figures:
    return {} if draft.quote is None else {"bid": draft.quote.bid, "ask": draft.quote.ask}


def _age(draft: OrderDraft) -> Figures:
    if draft.quote is None:
        return {}
    age = draft.context.now - draft.quote.received_at
    return {"quote_age_ns": Decimal(age), "quote_age_ns_max": Decimal(draft.instrument.quote_age_ns_max)}


def _tick(draft: OrderDraft) -> Figures:
    return {"tick_size": draft.instrument.tick_size} if draft.instrument.enforces_tick else {}


def _pending(draft: OrderDraft) -> Figures:
    if not draft.command.is_strict:
        return {}
    return _known(limit_price=draft.terms.limit_price, stop_price=draft.terms.stop_price, **_touch(draft))


def _exits(draft: OrderDraft) -> Figures:
    if not draft.command.is_strict:
        return {}
    return _known(stop_loss=draft.terms.stop_loss, take_profit=draft.terms.take_profit, **_touch(draft))


def _expectation(draft: OrderDraft) -> Figures:
    expected, quote = draft.command.expected_price, draft.quote
    if expected is None or quote is None:
        return {}
    touch = quote.ask if draft.terms.side is Side.BUY else quote.bid
    return _known(price=touch, expected_price=expected, deviation_max=draft.command.deviation_max)


def _post_only(draft: OrderDraft) -> Figures:
    return _known(limit_price=draft.terms.limit_price, **_touch(draft)) if draft.terms.post_only else {}


def _reduced(draft: OrderDraft) -> Figures:
    if not draft.terms.reduce_only or draft.position is None:
        return {}
    return {"position_quantity": draft.position.quantity, "position_side": draft.position.side.value}


def _leverage(draft: OrderDraft) -> Figures:
    return {"leverage": draft.leverage, "leverage_max": draft.instrument.leverage_max}


def _notional(draft: OrderDraft) -> Figures:
    if draft.reference_price is None:
        return {}
    return {
        "notional": draft.terms.quantity * draft.reference_price,
        "notional_max": draft.instrument.notional_max,
    }


def _budget(draft: OrderDraft) -> Figures:
    book, hold = _book(draft), draft.hold
    budget = None if book is None or hold is None else book.budget(hold.currency)
    if budget is None or hold is None:
        return {}
    return {
        "required": hold.amount,
        "allocated": budget.allocated,
        "reserved": budget.reserved,
        "available": budget.available,
        "currency": budget.currency,
    }


def _margin(draft: OrderDraft) -> Figures:
    return _known(
        required=draft.margin_required,
        available=draft.margin_available(),
        leverage=draft.leverage,
        price=draft.reference_price,
    )


FIGURES: Final[dict[Check, Callable[[OrderDraft], Figures]]] = {
    account.account_is_enabled: _status,
    account.account_may_write: _status,
    account.account_may_open: _status,
    account.orders_are_below_max: _working,
    strategy.trading_is_not_halted: _trading_state,
    strategy.trading_may_increase: _trading_state,
    strategy.orders_are_not_too_frequent: _rate_of_orders,
    strategy.budget_is_sufficient: _budget,
    group.positions_are_below_max: _positions,
    position.reduce_only_reduces: _reduced,
    session.quote_is_known: _touch,
    session.quote_is_fresh: _age,
    quantity.quantity_is_at_least_min: lambda draft: _known(
        quantity=draft.terms.quantity, quantity_min=draft.instrument.quantity_min
    ),
    quantity.quantity_is_at_most_max: lambda draft: _known(
        quantity=draft.terms.quantity, quantity_max=draft.instrument.quantity_max
    ),
    quantity.quantity_is_on_step: lambda draft: _known(
        quantity=draft.terms.quantity, quantity_step=draft.instrument.quantity_step, lot_step=draft.command.lot_step
    ),
    price.price_is_on_tick: _tick,
    price.price_is_on_its_side: _pending,
    price.exits_are_on_their_sides: _exits,
    price.quote_is_near_expectation: _expectation,
    price.post_only_would_rest: _post_only,
    margin.leverage_is_allowed: _leverage,
    margin.notional_is_at_most_max: _notional,
    margin.conversion_is_known: lambda draft: _known(rate=draft.rate),
    margin.margin_is_sufficient: _margin,
}
