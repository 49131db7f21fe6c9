"""Waiting behind what is displayed: prints eat the line, quotes shorten it, a cross fills it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venue.floor import BUY, LIMIT, SELL, TradingFloor, wish
from tradehall.venue.queueing import Line, Lines


def a_floor(**settings) -> TradingFloor:
    floor = TradingFloor(liquidity="displayed", queueing=True, **settings)
    floor.quote("100.00", "100.02", "50")
    return floor


# A buy limit of 10 at 100.00, where 50 are displayed; then what happens, and its fills.
TABLE = [
    # what                                                 what happens                                            its fills
    ("prints eat the line first",                          ["print 100.00 30"],                                    []),
    ("then fill us",                                       ["print 100.00 30", "print 100.00 25"],                 ["5@100*"]),
    ("up to our quantity",                                 ["print 100.00 90"],                                    ["10@100*"]),
    ("a print below went through us",                      ["print 99.99 4"],                                      ["4@100*"]),
    ("a print above does not concern us",                  ["print 100.02 99"],                                    []),
    ("who bought at our price did not trade with us",      ["print 100.00 90 bought"],                             []),
    ("who sold did",                                       ["print 100.00 90 sold"],                               ["10@100*"]),
    ("a size that falls shortens the line",                ["quote 100.00 100.02 20", "print 100.00 25"],          ["5@100*"]),
    ("a size that grows is behind us",                     ["quote 100.00 100.02 99", "print 100.00 55"],          ["5@100*"]),
    ("a touch that left us leaves nobody before us",       ["quote 99.99 100.02 9", "print 100.00 3"],             ["3@100*"]),
    ("also when it comes back",                            ["quote 99.99 100.02 9", "quote 100.00 100.02 9", "print 100.00 3"], ["3@100*"]),
    ("a quote that crosses fills to the size shown",       ["quote 99.98 100.00 4"],                               ["4@100*"]),
    ("depth shortens the line as well",                    ["quote 100.01 100.02 9", "depth 100.01x9 100.00x20|100.02x9", "print 100.00 25"], ["5@100*"]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "happens", "fills"), TABLE, ids=[row[0] for row in TABLE])
def test_a_limit_waits_behind_what_is_displayed(what, happens, fills):
    floor = a_floor()
    floor.place(BUY, LIMIT, limit_price="100.00")
    play(floor, happens)
    assert floor.fills() == fills


def play(floor: TradingFloor, happens: list[str]) -> None:
    for line in happens:
        word, *rest = line.split(maxsplit=1)
        if word == "print":
            price, size, *who = rest[0].split()
            floor.print(price, size, buyer_took={"bought": True, "sold": False}.get(who[0]) if who else None)
        elif word == "quote":
            floor.quote(*rest[0].split())
        else:
            floor.depth(*rest[0].split("|"))


def test_a_sell_limit_waits_behind_the_displayed_ask():
    floor = a_floor()
    floor.place(SELL, LIMIT, limit_price="100.02")
    floor.print("100.02", "49", buyer_took=True)
    assert floor.fills() == []
    floor.print("100.02", "3", buyer_took=True)
    assert floor.fills() == ["2@100.02*"]


def test_inside_the_spread_nobody_is_ahead():
    floor = a_floor()
    floor.place(BUY, LIMIT, limit_price="100.01")
    floor.print("100.01", "4")
    assert floor.fills() == ["4@100.01*"]


def test_behind_the_touch_depth_tells_who_is_ahead():
    floor = a_floor()
    floor.place(BUY, LIMIT, limit_price="90")
    floor.depth("100.00x50 99.90x8 99.80x5", "100.02x50")
    floor.place(BUY, LIMIT, limit_price="99.90")
    floor.place(BUY, LIMIT, limit_price="99.85")
    floor.print("99.90", "9")
    assert floor.fills() == ["1@99.9*"]
    floor.print("99.85", "2")
    assert floor.fills()[1:] == ["2@99.9*"]


def test_without_depth_a_level_seen_for_the_first_time_is_all_ahead_of_us():
    floor = a_floor()
    floor.place(BUY, LIMIT, limit_price="99.90")
    floor.print("99.90", "99")
    assert floor.fills() == []
    floor.quote("99.90", "99.95", "20")
    floor.print("99.90", "22")
    assert floor.fills() == ["2@99.9*"]


def test_two_of_ours_stand_in_line_with_others_between_them():
    floor = a_floor()
    first = floor.place(BUY, LIMIT, limit_price="100.00", quantity="5")
    floor.quote("100.00", "100.02", "70")
    second = floor.place(BUY, LIMIT, limit_price="100.00", quantity="5")
    floor.print("100.00", "57")
    assert floor.filled_orders() == [first]
    floor.print("100.00", "17")
    assert floor.filled_orders() == [first]
    floor.print("100.00", "3")
    assert floor.filled_orders() == [first, second]


def test_hidden_orders_come_after_all_that_is_displayed():
    floor = a_floor()
    hidden = floor.place(BUY, LIMIT, limit_price="100.00", quantity="5", hidden=True)
    shown = floor.place(BUY, LIMIT, limit_price="100.00", quantity="5")
    floor.print("100.00", "55")
    assert floor.filled_orders() == [shown]
    floor.print("100.00", "60")
    assert floor.filled_orders() == [shown, hidden]


def test_an_iceberg_goes_to_the_end_of_the_line_with_each_slice():
    floor = a_floor()
    iceberg = floor.place(BUY, LIMIT, limit_price="100.00", quantity="10", display_quantity="4")
    floor.print("100.00", "60")
    assert floor.fills(iceberg) == ["4@100*"]
    floor.print("100.00", "46")
    assert floor.fills(iceberg) == ["4@100*", "2@100*"]


def test_after_a_restart_the_line_begins_at_its_back():
    floor = a_floor()
    floor.place(BUY, LIMIT, limit_price="100.00")
    floor.print("100.00", "45")
    floor.restart()
    floor.print("100.00", "49")
    assert floor.fills() == []
    floor.print("100.00", "4")
    assert floor.fills() == ["3@100*"]


@pytest.mark.parametrize(("what", "settings", "fills"), [
    ("without lines a print at the price says nothing, one through it fills its size", wish(liquidity="displayed"), ["4@100*"]),
    ("and without sizes it fills all",                                                wish(liquidity="unlimited"), ["10@100*"]),
])  # fmt: skip
def test_prints_without_lines(what, settings, fills):
    floor = TradingFloor(**settings)
    floor.quote("100.00", "100.02", "50")
    floor.place(BUY, LIMIT, limit_price="100.00")
    floor.print("100.00", "500")
    assert floor.fills() == []
    floor.print("99.99", "4")
    assert floor.fills() == fills


# The line itself against the plain way of doing it: a number per order.

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(0, 60)),
        st.tuples(st.just("join"), st.none()),
        st.tuples(st.just("shown"), st.integers(0, 60)),
        st.tuples(st.just("print"), st.integers(1, 30)),
        st.tuples(st.just("leave"), st.integers(0, 9)),
    ),
    max_size=40,
)


class Place:
    """An order and the units of others ahead of it; None: not known."""

    def __init__(self, order: int, ahead: Decimal | None) -> None:
        self.order, self.ahead = order, ahead

    def show(self, displayed: Decimal) -> None:
        self.ahead = displayed if self.ahead is None else min(self.ahead, displayed)


@given(STEPS)
def test_a_line_of_groups_equals_a_number_per_order(steps):
    line = Line()
    alive: set[int] = set()
    plain: list[Place] = []
    for number, (word, value) in enumerate(steps):
        units = None if value is None else Decimal(value)
        if word in ("join", "shown") and units is not None:
            for place in plain:
                place.show(units)
        if word == "join":
            line.join((number, 1), units)
            alive.add(number)
            plain.append(Place(number, units))
        elif word == "shown":
            line.shorten(Decimal(value))
        elif word == "leave" and plain:
            alive.remove(plain.pop(value % len(plain)).order)
        elif word == "print":
            filled = print_on_line(line, alive, Decimal(value))
            assert filled == print_on_plain(plain, Decimal(value))


def print_on_line(line: Line, alive: set, budget: Decimal) -> list[int]:
    """Each of ours takes one unit."""
    filled = []
    while line.groups and budget > 0:
        first = line.first(lambda order, _: order in alive)
        if first is None:
            continue
        budget = line.eat(budget)
        if budget > 0:
            alive.remove(first)
            filled.append(first)
            budget -= 1
    return filled


def print_on_plain(plain: list[Place], budget: Decimal) -> list[int]:
    filled, eaten = [], Decimal(0)
    while plain and budget > 0 and plain[0].ahead is not None:
        part = min(budget, max(plain[0].ahead - eaten, Decimal(0)))
        eaten += part
        budget -= part
        if budget <= 0:
            break
        filled.append(plain.pop(0).order)
        budget -= 1
    for place in plain:
        if place.ahead is not None:
            place.ahead = max(place.ahead - eaten, Decimal(0))
    return filled


def test_lines_forget_those_who_left():
    alive: set[int] = set()
    lines = Lines(lambda order_id, serial: order_id in alive)
    for number in range(5_000):
        alive.add(number)
        lines.join(Decimal(number % 7), (number, number), Decimal(5), hidden=number % 3 == 0, live_count=len(alive))
        alive.discard(number - 10)
    assert lines.entry_count < 200
