"""A grid: prices as whole numbers, and bounds as the first of them that lies beyond.

A price of a market lies on a line of a grid that is fine enough. A bound may lie between two lines; which of
the prices are below it and which above, the next line tells as well. So nothing is rounded. Whole numbers
compare, and are found among others, faster than decimals do.
"""

from decimal import Decimal
from math import ceil, floor

from tradehall.domain.money import ONE


class Grid:
    """Lines with so many decimals, by number."""

    __slots__ = ("_lines_per_one",)

    def __init__(self, digits: int) -> None:
        self._lines_per_one = ONE.scaleb(digits)

    @classmethod
    def with_lines_at(cls, *prices: Decimal) -> "Grid":
        """A grid on which these prices lie."""
        exponents = [price.as_tuple().exponent for price in prices]
        return cls(max(-exponent for exponent in exponents if isinstance(exponent, int)))

    def line(self, price: Decimal) -> int | None:
        """The number of the line on which a price lies; None if it lies between two."""
        scaled = price * self._lines_per_one
        number = int(scaled)
        return number if number == scaled else None

    def first_at(self, bound: Decimal) -> int:
        """The first line that is not below a bound."""
        return ceil(bound * self._lines_per_one)

    def first_above(self, bound: Decimal) -> int:
        """The first line above a bound."""
        return floor(bound * self._lines_per_one) + 1
