"""Orders meet the market: arrival, taking, resting limits, stops. Each report is decided on the state as it is
after the one before: the house applies a report before it asks for the next.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from tradehall.domain.fill import ExecutionReport, TrailMoved, VenueCancelled, VenueTriggered
from tradehall.domain.ids import OrderId
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.money import ZERO
from tradehall.domain.order import BUY, SELL, Order, OrderType, Side, TimeInForce, TrailingType
from tradehall.venue.book import Book, Floor, signed_limit, signed_stop, signed_touch
from tradehall.venue.fills import (
    IMMEDIATE,
    fill_report,
    fillable_quantity,
    first_share,
    on_step,
    only_reduces,
    slice_quantity,
    slipped,
    waits_for_trigger,
)
from tradehall.venue.liquidity import Offer
from tradehall.venue.settings import PARTIAL_FILL_PAUSE_NS
from tradehall.venue.trailing import Follower

Reports = Iterator[ExecutionReport]

NO_REPORTS: Final[Reports] = iter(())

NO_QUOTE: Final = "no quote young enough to fill on"
NOT_AVAILABLE: Final = "not enough on offer to fill at once"
NOTHING_TO_REDUCE: Final = "nothing left to reduce"
WOULD_TAKE: Final = "post-only: the market moved before it arrived, it would have taken"

SIDES: Final = (BUY, SELL)
_FOK: Final = TimeInForce.FOK


def arrive(floor: Floor, book: Book, order: Order, now: int) -> Reports:
    """An order reaches the book: it is armed, rests, or takes."""
    if not waits_for_trigger(order):
        return engage(floor, book, order, now)
    if order.terms.type is OrderType.TRAILING_STOP:
        return follow(floor, book, order, now)
    quote = floor.live_quote(book, now)
    if quote is not None and _is_reached(order, quote):
        return trigger(floor, book, order.order_id, quote, now)
    floor.arm(book, order)
    return NO_REPORTS


def engage(floor: Floor, book: Book, order: Order, now: int) -> Reports:
    """A market or limit order, or a stop that was triggered, meets the quote."""
    terms = order.terms
    quote = floor.live_quote(book, now)
    if quote is None:
        if terms.time_in_force in IMMEDIATE:
            return cancel(floor, order.order_id, NO_QUOTE)
        floor.wait(book, order.order_id)
        return NO_REPORTS
    if terms.limit_price is None:
        return take(floor, book, order.order_id, quote, now)
    if is_marketable(order, quote):
        if terms.post_only:
            return cancel(floor, order.order_id, WOULD_TAKE)
        return take(floor, book, order.order_id, quote, now)
    if terms.time_in_force in IMMEDIATE:
        return cancel(floor, order.order_id, NOT_AVAILABLE)
    floor.rest(book, order)
    return NO_REPORTS


def is_marketable(order: Order, quote: Quote) -> bool:
    """Whether a limit would trade at the touch."""
    terms = order.terms
    assert terms.limit_price is not None, f"order {order.order_id} has no limit price"
    return terms.limit_price >= quote.ask if terms.side is BUY else terms.limit_price <= quote.bid


def cancel(floor: Floor, order_id: OrderId, reason: str) -> Reports:
    """Take what is left of an order out."""
    floor.withdraw(order_id)
    yield VenueCancelled(order_id, reason)


# Taking.


def take(floor: Floor, book: Book, order_id: OrderId, quote: Quote, now: int) -> Reports:
    """Fill an order with what is on offer, level by level, and find its rest a place."""
    order = floor.state.orders.get(order_id)
    if order is None:
        floor.withdraw(order_id)
        return
    terms = order.terms
    instrument = floor.instrument(book)
    offers = _whole_steps(floor, book, instrument, order, now)
    if terms.time_in_force is _FOK and not _fills_whole(floor, order, offers):
        yield from cancel(floor, order_id, NOT_AVAILABLE)
        return
    share = first_share(order, floor.settings, instrument)
    left = terms.quantity - order.filled_quantity if share is None else share
    for price, units in offers:
        quantity = min(left, fillable_quantity(floor.state, order))
        if units is not None:
            quantity = min(quantity, units)
        if quantity <= ZERO:
            break
        book.offers.take(price, quantity)
        left -= quantity
        paid = price if terms.limit_price is not None else slipped(price, terms.side, instrument, floor.settings)
        yield fill_report(order, quantity, paid, False, quote, now)
        if order_id not in floor.state.orders:
            floor.withdraw(order_id)
            return
    yield from _place_rest(floor, book, order_id, quote, now, is_pausing=share is not None)


def _whole_steps(floor: Floor, book: Book, instrument: Instrument, order: Order, now: int) -> list[Offer]:
    """What the order may take, in steps of its quantity."""
    offers = floor.on_offer(book, order.terms, now)
    if instrument.quantity_step is None:
        return offers
    stepped = ((price, None if units is None else on_step(units, instrument)) for price, units in offers)
    return [(price, units) for price, units in stepped if units is None or units > 0]


def _fills_whole(floor: Floor, order: Order, offers: list[Offer]) -> bool:
    wanted = order.remaining_quantity
    if fillable_quantity(floor.state, order) < wanted:
        return False
    if any(units is None for _, units in offers):
        return True
    return sum((units for _, units in offers if units is not None), ZERO) >= wanted


def _place_rest(floor: Floor, book: Book, order_id: OrderId, quote: Quote, now: int, *, is_pausing: bool) -> Reports:
    """What an order does after it took what there was."""
    order = floor.state.orders.get(order_id)
    if order is None:
        floor.withdraw(order_id)
        return
    if only_reduces(order) and fillable_quantity(floor.state, order) <= 0:
        yield from cancel(floor, order_id, NOTHING_TO_REDUCE)
    elif order.terms.time_in_force in IMMEDIATE:
        yield from cancel(floor, order_id, NOT_AVAILABLE)
    elif is_pausing and order.fill_count:
        floor.delay(order_id, now + PARTIAL_FILL_PAUSE_NS)
    elif order.terms.limit_price is None or is_marketable(order, quote):
        floor.wait(book, order_id)
    else:
        floor.rest(book, order)


def take_waiting(floor: Floor, book: Book, quote: Quote, now: int) -> Reports:
    """All who waited for a quote have this one; once a market order is left waiting, its side has no more to give."""
    spent: dict[Side, bool] = {}
    for order_id in book.waiting.all():
        order = floor.state.orders.get(order_id)
        if order is None:
            floor.withdraw(order_id)
            continue
        is_market = order.terms.limit_price is None
        if order.terms.side in spent and (is_market or is_marketable(order, quote)):
            continue
        yield from engage(floor, book, order, now)
        if is_market and order_id in book.waiting:
            spent[order.terms.side] = True


# Resting limits.


def fill_limits(floor: Floor, book: Book, side: Side, quote: Quote, now: int) -> Reports:
    """Limits of one side that the touch reaches, by price, then time, each at its own price."""
    heap = book.limits(side)
    touch = signed_touch(side, quote)
    while heap.best is not None and heap.best <= touch:
        order_id = heap.first()
        assert order_id is not None, "a heap with a best key is empty"
        order = floor.state.orders.get(order_id)
        if order is None or signed_limit(order) != heap.best:
            floor.withdraw(order_id)  # It ended, or moved: its own event will place it anew.
            continue
        budget = _on_offer(floor, book, order, now)
        if budget is not None and budget <= 0:
            return
        yield from fill_resting(floor, book, order, budget, quote, now)


def _on_offer(floor: Floor, book: Book, order: Order, now: int) -> Decimal | None:
    """Units that a resting limit can have of what crosses it; None: any number."""
    offers = floor.on_offer(book, order.terms, now)
    if any(units is None for _, units in offers):
        return None
    return on_step(sum((units for _, units in offers if units is not None), ZERO), floor.instrument(book))


def fill_resting(
    floor: Floor, book: Book, order: Order, budget: Decimal | None, quote: Quote, now: int, *, is_print: bool = False
) -> Reports:
    """Fill a resting limit at its own price with at most `budget` units, which are positive."""
    order_id, price = order.order_id, order.terms.limit_price
    assert price is not None, f"order {order_id} rests without a limit price"
    quantity = fillable_quantity(floor.state, order)
    if quantity <= 0:
        yield from cancel(floor, order_id, NOTHING_TO_REDUCE)
        return
    share = first_share(order, floor.settings, floor.instrument(book))
    if share is not None:
        quantity = min(quantity, share)
    if budget is not None:
        quantity = min(quantity, budget, _slice_left(floor, book, order))
        if not is_print:
            _take_from_best(floor, book, order, quantity, now)
    if floor.settings.improves_limits and not is_print:
        price = min(price, quote.ask) if order.terms.side is BUY else max(price, quote.bid)
    yield fill_report(order, quantity, price, True, quote, now)
    _after_resting_fill(floor, book, order_id, quantity, now, is_pausing=share is not None)
    order_left = floor.state.orders.get(order_id)
    if order_left is not None and only_reduces(order_left) and fillable_quantity(floor.state, order_left) <= 0:
        yield from cancel(floor, order_id, NOTHING_TO_REDUCE)


def _slice_left(floor: Floor, book: Book, order: Order) -> Decimal:
    if order.terms.display_quantity is None:
        return order.remaining_quantity
    left = floor.shown.get(order.order_id)
    return slice_quantity(order, floor.instrument(book)) if left is None else left


def _take_from_best(floor: Floor, book: Book, order: Order, quantity: Decimal, now: int) -> None:
    """Note that `quantity` of what crossed the order is gone, the best offers first."""
    for price, units in floor.on_offer(book, order.terms, now):
        part = quantity if units is None else min(quantity, units)
        book.offers.take(price, part)
        quantity -= part
        if not quantity:
            return


def _after_resting_fill(
    floor: Floor, book: Book, order_id: OrderId, quantity: Decimal, now: int, *, is_pausing: bool
) -> None:
    """Where a resting order is after a fill; an iceberg whose slice is gone shows the next, and queues again."""
    order = floor.state.orders.get(order_id)
    if order is None:
        floor.withdraw(order_id)
    elif is_pausing:
        floor.delay(order_id, now + PARTIAL_FILL_PAUSE_NS)
    elif order.terms.display_quantity is not None and order_id in floor.homes:
        left = floor.shown.get(order_id)
        before = slice_quantity(order, floor.instrument(book)) if left is None else left
        if before > quantity:
            floor.shown[order_id] = before - quantity
        else:
            floor.rest(book, order)


# Stops.


def trigger_stops(floor: Floor, book: Book, side: Side, quote: Quote, now: int) -> Reports:
    """Stops of one side that the touch reaches, nearest first, each with what it becomes."""
    heap = book.stops(side)
    touch = quote.ask if side is BUY else -quote.bid
    while heap.best is not None and heap.best <= touch:
        order_id = heap.pop()
        order = floor.state.orders.get(order_id)
        if order is None or not _is_reached(order, quote):
            floor.withdraw(order_id)  # It ended, or moved: its own event will place it anew.
            continue
        yield from trigger(floor, book, order_id, quote, now)


def _is_reached(order: Order, quote: Quote) -> bool:
    side = order.terms.side
    return signed_stop(order) <= (quote.ask if side is BUY else -quote.bid)


def trigger(floor: Floor, book: Book, order_id: OrderId, quote: Quote, now: int) -> Reports:
    """The stop price was touched: a market order from now on, or a limit."""
    floor.withdraw(order_id)
    order = floor.state.orders.get(order_id)
    if order is None:
        return
    yield VenueTriggered(order_id, quote.ask if order.terms.side is BUY else quote.bid)
    order = floor.state.orders.get(order_id)
    if order is not None:
        yield from engage(floor, book, order, now)


# Trailing stops.


def follow(floor: Floor, book: Book, order: Order, now: int) -> Reports:
    """A trailing stop begins to follow, or goes on after an amendment or a restart: its peak is the state's."""
    quote = floor.live_quote(book, now)
    known = floor.state.trailing_peak(order)
    if quote is None:
        join_trail(floor, book, order, known)
        return
    side = order.terms.side
    touch = quote.bid if side is SELL else quote.ask
    peak = touch if known is None else max(known, touch) if side is SELL else min(known, touch)
    join_trail(floor, book, order, peak)
    if peak != known:
        yield TrailMoved(book.symbol, side, peak)
    yield from trigger_trails(floor, book, side, quote, now)


