"""The path of a bar: one rule for replays and backtests."""

from decimal import Decimal

import pytest

from tradehall.backtests.bar_path import offsets, path, stop_between
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_DAY, NS_PER_MINUTE
from tradehall.venue.book import Reach


@pytest.mark.parametrize(("what", "bar", "told"), [
    # what               open high low close   in this order
    ("high is nearer",   (10, 11, 7, 9),       (10, 11, 7, 9)),
    ("low is nearer",    (10, 14, 9, 12),      (10, 9, 14, 12)),
    ("both as near",     (10, 12, 8, 11),      (10, 8, 12, 11)),
    ("nothing happened", (10, 10, 10, 10),     (10, 10, 10, 10)),
])  # fmt: skip
def test_the_extreme_nearer_to_the_open_comes_first(what, bar, told):
    assert path(*bar) == told, what


def test_the_asks_of_a_bar_follow_the_path_of_its_bids():
    assert path(10, 14, 9, 12, high_first=True) == (10, 14, 9, 12)


@pytest.mark.parametrize("span", [NS_PER_MINUTE, NS_PER_DAY, 6, 3])
def test_prices_are_told_within_the_bar_and_in_order(span):
    times = offsets(span)
    assert times[0] == 0
    assert list(times) == sorted(times)
    assert times[-1] <= span


def test_the_close_of_a_minute_is_told_a_microsecond_before_its_end():
    assert offsets(NS_PER_MINUTE) == (0, 20_000_000_000, 40_000_000_000, 59_999_999_000)


def a_quote(bid, ask):
    return Quote("ACME", Decimal(bid), Decimal(ask), 7, 8)


def to_cents(price):
    return price.quantize(Decimal("0.01"))


@pytest.mark.parametrize(("what", "before", "after", "waiting", "between"), [
    # what                               before                after                waiting                     the quote between
    ("a sell stop on the way down",      ("100.00", "100.02"), ("98.00", "98.02"),  {"bid_down": "99.50"},      ("99.50", "99.52")),
    ("a buy stop on the way up",         ("98.00", "98.02"),   ("100.00", "100.02"), {"ask_up": "99.52"},       ("99.50", "99.52")),
    ("the nearer of two",                ("100.00", "100.02"), ("98.00", "98.02"),  {"bid_down": "98.50", "ask_down": "99.52"}, ("99.50", "99.52")),
    ("a stop that lies behind",          ("100.00", "100.02"), ("98.00", "98.02"),  {"bid_down": "97.00"},      None),
    ("a stop at the price itself",       ("100.00", "100.02"), ("98.00", "98.02"),  {"bid_down": "98.00"},      None),
    ("a buy stop on the way down",       ("100.00", "100.02"), ("98.00", "98.02"),  {"ask_up": "101.00"},       None),
    ("nobody",                           ("100.00", "100.02"), ("98.00", "98.02"),  {},                         None),
])  # fmt: skip
def test_between_two_prices_of_a_bar_an_order_is_reached_at_its_own(what, before, after, waiting, between):
    reach = Reach(**{name: Decimal(price) for name, price in waiting.items()})
    found = stop_between(a_quote(*before), a_quote(*after), reach, to_cents)
    assert found == (None if between is None else a_quote(*between)), what


def test_where_any_price_reaches_somebody_none_is_put_between():
    assert stop_between(a_quote("100", "101"), a_quote("90", "91"), None, to_cents) is None
