"""A shelf answers as a plain list would, while its blocks split, shrink and vanish."""

from decimal import Decimal

import pytest

from tests.watch.dice import Dice
from tradehall.watch.shelf import BLOCK_LENGTH_MAX, Entry, Shelf


@pytest.mark.parametrize(("seed", "arrange"), [(1, list), (2, list), (3, sorted)])
def test_a_shelf_answers_as_a_list_would(seed, arrange):
    dice, shelf, entries = Dice(seed), Shelf(), list[Entry]()
    for number in range(3 * BLOCK_LENGTH_MAX):
        bound = Decimal(dice.roll(300)) / 10
        entry = (bound, dice.roll(2), number, bound + Decimal(dice.roll(40)) / 10)
        entries.append(entry)
    for entry in arrange(entries):
        shelf.add(entry)
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


def test_after_a_split_every_entry_is_still_found():
    entries = [(Decimal(number), 0, number, Decimal(0)) for number in range(BLOCK_LENGTH_MAX + 1)]
    for entry in entries[BLOCK_LENGTH_MAX // 2 - 3 : BLOCK_LENGTH_MAX // 2 + 4]:
        shelf = Shelf()
        for each in entries:
            shelf.add(each)
        shelf.remove(entry)
        assert entry[2] not in shelf.passed(Decimal(-1), Decimal(10_000), None)
