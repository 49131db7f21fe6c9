"""Executions of others reach our limits: those at a better price were passed over, those at the same price queue."""

from decimal import Decimal

from tradehall.domain.ids import OrderId
from tradehall.domain.market import Print, Quote
from tradehall.domain.money import ZERO
from tradehall.domain.order import Order, Side
from tradehall.venue.book import Book, Floor, signed_limit
from tradehall.venue.fills import on_step
from tradehall.venue.matching import SIDES, Reports, fill_resting
from tradehall.venue.settings import Liquidity


class _Budget:
    """Units of a print that are left for our orders (None: any number), and what they had of it."""

    __slots__ = ("left", "spent")

    def __init__(self, left: Decimal | None) -> None:
        self.left = left
        self.spent = ZERO

    @property
    def is_spent(self) -> bool:
        return self.left is not None and self.left <= 0

    def spend(self, quantity: Decimal) -> None:
        self.spent += quantity
        if self.left is not None:
            self.left -= quantity


def signed_print(side: Side, print_: Print) -> Decimal:
    """What the limits of `side` are compared with, signed as their keys."""
    return -print_.price if side is Side.BUY else print_.price


def is_reached_by(book: Book, side: Side, print_: Print) -> bool:
    """Whether a print is at or beyond the best limit of a side."""
    best = book.limits(side).best
    return best is not None and best <= signed_print(side, print_)


def match_print(floor: Floor, book: Book, print_: Print, quote: Quote, now: int) -> Reports:
    """Limits that a print went through fill, and then those in line at its price, all within its size."""
    is_unlimited = floor.settings.liquidity == Liquidity.UNLIMITED
    for side in SIDES:
        budget = _Budget(None if is_unlimited else on_step(print_.size, floor.instrument(book)))
        yield from _fill_passed(floor, book, side, print_, budget, quote, now)
        # Who bought at the ask did not trade with those who bid the same price.
        took_the_other_side = print_.buyer_took is (side is Side.BUY)
        if book.lines is not None and not took_the_other_side and not budget.is_spent:
            yield from _fill_line(floor, book, side, print_, budget, quote, now)


def _fill_passed(
    floor: Floor, book: Book, side: Side, print_: Print, budget: _Budget, quote: Quote, now: int
) -> Reports:
    heap = book.limits(side)
    bound = signed_print(side, print_)
    while heap.best is not None and heap.best < bound and not budget.is_spent:
        order = _resting(floor, heap.first(), heap.best)
        if order is not None:
            yield from _fill(floor, book, order, budget, quote, now)


def _fill_line(floor: Floor, book: Book, side: Side, print_: Print, budget: _Budget, quote: Quote, now: int) -> Reports:
    key = signed_print(side, print_)
    line = None if book.lines is None else book.lines[side].at(key)
    if line is None:
        return
    is_alive = book.limits(side).holds
    while line.groups and budget.left is not None and not budget.is_spent:
        budget.left = line.eat(budget.left)
        order = _resting(floor, line.first(is_alive), key)
        if order is not None:
            yield from _fill(floor, book, order, budget, quote, now)
    # Those who are not displayed come after all that is.
    displayed = floor.displayed_at(book, side, print_.price)
    if displayed is None:
        return
    budget.left = print_.size - displayed - budget.spent
    while not budget.is_spent and (order_id := line.first_hidden(is_alive)) is not None:
        order = _resting(floor, order_id, key)
        if order is not None:
            yield from _fill(floor, book, order, budget, quote, now)


def _resting(floor: Floor, order_id: OrderId | None, key: Decimal) -> Order | None:
    """The order, if it still rests at `key`; if it ended or moved, its own event will place it anew."""
    if order_id is None:
        return None
    order = floor.state.orders.get(order_id)
    if order is None or signed_limit(order) != key:
        floor.withdraw(order_id)
        return None
    return order


def _fill(floor: Floor, book: Book, order: Order, budget: _Budget, quote: Quote, now: int) -> Reports:
    units = None if budget.left is None else on_step(budget.left, floor.instrument(book))
    if units is not None and units <= 0:
        budget.left = ZERO
        return
    before = order.filled_quantity
    yield from fill_resting(floor, book, order, units, quote, now, is_print=True)
    budget.spend(order.filled_quantity - before)