def join_trail(floor: Floor, book: Book, order: Order, peak: Decimal | None) -> None:
    """Let a trailing stop follow `peak`; None: the next quote is its first."""
    terms = order.terms
    assert terms.trailing_distance is not None, f"order {order.order_id} trails without a distance"
    trails = book.trails(terms.side)
    floor.settle_in(order.order_id, trails)
    is_percent = terms.trailing_type is TrailingType.PERCENT
    follower = Follower(order.order_id, floor.next_serial(), terms.trailing_distance, is_percent)
    signed = peak if peak is None or terms.side is SELL else -peak
    trails.join(follower, signed)


def advance_trails(book: Book, side: Side, quote: Quote) -> Reports:
    """Let trailing stops follow a better price, and say so if some did."""
    if book.trails(side).advance(quote.bid if side is SELL else -quote.ask):
        yield TrailMoved(book.symbol, side, quote.bid if side is SELL else quote.ask)


def trigger_trails(floor: Floor, book: Book, side: Side, quote: Quote, now: int) -> Reports:
    """Trailing stops of one side that fell back to their trigger, nearest first."""
    trails = book.trails(side)
    touch = quote.bid if side is SELL else -quote.ask
    while (order_id := trails.pop(touch)) is not None:
        yield from trigger(floor, book, order_id, quote, now)
