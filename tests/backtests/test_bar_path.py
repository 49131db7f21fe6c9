"""The path of a bar: one rule for replays and backtests."""

import pytest

from tradehall.backtests.bar_path import offsets, path
from tradehall.domain.time import NS_PER_DAY, NS_PER_MINUTE


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
