"""The journal: every decision, in order, chained by checksums, and durable before anyone hears of it."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple, Protocol

from tradehall.domain.ids import OrderId
from tradehall.ports.views import ViewRows

GENESIS: Final = sha256(b"tradehall journal 1").digest()

# A record names orders by these words, with the number right behind: `order_id`, `parent_order_id` …
MENTION: Final = 'order_id":'
MENTIONS_MAX: Final = 2_000


class Head(NamedTuple):
    """The end of the journal: the last record's number and checksum."""

    seq: int
    checksum: bytes


class Entry(NamedTuple):
    """A record as the journal keeps it; `payload` is the JSON of a Record."""

    seq: int
    payload: bytes
    checksum: bytes


EMPTY: Final = Head(0, GENESIS)


class JournalRefused(Exception):
    """Nothing was written, and that is certain: the disk is full, or the file may not be written now."""


class JournalDamaged(Exception):
    """The journal cannot be trusted; the text names the record and what was expected."""


class ScribeGone(Exception):
    """The scribe has ended, or met with what nobody had foreseen: what it was given may be written or not."""


class Entries(Protocol):
    """As much of a journal as folding needs."""

    @property
    def head(self) -> Head:
        """The last record."""
        ...

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Records beyond `after`, oldest first."""
        ...


class Journal(Entries, Protocol):
    """Append-only, one writer. `append`, `write_rows` and `probe` are called from one thread at a time."""

    @property
    def head(self) -> Head:
        """The last durable record."""
        ...

    def append(self, payloads: Sequence[bytes], rows: ViewRows, rows_until: int | None = None) -> None:
        """Write the records that follow `head`, and view rows, durably; all of it or nothing.

        `rows_until`: with `rows`, the views hold what follows from the records up to this one; None: up to the last of
        `payloads`. JournalRefused: nothing was written. Any other exception: nobody knows, and the process must end.
        """
        ...

    def write_rows(self, rows: ViewRows) -> None:
        """Write what the views lacked of the records up to `head`; all of it or nothing.

        It follows from the journal, so that a start makes up for what a power cut takes away. Exceptions as from
        `append`.
        """
        ...

    def probe(self) -> None:
        """Find out whether `append` would work, by a small durable write. JournalRefused if not."""
        ...

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Durable records beyond number `after`, oldest first. May be called from any thread."""
        ...

    def mentions(self, order_id: OrderId, after: int, until: int) -> list[int]:
        """Numbers of the records beyond `after`, up to `until`, that may name the order, lowest first.

        At most MENTIONS_MAX; all that do are among them. Takes half a second for a million records; call it from
        any thread but the loop's.
        """
        ...

    def close(self) -> None:
        """Let go of the journal."""
        ...


class Scribe(Protocol):
    """Another process that writes for a journal while the loop goes on.

    It has one batch at a time, and until that is finished the journal itself writes nothing. Belongs to one thread.
    """

    def hire(self) -> None:
        """Have it come; returns at once. OSError if no process can be begun."""
        ...

    def fileno(self) -> int:
        """Of what becomes readable when it has come, when it has finished, and when it is gone."""
        ...

    def greet(self) -> None:
        """It has come, and takes what there is to write. ScribeGone if it has not."""
        ...

    def begin(self, payloads: Sequence[bytes], rows: ViewRows, rows_until: int) -> None:
        """Begin what `Journal.append` does; without payloads what `write_rows` does."""
        ...

    def has_finished(self) -> bool:
        """Whether `finish` would hardly wait; no question to the system, so that it may be asked all the time."""
        ...

    def is_readable(self) -> bool:
        """Whether `fileno` is, now."""
        ...

    def finish(self) -> None:
        """Wait until that is done. Exceptions as from `Journal.append`; ScribeGone is one that says: unknown."""
        ...

    def dismiss(self) -> None:
        """Have it end, if it came. Nothing is under way."""
        ...


def chain(previous: bytes, payload: bytes) -> bytes:
    """Checksum of a record whose predecessor's checksum is `previous`."""
    return sha256(previous + payload).digest()


def checked(entries: Iterator[Entry], head: Head = EMPTY) -> Iterator[Entry]:
    """`entries`, which follow `head`, each held against the chain. JournalDamaged names the first that fails."""
    seq, checksum = head
    for entry in entries:
        seq += 1
        if entry.seq != seq:
            raise JournalDamaged(f"record {seq} is missing: the next one found is {entry.seq}")
        checksum = sha256(checksum + entry.payload).digest()
        if entry.checksum != checksum:
            raise JournalDamaged(
                f"record {seq} does not match its checksum: expected {checksum.hex()[:16]}…, "
                f"found {entry.checksum.hex()[:16]}…"
            )
        yield entry
