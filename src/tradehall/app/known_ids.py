"""Which client order ids may the views know? A filter in front of the store: mostly the answer is "none".

A Bloom filter of fixed size: it never denies an id that was used, and at ten million ids sends one in
twenty new ones to the store for nothing. Until the ids of earlier runs are in, it denies nothing.
"""

from collections.abc import Iterable
from typing import Final

from tradehall.domain.ids import AccountId

BITS: Final = 26
_MASK: Final = (1 << BITS) - 1
_SHIFTS: Final = (0, 19, 38)


class KnownIds:
    """The filter. `add` and `may_hold` belong to one thread; `sieve` may be filled in another."""

    def __init__(self) -> None:
        self._bits = bytearray(1 << BITS - 3)
        self._is_whole = False

    def add(self, account_id: AccountId, client_order_id: str) -> None:
        """An order that used the id has ended."""
        _mark(self._bits, account_id, client_order_id)

    def may_hold(self, account_id: AccountId, client_order_id: str) -> bool:
        """False: surely no ended order has used the id."""
        if not self._is_whole:
            return True
        bits, number = self._bits, hash((account_id, client_order_id))
        for shift in _SHIFTS:
            place = number >> shift & _MASK
            if not bits[place >> 3] >> (place & 7) & 1:
                return False
        return True

    def merge(self, sieve: bytearray) -> None:
        """All ids of earlier runs are in `sieve`: from now on the filter may deny."""
        merged = int.from_bytes(self._bits, "little") | int.from_bytes(sieve, "little")
        self._bits = bytearray(merged.to_bytes(len(self._bits), "little"))
        self._is_whole = True


def sieve_of(ids: Iterable[tuple[AccountId, str]]) -> bytearray:
    """A sieve of `ids`, for `merge`."""
    bits = bytearray(1 << BITS - 3)
    for account_id, client_order_id in ids:
        _mark(bits, account_id, client_order_id)
    return bits


def _mark(bits: bytearray, account_id: AccountId, client_order_id: str) -> None:
    number = hash((account_id, client_order_id))
    for shift in _SHIFTS:
        place = number >> shift & _MASK
        bits[place >> 3] |= 1 << (place & 7)
