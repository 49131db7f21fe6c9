"""The leaves of an execution: how much may fill, at which price, and the report that says so."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from tradehall.domain.fill import VenueFilled
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.money import ONE, round_down_to
from tradehall.domain.order import BUY, Order, OrderType, Side, TimeInForce
from tradehall.engine.booking import reducible_quantity
from tradehall.engine.state import State
from tradehall.venue.settings import VenueSettings

# An iceberg shows at least this part of itself, so that it refills a bounded number of times.
ICEBERG_SLICES_MAX: Final = 64

IMMEDIATE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})
STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})

_BASIS_POINT: Final = Decimal("0.0001")


def waits_for_trigger(order: Order) -> bool:
    """Whether a stop price, not the market, is what the order waits for."""
    return order.terms.type in STOPS and not order.is_triggered


def only_reduces(order: Order) -> bool:
    """Whether the order may close but never open."""
    return order.terms.reduce_only or order.terms.position_id is not None


def fillable_quantity(state: State, order: Order) -> Decimal:
    """Units that may fill now: what remains, and for a reducing order no more than there is to reduce.

    Read anew before every fill: an earlier one may have closed the position.
    """
    left = order.terms.quantity - order.filled_quantity
    return min(left, reducible_quantity(state, order)) if only_reduces(order) else left


def first_share(order: Order, settings: VenueSettings, instrument: Instrument) -> Decimal | None:
    """Units that fill first where the venue fills in two parts; None: the order fills in one."""
    ratio = settings.partial_fill_ratio
    if ratio is None or order.fill_count or order.terms.time_in_force in IMMEDIATE:
        return None
    share = on_step(order.remaining_quantity * ratio, instrument)
    return share if share > 0 else None


def on_step(quantity: Decimal, instrument: Instrument) -> Decimal:
    """`quantity` down to the instrument's step, where it has one."""
    step = instrument.quantity_step
    return quantity if step is None else round_down_to(quantity, step)


def slice_quantity(order: Order, instrument: Instrument) -> Decimal:
    """Units that an iceberg shows at a time, never more than remain."""
    shown = order.terms.display_quantity
    assert shown is not None, f"order {order.order_id} is no iceberg"
    least = on_step(order.terms.quantity / ICEBERG_SLICES_MAX, instrument)
    return min(max(shown, least), order.remaining_quantity)


def slipped(price: Decimal, side: Side, instrument: Instrument, settings: VenueSettings) -> Decimal:
    """`price` worsened by the venue's slippage, on the tick grid, away from the trader; never below a tick."""
    if not (settings.slippage_ticks or settings.slippage_bps):
        return price
    tick = instrument.tick_size
    worse = settings.slippage_ticks * tick + price * settings.slippage_bps * _BASIS_POINT
    if side is BUY:
        return ((price + worse) / tick).quantize(ONE, ROUND_CEILING) * tick
    return max(((price - worse) / tick).quantize(ONE, ROUND_FLOOR) * tick, tick)


def fill_report(order: Order, quantity: Decimal, price: Decimal, is_maker: bool, quote: Quote, now: int) -> VenueFilled:
    """The report of one fill, with the quote it was made on; its id counts the order's fills."""
    order_id, age_ns = order.order_id, now - quote.received_at
    name = f"{order_id}-{order.fill_count + 1}"
    return VenueFilled(order_id, name, quantity, price, is_maker, quote.bid, quote.ask, age_ns if age_ns > 0 else 0)
