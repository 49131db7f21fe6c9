"""Which records of the journal are about an order."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from tradehall.app.past import seq_at
from tradehall.domain.fill import Fill
from tradehall.domain.ids import OrderId
from tradehall.domain.order import Order, OrderTerms
from tradehall.engine import events as ev
from tradehall.engine.record import Record, decode_record
from tradehall.ports.journal import MENTIONS_MAX, Journal

# A day at full speed; of an order that lives longer the rest is told to be missing, but for its fills and its end.
SEARCHED_MAX: Final = 1_000_000
# What may come after an order's end: late words of the venue, wishes that came too late.
AFTER_END: Final = 50_000
# Fills looked up one by one, where they lie beyond what is searched; the last ones.
KNOWN_MAX: Final = 64

_ORDER_IDS: Final = ("order_id", "parent_order_id", "sibling_order_id", "first_order_id", "second_order_id")


class History(Struct, frozen=True):
    """Records about an order, oldest first.

    `unsearched`: of the records from there on only fills and the last change are here; None: nothing is missing.
    """

    records: list[Record]
    unsearched: int | None


def history_of(journal: Journal, order: Order, fills: Sequence[Fill] = (), searched_max: int = SEARCHED_MAX) -> History:
    """Look the records up, among `searched_max` of them: half a second, for an order that has worked all day.

    `fills`: of the order, whose records are found wherever they are.
    """
    head = journal.head.seq
    first = seq_at(journal, order.created_at)
    end = head if order.is_working else min(head, seq_at(journal, order.updated_at) + AFTER_END)
    until = min(end, first + searched_max)
    numbers = [first, *journal.mentions(order.order_id, first, until)]
    if len(numbers) > MENTIONS_MAX:
        until = numbers[-1]
    is_whole = until == end
    if not is_whole:
        instants = sorted({*(fill.at for fill in fills), order.updated_at})[-KNOWN_MAX:]
        numbers += [seq for seq in (seq_at(journal, instant) for instant in instants) if seq > until]
    records = [record for number in numbers if is_about(record := _record(journal, number), order.order_id)]
    return History(records, None if is_whole else until + 1)


def _record(journal: Journal, seq: int) -> Record:
    return decode_record(next(iter(journal.entries(seq - 1))).payload)


def is_about(record: Record, order_id: OrderId) -> bool:
    """Whether the decision concerned the order."""
    return wished_about(record) == order_id or any(names(event, order_id) for event in record.events)


def wished_about(record: Record) -> OrderId | None:
    """The order that the command of a record names."""
    command: Any = record.command
    number: OrderId | None = getattr(getattr(command, "report", command), "order_id", None)
    return number


def names(event: ev.AnyEvent, order_id: OrderId) -> bool:
    """Whether an event names the order: as its own, or as a relative of another one."""
    fact: Any = event.fill if type(event) is ev.OrderFilled else event
    return any(getattr(fact, name, None) == order_id for name in _ORDER_IDS)


def terms_made(record: Record, order_id: OrderId) -> OrderTerms | None:
    """The terms with which a record has made the order; None where it has not."""
    for event in record.events:
        if isinstance(event, ev.OrderAccepted | ev.OrderRejected) and event.order_id == order_id:
            return event.terms
    return None
