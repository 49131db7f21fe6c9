"""The pre-trade pipeline: every check an order passes, in the order in which they are asked.

The order of these lists is the precedence of the codes; a test pins it. A claim takes an OrderDraft and
gives a Rejection, or None when it holds.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final

from tradehall.domain.account import AccountStatus
from tradehall.domain.rejection import Rejection
from tradehall.domain.strategy import TradingState
from tradehall.engine.draft import OrderDraft
from tradehall.engine.rules import account, group, margin, position, price, quantity, session, shape, strategy

Check = Callable[[OrderDraft], Rejection | None]

# Malformed wishes: refused without an order number, and the client order id is not used up.
SHAPE_CHECKS: Final[tuple[Check, ...]] = (
    strategy.strategy_is_known,
    shape.prices_are_there,
    shape.prices_are_allowed,
    shape.prices_are_positive,
    shape.trailing_is_valid,
    shape.display_quantity_is_valid,
    shape.time_in_force_fits,
    shape.expiry_is_ahead,
)

# Wishes against the rules: refused as REJECTED orders that are listed and explained.
PLACE_ORDER_CHECKS: Final[tuple[Check, ...]] = (
    account.account_is_enabled,
    account.account_may_write,
    account.account_may_open,
    strategy.trading_is_not_halted,
    strategy.trading_may_increase,
    strategy.orders_are_not_too_frequent,
    account.orders_are_below_max,
    position.position_is_known,
    position.position_side_fits,
    position.margin_mode_matches,
    group.positions_are_below_max,
    strategy.parts_are_below_max,
    group.hedge_is_allowed,
    group.oldest_closes_first,
    group.part_may_close,
    session.session_is_open,
    strategy.budget_is_priced,
    session.quote_is_known,
    session.quote_is_fresh,
    quantity.quantity_is_at_least_min,
    quantity.quantity_is_at_most_max,
    quantity.quantity_is_on_step,
    group.remainder_is_tradable,
    price.price_is_on_tick,
    price.price_is_on_its_side,
    price.exits_are_on_their_sides,
    price.quote_is_near_expectation,
    price.post_only_would_rest,
    position.reduce_only_reduces,
    margin.leverage_is_allowed,
    margin.notional_is_at_most_max,
    margin.conversion_is_known,
    strategy.budget_is_configured,
    strategy.budget_is_sufficient,
    margin.margin_is_sufficient,
)

# Of them, those that hold for every plain order: they look at what only a special order, or the terms of a special
# account, say. The row of each code in the tests fails if `is_plain` forgets what its check looks at.
ABOUT_THE_SPECIAL: Final = frozenset(
    {
        account.account_is_enabled,
        account.account_may_write,
        account.account_may_open,
        strategy.trading_is_not_halted,
        strategy.trading_may_increase,
        strategy.orders_are_not_too_frequent,
        strategy.parts_are_below_max,
        strategy.budget_is_priced,
        strategy.budget_is_configured,
        strategy.budget_is_sufficient,
        position.position_is_known,
        position.position_side_fits,
        group.positions_are_below_max,
        group.hedge_is_allowed,
        group.oldest_closes_first,
        group.part_may_close,
        group.remainder_is_tradable,
        price.price_is_on_its_side,
        price.exits_are_on_their_sides,
        price.quote_is_near_expectation,
        price.post_only_would_rest,
        position.reduce_only_reduces,
        margin.leverage_is_allowed,
    }
)
PLAIN_ORDER_CHECKS: Final = tuple(check for check in PLACE_ORDER_CHECKS if check not in ABOUT_THE_SPECIAL)

# An amendment changes quantity, prices and expiry: what it cannot change is not asked again.
AMEND_ORDER_CHECKS: Final[tuple[Check, ...]] = (
    account.account_is_enabled,
    account.account_may_write,
    account.account_may_open,
    strategy.trading_is_not_halted,
    strategy.trading_may_increase,
    strategy.budget_is_priced,
    quantity.quantity_is_at_least_min,
    quantity.quantity_is_at_most_max,
    quantity.quantity_is_on_step,
    price.price_is_on_tick,
    price.price_is_on_its_side,
    price.exits_are_on_their_sides,
    price.post_only_would_rest,
    margin.notional_is_at_most_max,
    margin.conversion_is_known,
    strategy.budget_is_configured,
    strategy.budget_is_sufficient,
    margin.margin_is_sufficient,
)

# The exits of what is open already: new prices, and nothing else.
EXIT_CHECKS: Final[tuple[Check, ...]] = (
    account.account_is_enabled,
    account.account_may_write,
    shape.prices_are_positive,
    price.price_is_on_tick,
    price.exits_are_on_their_sides,
)


def place_order_rejection(draft: OrderDraft) -> Rejection | None:
    """The answer of the first of PLACE_ORDER_CHECKS that does not hold; plain orders are spared what holds for them."""
    return first_rejection(PLAIN_ORDER_CHECKS if is_plain(draft) else PLACE_ORDER_CHECKS, draft)


_ACTIVE: Final = AccountStatus.ACTIVE
_NORMAL: Final = TradingState.NORMAL
_special_terms: Final = attrgetter("position_id", "reduce_only", "post_only", "leverage", "strategy_id")


def is_plain(draft: OrderDraft) -> bool:
    """Whether an order asks for nothing special, on an account without rules of its own."""
    command, account, terms = draft.command, draft.account, draft.account.terms
    if command.is_strict or command.expected_price is not None or any(_special_terms(draft.terms)):
        return False
    if account.trading_state is not _NORMAL:
        return False
    return terms.status is _ACTIVE and not terms.positions_max and not terms.hedge_prohibited


def first_rejection(checks: Sequence[Check], draft: OrderDraft) -> Rejection | None:
    """The answer of the first check that does not hold."""
    for check in checks:
        rejection = check(draft)
        if rejection is not None:
            return rejection
    return None
