"""The order types: which prices each wants, and which time in force it can have.

One row per type; adding a type means a row here, its trigger in the venue, and what the asserts name.
"""

from typing import Final

from msgspec import Struct

from tradehall.domain.order import OrderType


class Shape(Struct, frozen=True):
    """Which price fields an order of a type must have (True) or must not have (False)."""

    limit_price: bool
    stop_price: bool
    trailing_distance: bool
    may_be_post_only: bool
    may_be_displayed_in_part: bool


SHAPES: Final[dict[OrderType, Shape]] = {
    #                              limit  stop   trail  post   iceberg
    OrderType.MARKET: Shape(False, False, False, False, False),
    OrderType.LIMIT: Shape(True, False, False, True, True),
    OrderType.STOP: Shape(False, True, False, False, False),
    OrderType.STOP_LIMIT: Shape(True, True, False, True, True),
    OrderType.TRAILING_STOP: Shape(False, False, True, False, False),
}
assert SHAPES.keys() == set(OrderType)
