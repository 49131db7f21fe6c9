"""The pre-trade pipeline: every check an order passes, in the order in which they are asked.

The order of these lists is the precedence of the codes; a test pins it. A claim takes an OrderDraft and
gives a Rejection, or None when it holds. What a claim is `about` spares it the orders for which it always holds.
"""

from collections.abc import Callable
from typing import Final

from tradehall.domain.rejection import Rejection
from tradehall.engine.draft import OrderDraft
from tradehall.engine.rules import account, group, margin, position, price, quantity, session, shape, strategy
from tradehall.engine.traits import concerns

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


class Pipeline(dict[int, tuple[Check, ...]]):
    """Checks in the order in which they are asked: by traits, those of them that may fail for such an order."""

    def __init__(self, checks: tuple[Check, ...]) -> None:
        self._checks = checks

    def __missing__(self, traits: int) -> tuple[Check, ...]:
        found = self[traits] = tuple(check for check in self._checks if concerns(check, traits))
        return found

    def rejection(self, draft: OrderDraft) -> Rejection | None:
        """The answer of the first check that does not hold."""
        for check in self[draft.traits]:
            rejection = check(draft)
            if rejection is not None:
                return rejection
        return None


shape_rejection: Final = Pipeline(SHAPE_CHECKS).rejection
place_order_rejection: Final = Pipeline(PLACE_ORDER_CHECKS).rejection
amend_order_rejection: Final = Pipeline(AMEND_ORDER_CHECKS).rejection
exit_prices_rejection: Final = Pipeline(EXIT_CHECKS).rejection
