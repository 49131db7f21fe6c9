"""Pages of round trips: the same wherever in the list they begin, and from whichever end they were reached."""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tradehall.adapters.executions import FileTrips
from tradehall.domain.position import PositionSide
from tradehall.ports.trips import Trip, TripQuery, TripStatus, TripWrite

ACCOUNT = 700_001
SYMBOLS = ("AAPL", "EURUSD")


def _trip(number, taken_at, closed_after, symbol, net):
    return Trip(
        trip_id=number, account_id=ACCOUNT, symbol=symbol, side=PositionSide.LONG, currency="USD", quantity=Decimal(1),
        status=TripStatus.OPEN if closed_after is None else TripStatus.CLOSED, taken_at=taken_at, created_at=taken_at,
        updated_at=taken_at, closed_at=None if closed_after is None else taken_at + closed_after, net_pnl=Decimal(net),
    )  # fmt: skip


@st.composite
def pasts(draw):
    """Trips, some taken at one instant, some still open."""
    at, found = 100, []
    for number in range(1, draw(st.integers(0, 30)) + 1):
        at += draw(st.sampled_from((0, 0, 1, 5)))
        closed_after = draw(st.sampled_from((None, 0, 3, 50)))
        found.append(_trip(number, at, closed_after, draw(st.sampled_from(SYMBOLS)), draw(st.integers(-2, 2))))
    return found


QUERIES = st.builds(
    TripQuery,
    accounts=st.just((ACCOUNT,)),
    symbols=st.sampled_from(((), SYMBOLS[:1])),
    statuses=st.sampled_from(((), ("closed",))),
    taken_since=st.none() | st.integers(95, 180),
    sort=st.sampled_from(("taken_at", "taken_at", "closed_at", "net_pnl")),
    is_descending=st.booleans(),
    limit=st.integers(1, 8),
    offset=st.integers(0, 32),
)


def _page(trips, query):
    found = [
        each
        for each in trips
        if (not query.symbols or each.symbol in query.symbols)
        and (not query.statuses or each.status.value in query.statuses)
        and (query.taken_since is None or each.taken_at >= query.taken_since)
    ]
    found.sort(key=lambda each: -each.trip_id)
    found.sort(key=lambda each: _least_if_none(getattr(each, query.sort)), reverse=query.is_descending)
    return found[query.offset : query.offset + query.limit]


def _least_if_none(value):
    return (value is not None, value or 0)


@settings(max_examples=60, deadline=None)
@given(trips=pasts(), queries=st.lists(QUERIES, min_size=8, max_size=8))
def test_a_page_that_is_begun_in_the_midst_is_the_same_page(trips, queries):
    with TemporaryDirectory() as folder:
        store = FileTrips(Path(folder), far=0)
        store.load(1)
        store.write(1, [store.lines(TripWrite({each.trip_id: each for each in trips}), {})])
        for query in queries:
            assert store.page(query) == _page(trips, query), query
        store.close()
