"""How often a trader's P&L lay exactly between two cents: we round to the even one, the oracle as binary floats fall."""

from collections import defaultdict
from fractions import Fraction

from tests.oracle.our_side import Filled, Outcome
from tests.oracle.plan import Job, Step

_HALF = Fraction(1, 2)


class Book:
    """A net position at average cost, in exact fractions."""

    def __init__(self) -> None:
        self.net = Fraction(0)
        self.cost = Fraction(0)

    def fill(self, quantity: Fraction, price: Fraction) -> Fraction:
        """Take a signed fill; what it realised."""
        closed = min(abs(quantity), abs(self.net)) if self.net * quantity < 0 else Fraction(0)
        closed = closed if self.net > 0 else -closed
        entry = self.cost / self.net if self.net else Fraction(0)
        self.cost += price * (quantity + closed) - entry * closed
        self.net += quantity
        return (price - entry) * closed


def half_cents(job: Job, ours: Outcome, orders: dict[str, Step]) -> int:
    """Bookings of a trader that were exactly half a cent off."""
    books: defaultdict[str, Book] = defaultdict(Book)
    left = {key: list(fills) for key, fills in ours.fills.items()}
    count = 0
    for key in ours.sequence:
        entry = key if key in orders else key.rpartition("-")[0]
        book = books[entry if ours.mode == "HEDGING" else ""]
        realized = book.fill(*_signed(job, left[key].pop(0), is_bought=_is_bought(key, orders, book)))
        count += (realized * 100) % 1 == _HALF
    return count


def _signed(job: Job, fill: Filled, *, is_bought: bool) -> tuple[Fraction, Fraction]:
    quantity = Fraction(fill.quantity if is_bought else -fill.quantity, 10**job.size_digits)
    return quantity, Fraction(fill.price, 10**job.price_digits)


def _is_bought(key: str, orders: dict[str, Step], book: Book) -> bool:
    """Entries say it; exits and closes go against what is held."""
    return orders[key].side == "BUY" if key in orders else book.net < 0
