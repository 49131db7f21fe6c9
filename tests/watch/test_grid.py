"""The line of a price, and the lines between which a bound lies."""

from decimal import Decimal

import pytest

from tradehall.watch.grid import Grid


@pytest.mark.parametrize(("bound", "first_at", "first_above"), [
    # bound    at   above   on a grid of 0.01
    ("1.00",   100, 101),
    ("1.005",  101, 101),
    ("0.999",  100, 100),
    ("1E+3",   100_000, 100_001),
])  # fmt: skip
def test_a_bound_lies_below_the_first_line_that_is_beyond_it(bound, first_at, first_above):
    grid = Grid(2)
    assert (grid.first_at(Decimal(bound)), grid.first_above(Decimal(bound))) == (first_at, first_above)


def test_a_price_between_two_lines_has_none_until_the_grid_is_fine_enough():
    price = Decimal("1.0050")
    assert (Grid(2).line(price), Grid(3).line(price)) == (None, 1005)
    assert Grid.with_lines_at(price, Decimal("1E+3")).line(price) == 10_050
