"""Any sequence of wishes and quotes: fills never exceed orders, reducing orders never open, a restart changes nothing."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venue.floor import (
    ABSOLUTE,
    ACCOUNT,
    BUY,
    FOK,
    IOC,
    LIMIT,
    MARKET,
    PERCENT,
    SELL,
    STOP,
    STOP_LIMIT,
    TRAILING,
    TradingFloor,
    order_terms,
)
from tradehall.domain.account import PositionMode
from tradehall.domain.order import OrderTerms, TimeInForce
from tradehall.engine.commands import AmendOrder, CancelOrder, ClosePosition, PlaceOrder
from tradehall.engine.events import OrderAccepted, OrderFilled, ReportUnmatched

SIDES = st.sampled_from([BUY, SELL])
QUANTITIES = st.integers(1, 12).map(str)
PRICES = st.integers(95, 105).map(str)
TIF = st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, IOC, FOK])


@st.composite
def wishes(draw):
    """An order, as the arguments of `place`."""
    type_ = draw(st.sampled_from([MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING]))
    fields = {"side": draw(SIDES), "type": type_, "quantity": draw(QUANTITIES), "reduce_only": draw(st.booleans())}
    if type_ in (LIMIT, STOP_LIMIT):
        fields["limit_price"] = draw(PRICES)
        fields["display_quantity"] = draw(st.sampled_from([None, None, "1"]))
        fields["hidden"] = draw(st.booleans())
    if type_ in (STOP, STOP_LIMIT):
        fields["stop_price"] = draw(PRICES)
    if type_ is TRAILING:
        fields["trailing_distance"] = str(draw(st.integers(1, 4)))
        fields["trailing_type"] = draw(st.sampled_from([ABSOLUTE, PERCENT]))
    if draw(st.integers(0, 3)) == 0 and not fields["reduce_only"]:
        fields |= {"stop_loss": draw(PRICES), "take_profit": draw(PRICES)}
    return fields | {"time_in_force": draw(TIF)}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), wishes()),
        st.tuples(st.just("place"), wishes()),
        st.tuples(st.just("quote"), st.tuples(st.integers(94, 106), st.integers(1, 2), st.integers(0, 15))),
        st.tuples(st.just("quote"), st.tuples(st.integers(94, 106), st.integers(1, 2), st.integers(0, 15))),
        st.tuples(st.just("print"), st.tuples(st.integers(94, 106), st.integers(1, 15))),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("amend"), st.tuples(st.integers(0, 30), st.integers(1, 15))),
        st.tuples(st.just("close"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(1, 400)),
    ),
    min_size=8,
    max_size=60,
)

SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "liquidity": st.just("displayed"),
        "latency_ns": st.just(100_000_000),
        "slippage_ticks": st.just(1),
        "partial_fill_ratio": st.just(Decimal("0.5")),
    },
)
MODES = st.sampled_from(list(PositionMode))


def play(floor: TradingFloor, step: tuple) -> None:
    word, value = step
    working = sorted(floor.state.orders)
    positions = sorted(floor.state.accounts[ACCOUNT].positions)
    if word == "place":
        floor.submit(PlaceOrder(order_terms(**value)))
    elif word == "quote":
        bid, spread, size = value
        floor.quote(str(bid), str(bid + spread), str(size))
    elif word == "print":
        floor.print(str(value[0]), str(value[1]))
    elif word == "wait":
        floor.wait(value * 1_000_000)
    elif word == "close" and positions:
        floor.submit(ClosePosition(ACCOUNT, positions[value % len(positions)]))
    elif word == "cancel" and working:
        floor.submit(CancelOrder(ACCOUNT, working[value % len(working)]))
    elif word == "amend" and working:
        floor.submit(AmendOrder(ACCOUNT, working[value[0] % len(working)], quantity=Decimal(value[1])))


@given(MODES, SETTINGS, st.booleans(), STEPS)
@settings(max_examples=150)
def test_fills_never_exceed_orders_and_reducing_orders_never_open(mode, options, queueing, steps):
    floor = TradingFloor(mode=mode, **options, queueing=queueing and "liquidity" in options)
    floor.quote("100", "101", "10")
    for step in steps:
        play(floor, step)
    wanted: dict[int, OrderTerms] = {}
    filled: dict[int, Decimal] = {}
    for event in floor.events:
        assert not isinstance(event, ReportUnmatched), event
        if isinstance(event, OrderAccepted):
            wanted[event.order_id] = event.terms
        elif isinstance(event, OrderFilled):
            fill = event.fill
            filled[fill.order_id] = filled.get(fill.order_id, Decimal(0)) + fill.quantity
            assert fill.quantity > 0
            if wanted[fill.order_id].reduce_only:
                assert fill.closed_quantity == fill.quantity, "a reducing order opened"
    for order_id, quantity in filled.items():
        order = floor.state.order(order_id)
        assert order is not None
        assert quantity == order.filled_quantity <= order.terms.quantity
    ids = [fill.venue_fill_id for fill in floor.fill_events]
    assert len(ids) == len(set(ids))


@given(MODES, STEPS, st.data())
@settings(max_examples=150)
def test_a_venue_rebuilt_from_the_state_goes_on_as_the_original(mode, steps, data):
    """Every quantity on offer, so that who comes first among equals cannot show."""
    original, restarted = TradingFloor(mode=mode), TradingFloor(mode=mode)
    for floor in (original, restarted):
        floor.quote("100", "101")
    for step in steps:
        if data.draw(st.booleans()):
            restarted.restart()
        for floor in (original, restarted):
            play(floor, step)
    assert sorted(told(original)) == sorted(told(restarted))
    assert original.state.peaks == restarted.state.peaks
    assert sorted(original.state.orders) == sorted(restarted.state.orders)


def told(floor: TradingFloor) -> list[tuple]:
    return [(fill.order_id, fill.quantity, fill.price, fill.is_maker) for fill in floor.fill_events]


@given(MODES, SETTINGS, STEPS)
@settings(max_examples=80)
def test_the_same_inputs_give_the_same_records(mode, options, steps):
    floors = TradingFloor(mode=mode, **options), TradingFloor(mode=mode, **options)
    for floor in floors:
        floor.quote("100", "101", "10")
        for step in steps:
            play(floor, step)
    assert floors[0].records == floors[1].records


@given(MODES, SETTINGS, STEPS, st.integers(1, 400))
@settings(max_examples=80)
def test_who_asks_when_something_is_due_changes_nothing(mode, options, steps, life_ms):
    """The loop keeps its answer until the next input; what expires or is on its way may come before it by then."""
    asking, silent = TradingFloor(mode=mode, **options), TradingFloor(mode=mode, **options)
    for number, (word, value) in enumerate([("quote", (100, 1, 10)), *steps]):
        for floor in (asking, silent):
            until = {"time_in_force": TimeInForce.GTD, "expires_at": floor.now + life_ms * 1_000_000}
            is_lasting = word == "place" and value["time_in_force"] is TimeInForce.GTC
            play(floor, (word, value | until if is_lasting else value))
        if number % 3 == 0:
            asking.loop.next_deadline()
    assert asking.records == silent.records
    assert asking.loop.next_deadline() == silent.loop.next_deadline()
