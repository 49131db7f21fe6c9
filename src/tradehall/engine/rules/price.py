"""Claims about prices against the tick grid and the market."""

from decimal import Decimal
from typing import Final

from tradehall.domain.instrument import Instrument
from tradehall.domain.money import is_multiple, round_to
from tradehall.domain.order import BUY, OrderType
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine.draft import OrderDraft
from tradehall.engine.traits import EXITS, GRIDDED, STRICT, UNUSUAL, about

_WITHOUT_A_PRICE: Final = frozenset({OrderType.MARKET, OrderType.TRAILING_STOP})


@about(GRIDDED)
def price_is_on_tick(draft: OrderDraft) -> Rejection | None:
    """Where the instrument enforces its grid, every price lies on it."""
    instrument, terms = draft.instrument, draft.terms
    if not instrument.enforces_tick:
        return None
    for name in ("limit_price", "stop_price", "stop_loss", "take_profit"):
        price = getattr(terms, name)
        if price is not None and not is_multiple(price, instrument.tick_size):
            return Rejection(
                RejectCode.PRICE_OFF_TICK,
                f"{name} {price} is not a multiple of the tick {instrument.tick_size}",
                {
                    name: price,
                    "tick_size": instrument.tick_size,
                    "would_pass": max(instrument.tick_size, round_to(price, instrument.tick_size)),
                },
            )
    return None


@about(STRICT)
def price_is_on_its_side(draft: OrderDraft) -> Rejection | None:
    """Doors that speak tickets want pending prices that do not execute at once."""
    quote, terms = draft.quote, draft.terms
    if not draft.command.is_strict or quote is None or terms.type in _WITHOUT_A_PRICE:
        return None
    is_buy = terms.side is BUY
    touch = quote.ask if is_buy else quote.bid
    if draft.working is not None and draft.working.is_triggered:
        return None  # Its stop price has done its work: the market has been there.
    price = terms.limit_price if terms.type is OrderType.LIMIT else terms.stop_price
    assert price is not None, "prices_are_there comes first"
    wants_below = is_buy == (terms.type is OrderType.LIMIT)
    if _is_far_enough(price, touch, draft.instrument, wants_below=wants_below):
        return None
    nearest = _nearest(touch, draft.instrument, wants_below=wants_below)
    return Rejection(
        RejectCode.PRICE_WRONG_SIDE,
        f"a {terms.side} {terms.type} price must be {'below' if wants_below else 'above'} {touch}, "
        f"{nearest} at the nearest, was {price}",
        {"price": price, "bid": quote.bid, "ask": quote.ask, "would_pass": nearest},
    )


@about(EXITS)
def exits_are_on_their_sides(draft: OrderDraft) -> Rejection | None:
    """Doors that speak tickets want a stop loss that loses and a take profit that gains, the stops level away.

    A pending order is measured from its entry price; another from where it would be closed: the bid, or
    for a sell the ask.
    """
    quote, terms = draft.quote, draft.terms
    if not draft.command.is_strict or quote is None:
        return None
    is_buy = terms.side is BUY
    base = terms.limit_price or terms.stop_price or (quote.bid if is_buy else quote.ask)
    wanted = (("stop_loss", terms.stop_loss, is_buy), ("take_profit", terms.take_profit, not is_buy))
    for name, price, wants_below in wanted:
        if price is None or _is_far_enough(price, base, draft.instrument, wants_below=wants_below):
            continue
        nearest = _nearest(base, draft.instrument, wants_below=wants_below)
        return Rejection(
            RejectCode.EXITS_WRONG_SIDE,
            f"{name} of a {terms.side} must be {'below' if wants_below else 'above'} {base}, "
            f"{nearest} at the nearest, was {price}",
            {name: price, "bid": quote.bid, "ask": quote.ask, "would_pass": nearest},
        )
    return None


def _is_far_enough(price: Decimal, base: Decimal, instrument: Instrument, *, wants_below: bool) -> bool:
    gap = base - price if wants_below else price - base
    return gap > 0 and gap >= instrument.stops_level * instrument.tick_size


def _nearest(base: Decimal, instrument: Instrument, *, wants_below: bool) -> Decimal:
    """The price on the right side of `base` that passes for sure: the stops level away, or a tick."""
    distance = max(instrument.stops_level, 1) * instrument.tick_size
    return base - distance if wants_below else base + distance


@about(STRICT)
def quote_is_near_expectation(draft: OrderDraft) -> Rejection | None:
    """A market order with an expected price fills within its deviation of it, or not at all."""
    expected, most = draft.command.expected_price, draft.command.deviation_max
    if expected is None or most is None or draft.quote is None:
        return None
    touch = draft.quote.ask if draft.terms.side is BUY else draft.quote.bid
    if abs(touch - expected) <= most:
        return None
    return Rejection(
        RejectCode.PRICE_DEVIATES,
        f"the price is {touch}, more than {most} from the expected {expected}",
        {
            "price": touch,
            "expected_price": expected,
            "deviation_max": most,
            "would_pass": abs(touch - expected),
        },
    )


@about(UNUSUAL)
def post_only_would_rest(draft: OrderDraft) -> Rejection | None:
    """A post-only order does not take what is there."""
    terms, quote = draft.terms, draft.quote
    if not terms.post_only or quote is None or terms.type is not OrderType.LIMIT:
        return None
    assert terms.limit_price is not None, "prices_are_there comes first"
    takes = terms.limit_price >= quote.ask if terms.side is BUY else terms.limit_price <= quote.bid
    if not takes:
        return None
    tick = draft.instrument.tick_size
    return Rejection(
        RejectCode.POST_ONLY_WOULD_TAKE,
        f"a post-only {terms.side} at {terms.limit_price} would take, bid {quote.bid} ask {quote.ask}",
        {
            "limit_price": terms.limit_price,
            "bid": quote.bid,
            "ask": quote.ask,
            "would_pass": quote.ask - tick if terms.side is BUY else quote.bid + tick,
        },
    )
