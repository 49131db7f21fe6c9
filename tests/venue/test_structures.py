"""The lazy structures equal the plain way of doing it, and forget who left."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tradehall.venue.lazy_heap import LazyHeap
from tradehall.venue.trailing import Follower, TrailingBook

HEAP_STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "discard", "pop"]), st.integers(0, 12), st.integers(-5, 5)), max_size=80
)


@given(HEAP_STEPS)
def test_a_lazy_heap_equals_a_scan(steps):
    heap: LazyHeap[int] = LazyHeap()
    plain: dict[int, tuple[int, int]] = {}  # order: (key, serial)
    for serial, (word, order, key) in enumerate(steps):
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


TRAIL_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(1, 20), st.booleans()),
        st.tuples(st.just("late"), st.integers(1, 20), st.booleans()),
        st.tuples(st.just("restore"), st.integers(1, 20), st.integers(0, 15)),
        st.tuples(st.just("leave"), st.integers(0, 50), st.none()),
        st.tuples(st.just("price"), st.integers(-6, 6), st.none()),
    ),
    max_size=100,
)


@given(TRAIL_STEPS, st.booleans())
def test_trailing_groups_equal_a_stop_worked_out_by_itself(steps, is_buy):
    """Random walks of a signed price, with orders that join, join before any price, come back, and leave."""
    book = TrailingBook()
    plain: dict[int, NaiveTrail] = {}
    price = Decimal(-100 if is_buy else 100)
    for number, (word, value, more) in enumerate(steps):
        if word == "price":
            price += value
            moved = [trail.follow(price) for trail in list(plain.values())]
            assert book.moves(price) or not any(moved)
            assert book.advance(price) is any(moved)
            popped = []
            while (order := book.pop(price)) is not None:
                popped.append(order)
            hit = {order for order, trail in plain.items() if price <= trail.trigger}
            assert set(popped) == hit
            assert len(popped) == len(hit)
            triggers = [plain.pop(order).trigger for order in popped]
            assert triggers == sorted(triggers, reverse=True)
        elif word == "leave":
            if plain:
                order = sorted(plain)[value % len(plain)]
                del plain[order]
                book.discard(order)
        else:
            peak = {"join": price, "late": None, "restore": price + int(more or 0)}[word]
            is_percent = bool(more) if word != "restore" else False
            plain[number] = NaiveTrail(Decimal(value), peak, is_percent=is_percent)
            book.join(Follower(number, number, Decimal(value), is_percent), peak)
        assert len(book) == len(plain)


def test_trailing_groups_forget_those_who_left_and_do_not_grow_with_new_highs():
    book = TrailingBook()
    book.join(Follower(0, 0, Decimal(10_000), False), Decimal(1))
    for number in range(1, 20_000):
        book.join(Follower(number, number, Decimal(5), number % 2 == 0), Decimal(number))
        book.discard(number - 10 if number > 10 else -1)
        book.advance(Decimal(number + 1))
    assert book.entry_count < 300


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
