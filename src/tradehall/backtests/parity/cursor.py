"""Cursors over the journal of a session: one to hold records against, one to take wishes from."""

from collections.abc import Callable, Iterator
from typing import Final

from tradehall.backtests.parity.sides import OWN_COMMANDS
from tradehall.engine.record import Record, decode_record, encode_record

# Payloads of the records beyond a number, oldest first.
Payloads = Callable[[int], Iterator[bytes]]

_OWN_KINDS: Final = frozenset(kind.__name__.encode() for kind in OWN_COMMANDS)
_KIND: Final = b'"kind":"'
# A record begins with its number, its instant and its command.
_BEGINNING: Final = 120


class Cursor:
    """Records beyond `after` up to `until`, one after the other."""

    def __init__(self, payloads: Payloads, after: int, until: int) -> None:
        self._payloads = payloads(after)
        self._until = until
        self._seq = after
        self._next: bytes | None = None
        self._move()

    @property
    def seq(self) -> int | None:
        """Number of the record that comes next; None at the end."""
        return None if self._next is None else self._seq

    def holds(self, record: Record) -> bool:
        """Whether the next record says exactly what `record` does; then it is passed."""
        payload = self._next
        if payload is None or self._seq != record.seq:
            return False
        found = encode_record(record)
        # An older version may have written a default out that we leave out.
        if found != payload and encode_record(decode_record(payload)) != found:
            return False
        self._move()
        return True

    def take(self) -> Record:
        """The next record; it is passed."""
        assert self._next is not None, "the cursor is at its end"
        record = decode_record(self._next)
        self._move()
        return record

    def wish(self, until: int) -> Record | None:
        """The next record, up to number `until`, that decides a wish from outside; those before it are passed."""
        while self._next is not None and self._seq <= until:
            if is_wish(self._next):
                return self.take()
            self._move()
        return None

    def _move(self) -> None:
        self._next = next(self._payloads, None) if self._seq < self._until else None
        self._seq += 1


def is_wish(payload: bytes) -> bool:
    """Whether a record's command came from outside, without decoding all of it."""
    begin = payload.index(_KIND, 0, _BEGINNING) + len(_KIND)
    return payload[begin : payload.index(b'"', begin)] not in _OWN_KINDS
