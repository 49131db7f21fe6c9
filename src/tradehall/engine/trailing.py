"""Where a trailing stop stands: the best price since it was accepted, less its distance."""

from decimal import Decimal

from tradehall.domain.money import HUNDRED, ONE
from tradehall.domain.order import Order, Side, TrailingType
from tradehall.engine.state import State


def trailing_stop_price(state: State, order: Order) -> Decimal | None:
    """Present trigger of a trailing stop [quote currency]; None before its first quote."""
    peak, terms = state.trailing_peak(order), order.terms
    if peak is None or terms.trailing_distance is None:
        return None
    distance = terms.trailing_distance
    if terms.trailing_type is TrailingType.PERCENT:
        share = distance / HUNDRED
        return peak * (ONE - share if terms.side is Side.SELL else ONE + share)
    return peak - distance if terms.side is Side.SELL else peak + distance
