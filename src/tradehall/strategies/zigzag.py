"""Swings: the highs and lows that a price turned at, each followed by a move of a given size the other way."""

from typing import Final

from msgspec import Struct

from tradehall.strategies.columns import Columns

# Swings kept of one history: patterns are made of the last few.
SWINGS_MAX: Final = 64


class Swing(Struct, frozen=True, gc=False):
    """A turning point: the bar's number, its high or low, and which of both."""

    number: int
    price: float
    is_high: bool


def swings(columns: Columns, size: float) -> list[Swing]:
    """The last swings, oldest first, highs and lows in turn, each at least `size` [price] from the one before.

    The last one is the extreme since the last turn: it may still move.
    """
    highs, lows = columns.high.tolist(), columns.low.tolist()
    found: list[Swing] = []
    if not highs:
        return found
    top, bottom, rises = Swing(0, highs[0], True), Swing(0, lows[0], False), None
    for number in range(1, len(highs)):
        if rises is not False and highs[number] >= top.price:
            top = Swing(number, highs[number], True)
        if rises is not True and lows[number] <= bottom.price:
            bottom = Swing(number, lows[number], False)
        if rises is not False and top.price - lows[number] >= size and top.number < number:
            found.append(top)
            bottom, rises = Swing(number, lows[number], False), False
        elif rises is not True and highs[number] - bottom.price >= size and bottom.number < number:
            found.append(bottom)
            top, rises = Swing(number, highs[number], True), True
    if rises is not None:
        found.append(top if rises else bottom)
    return found[-SWINGS_MAX:]
