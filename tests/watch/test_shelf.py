"""A shelf answers as a plain list would, while its blocks split, shrink and vanish."""

import pytest

from tests.watch.dice import Dice
from tradehall.watch.shelf import BLOCK_LENGTH_MAX, Shelf, place_of

# Place, and the place of the far end.
Entry = tuple[int, int]


@pytest.mark.parametrize(("seed", "arrange"), [(1, list), (2, list), (3, sorted)])
def test_a_shelf_answers_as_a_list_would(seed, arrange):
    dice, shelf, entries = Dice(seed), Shelf[Entry](), list[Entry]()
    for number in range(3 * BLOCK_LENGTH_MAX):
        line = dice.roll(300)
        entries.append((place_of(line, number), place_of(line + dice.roll(80) - 40)))
    for place, far in arrange(entries):
        shelf.add(place, (place, far), far)
    while entries:
        # In runs, from anywhere: so that whole blocks go, and each entry once.
        start = dice.roll(len(entries))
        entries.sort()
        for place, _ in entries[start : start + 40]:
            shelf.remove(place)
        del entries[start : start + 40]
        first = dice.roll(300)
        low, high = place_of(first), place_of(first + dice.roll(80) + 1)
        between = [(place, far) for place, far in entries if low <= place < high]
        assert shelf.count == len(entries)
        assert shelf.between(low, high) == between
        assert shelf.parted(low, high) == [(place, far) for place, far in between if not low <= far < high]
        assert shelf.has_any(low, high) is bool(between)


def test_after_a_split_every_entry_is_still_found():
    places = [place_of(line, line) for line in range(BLOCK_LENGTH_MAX + 1)]
    for place in places[BLOCK_LENGTH_MAX // 2 - 3 : BLOCK_LENGTH_MAX // 2 + 4]:
        shelf = Shelf[int]()
        for each in places:
            shelf.add(each, each, 0)
        shelf.remove(place)
        assert place not in shelf.between(0, place_of(10_000))
