"""The path of a bar: in which order its four prices are told, and when. One rule for replays and for backtests.

Open, then of high and low the one nearer to the open, the other, and the close; at 0, 1/3 and 2/3 of the bar and
a microsecond before its end.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeVar

from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_US
from tradehall.venue.book import Reach

P = TypeVar("P", int, float)

POINTS: Final = 4
# Between two prices of a bar an order may be met, filled and replaced so often; then the second price is told.
STOPS_BETWEEN_MAX: Final = 10_000


def offsets(span_ns: int) -> tuple[int, int, int, int]:
    """When the four prices of a bar of `span_ns` are told, counted from its start [ns]."""
    return 0, span_ns // 3, 2 * span_ns // 3, span_ns - min(NS_PER_US, span_ns // 6)


def is_high_first(opened: P, high: P, low: P) -> bool:
    """Whether the high is nearer to the open than the low; as near, the low comes first."""
    return high - opened < opened - low


def path(opened: P, high: P, low: P, close: P, *, high_first: bool | None = None) -> tuple[P, P, P, P]:
    """The four prices in the order in which they are told; `high_first` None: as the prices themselves say."""
    if is_high_first(opened, high, low) if high_first is None else high_first:
        return opened, high, low, close
    return opened, low, high, close


def stop_between(
    before: Quote, after: Quote, reach: Reach | None, rounded: Callable[[Decimal], Decimal]
) -> Quote | None:
    """The quote at the first price strictly between two at which an order waits; None: nobody waits there.

    Between two prices of a bar the market passed all others: a stop is reached at its own. `rounded` puts the
    price of the other side on the grid.
    """
    if reach is None:
        return None
    asks = (before.ask, after.ask, reach.ask_up if after.ask > before.ask else reach.ask_down)
    bids = (before.bid, after.bid, reach.bid_up if after.bid > before.bid else reach.bid_down)
    shares = [(share, side) for side, of in enumerate((bids, asks)) if (share := _share(*of)) is not None]
    if not shares:
        return None
    share, side = min(shares)
    bid = bids[2] if side == 0 else rounded(before.bid + (after.bid - before.bid) * share)
    ask = asks[2] if side == 1 else rounded(before.ask + (after.ask - before.ask) * share)
    if before.bid == before.ask and after.bid == after.ask:
        bid = ask = bids[2] if side == 0 else asks[2]
    assert bid is not None and ask is not None, "the side that stops has a price"
    # When within the bar is not known: all happens at the instant of the second price, one after the other.
    return Quote(after.symbol, bid, ask, after.at, after.received_at)


def _share(start: Decimal, end: Decimal, level: Decimal | None) -> Decimal | None:
    """How far a level lies on the way from `start` to `end`, strictly between 0 and 1."""
    if level is None or start == end:
        return None
    share = (level - start) / (end - start)
    return share if 0 < share < 1 and level not in (start, end) else None
