"""The lazy structures equal the plain way of doing it, and forget who left."""

from decimal import Decimal
from random import Random

import pytest

from tradehall.venue.lazy_heap import LazyHeap
from tradehall.venue.trailing import Follower, TrailingBook

SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lazy_heap_equals_a_scan(seed):
    chance = Random(seed)
    heap: LazyHeap[int] = LazyHeap()
    plain: dict[int, tuple[int, int]] = {}  # order: (key, serial)
    for serial in range(300):
        word, order, key = (
            chance.choice(["add", "add", "discard", "pop"]),
            chance.randrange(30),
            chance.randrange(-5, 6),
        )
        if word == "add":
            heap.add(key, serial, order)
            plain[order] = (key, serial)
        elif word == "discard":
            heap.discard(order)
            plain.pop(order, None)
        elif plain:
            popped = heap.pop()
            assert popped == min(plain, key=plain.__getitem__)
            del plain[popped]
        assert heap.first() == min(plain, key=plain.__getitem__, default=None)
        assert heap.best == min((key for key, _ in plain.values()), default=None)
        assert len(heap) == len(plain)


def test_a_lazy_heap_forgets_those_who_left_even_in_the_middle():
    heap: LazyHeap[int] = LazyHeap()
    heap.add(-1, 0, 0)  # Stays on top, so that nothing surfaces by itself.
    for number in range(1, 20_000):
        heap.add(number, number, number)
        heap.discard(number)
    assert heap.entry_count < 200


class NaiveTrail:
    """One trailing stop, worked out by itself on signed prices."""

    def __init__(self, distance: Decimal, peak: Decimal | None, *, is_percent: bool) -> None:
        self.distance, self.peak, self.is_percent = distance, peak, is_percent

    def follow(self, price: Decimal) -> bool:
        before = self.peak
        self.peak = price if before is None else max(before, price)
        return self.peak != before

    @property
    def trigger(self) -> Decimal:
        assert self.peak is not None
        move = abs(self.peak) * self.distance / 100 if self.is_percent else self.distance
        return self.peak - move


@pytest.mark.parametrize("seed", SEEDS)
def test_trailing_groups_equal_a_stop_worked_out_by_itself(seed):
    """A random walk of a signed price, with orders that join, join before any price, come back, and leave."""
    chance = Random(seed)
    book = TrailingBook()
    plain: dict[int, NaiveTrail] = {}
    price = Decimal(chance.choice([-100, 100]))
    for number in range(400):
        word = chance.choice(["join", "late", "restore", "leave", "price", "price"])
        if word == "price":
            price += chance.randrange(-6, 7)
            follow_and_compare(book, plain, price)
        elif word == "leave":
            gone = chance.choice([*plain, -1])
            plain.pop(gone, None)
            book.discard(gone)
        else:
            peak = {"join": price, "late": None, "restore": price + chance.randrange(16)}[word]
            distance, is_percent = Decimal(chance.randrange(1, 21)), chance.random() < 0.5
            if peak is None or price < NaiveTrail(distance, peak, is_percent=is_percent).trigger:
                peak = None if peak is None else price
            plain[number] = NaiveTrail(distance, peak, is_percent=is_percent)
            book.join(Follower(number, number, distance, is_percent), peak)
        assert len(book) == len(plain)


def follow_and_compare(book: TrailingBook, plain: dict[int, NaiveTrail], price: Decimal) -> None:
    moved = [trail.follow(price) for trail in list(plain.values())]
    assert book.moves(price) or not any(moved)
    assert book.advance(price) is any(moved)
    popped = []
    while (order := book.pop(price)) is not None:
        popped.append(order)
    assert sorted(popped) == sorted(order for order, trail in plain.items() if price <= trail.trigger)
    triggers = [plain.pop(order).trigger for order in popped]
    assert triggers == sorted(triggers, reverse=True)
    nearest = max((trail.trigger for trail in plain.values() if trail.peak is not None), default=None)
    assert nearest is None or (book.best is not None and book.best >= nearest)


def test_trailing_groups_forget_those_who_left_and_do_not_grow_with_new_highs():
    book = TrailingBook()
    book.join(Follower(0, 0, Decimal(10_000), False), Decimal(1))
    for number in range(1, 20_000):
        book.join(Follower(number, number, Decimal(5), number % 2 == 0), Decimal(number))
        book.discard(number - 10 if number > 10 else -1)
        book.advance(Decimal(number + 1))
    assert book.entry_count < 300


def test_trailing_groups_forget_those_who_left_behind_one_who_stays():
    book = TrailingBook()
    for number in range(20_000):
        book.join(Follower(number, number, Decimal(1 + number), False), Decimal(100))
        book.discard(number if number else -1)
    assert (len(book), book.entry_count < 300) == (1, True)


def test_a_new_high_does_not_touch_each_stop():
    """Merging is paid by the orders that joined, not by the quotes that follow: counted, not timed."""
    book = TrailingBook()
    for number in range(10_000):
        book.join(Follower(number, number, Decimal(50 + number % 100), False), Decimal(10_000 - number % 500))
    book.advance(Decimal(20_000))
    before = book.entry_count
    for step in range(10_000):
        book.advance(Decimal(20_001 + step))
    assert book.entry_count <= before + 200
    assert book.best == Decimal(30_000 - 50)
