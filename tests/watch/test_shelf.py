"""A shelf answers as a plain list would, while its blocks split, shrink and vanish."""

from decimal import Decimal

import pytest

from tests.watch.dice import Dice
from tradehall.watch.shelf import BLOCK_LENGTH_MAX, Entry, Shelf


@pytest.mark.parametrize("seed", [1, 2])
def test_a_shelf_answers_as_a_list_would(seed):
    dice, shelf, entries = Dice(seed), Shelf(), list[Entry]()
    for number in range(3 * BLOCK_LENGTH_MAX):
        bound = Decimal(dice.roll(300)) / 10
        entry = (bound, dice.roll(2), number, bound + Decimal(dice.roll(40)) / 10)
        shelf.add(entry)
        entries.append(entry)
    while entries:
        # In runs, from anywhere: so that whole blocks go, and each entry once.
        start = dice.roll(len(entries))
        entries.sort()
        for entry in entries[start : start + 40]:
            shelf.remove(entry)
        del entries[start : start + 40]
        previous = Decimal(dice.roll(300)) / 10
        current = previous + Decimal(dice.roll(80) + 1) / 10
        assert shelf.count == len(entries)
        assert sorted(shelf.passed(previous, current, None)) == passed(entries, previous, current, None)
        assert sorted(shelf.passed(previous, current, current)) == passed(entries, previous, current, current)
        assert shelf.has_passed_any(previous, current) is bool(passed(entries, previous, current, None))


def passed(entries: list[Entry], previous: Decimal, current: Decimal, reach: Decimal | None) -> list[int]:
    return sorted(
        number
        for bound, strict, number, far in entries
        if is_behind(bound, strict, current)
        and not is_behind(bound, strict, previous)
        and (reach is None or far >= reach)
    )


def is_behind(bound: Decimal, strict: int, price: Decimal) -> bool:
    return bound < price if strict else bound <= price
