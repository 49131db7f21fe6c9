"""A bookkeeper: a process of its own that folds the journal for the support desk, and writes what follows from it."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.ports.trips import Overlay


class KnownAccount(Struct, frozen=True, array_like=True):
    """What never changes of an account."""

    account_id: AccountId
    currency: str
    is_hedging: bool


class BookkeepingTask(Struct, frozen=True, array_like=True, kw_only=True):
    """Fold some more of the records up to `until`, all of which are durable, and write what follows from them.

    The rest is what the house knows and the journal does not tell, as far as it is new: `stamps` of decisions
    (StampQueue.hand_over), the latest quotes, rules of instruments, accounts, and what is laid over trips now.
    """

    until: int = 0
    stamps: tuple[bytes, bytes] = (b"", b"")
    quotes: Sequence[Quote] = ()
    instruments: Sequence[Instrument] = ()
    accounts: Sequence[KnownAccount] = ()
    overlays: Sequence[Overlay] = ()


class BookkeepingReport(Struct, frozen=True, array_like=True):
    """The last record of which all is written; or why it could not be."""

    seq: int
    fault: str | None = None


class BookkeeperGone(Exception):
    """It is not there, or no longer: what it wrote is in the store, and another has to go on from there."""


class Bookkeeper(Protocol):
    """It is hired once, and knows nothing then; from there on nobody else writes to the store."""

    def hire(self) -> None:
        """Begin the process. OSError if it cannot be begun."""
        ...

    def carry_out(self, task: BookkeepingTask) -> int:
        """Have it done, in whatever thread, which waits: the number of the last record of which all is written.

        RecordsFault: it could not be written. BookkeeperGone: nobody knows, and nobody will do it.
        """
        ...

    def dismiss(self) -> None:
        """Let it go when it has done what was begun. Waits for that."""
        ...
