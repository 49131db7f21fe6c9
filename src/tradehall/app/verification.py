"""Verification: does everything on disk follow from the journal, and would we decide the same again?"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from tradehall.app.projections import VIEWS_VERSION, project
from tradehall.app.recovery import Progress, collector_paused, no_progress
from tradehall.app.snapshots import Snapshots
from tradehall.domain.account import Account, PositionMode
from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO
from tradehall.domain.order import MarginMode, Order, signed
from tradehall.domain.position import PositionSide
from tradehall.engine import events as ev
from tradehall.engine.record import RecordFacts, decode_facts, decode_record
from tradehall.engine.replay import Difference, fold, redecide
from tradehall.engine.state import ConservationError, State
from tradehall.engine.state_strategies import reserved_by_currency, signed_units
from tradehall.ports.deals import Deal
from tradehall.ports.house_views import Closing
from tradehall.ports.journal import Entry, Head, JournalDamaged, checked
from tradehall.ports.tickets import Ticket
from tradehall.ports.views import VIEWS, AnyRow, LedgerEntry, ViewRows, ViewStore

FINDINGS_MAX: Final = 20

_BODIES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "orders": msgspec.json.Decoder(Order),
    "fills": msgspec.json.Decoder(Fill),
    "ledger": msgspec.json.Decoder(LedgerEntry),
    "tickets": msgspec.json.Decoder(Ticket),
    "deals": msgspec.json.Decoder(Deal),
    "closings": msgspec.json.Decoder(Closing),
}
assert _BODIES.keys() == VIEWS.keys()

RECORDS_PER_WRITE: Final = 2_000
PROGRESS_EVERY: Final = 10_000
RECORDS_AUDITED_AT_START: Final = 20_000


class Inspection(Protocol):
    """A journal and its views as of one moment."""

    @property
    def head(self) -> Head:
        """The last record."""
        ...

    @property
    def views_version(self) -> int:
        """Version of the projections that wrote the views."""
        ...

    @property
    def views_seq(self) -> int:
        """The views are as they were after this record."""
        ...

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Records beyond `after`, oldest first."""
        ...

    def rows(self, view: str) -> Iterator[AnyRow]:
        """Rows of a view by key."""
        ...

    def structure_faults(self) -> list[str]:
        """What is wrong with the files themselves."""
        ...


class Verification(Struct, frozen=True):
    """What was looked at, and what was found wrong, a sentence each; at most FINDINGS_MAX are told."""

    records: int
    accounts: int
    view_rows: dict[str, int]
    snapshots: int
    findings: list[str]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(
    files: Inspection,
    scratch: ViewStore,
    snapshots: Snapshots | None = None,
    progress: Progress = no_progress,
) -> Verification:
    """Hold the whole journal against its chain, fold it from the first record, and hold all else against that.

    Balances against the ledger, positions against fills, margins against positions and orders, views and
    snapshots against the fold. Changes nothing; `scratch`, empty, is filled.
    """
    audit = _Audit(snapshots)
    audit.findings += files.structure_faults()
    with collector_paused():
        audit.fold(files, scratch, progress)
    audit.check_sums()
    view_rows = {view: audit.compare(view, files, scratch) for view in VIEWS} if audit.is_folded else {}
    if files.views_seq > files.head.seq:
        audit.findings.append(f"the views are of record {files.views_seq}, the journal ends at record {files.head.seq}")
    if audit.is_folded and files.views_version != VIEWS_VERSION:
        audit.findings.append(f"the views have version {files.views_version}, this Tradehall writes {VIEWS_VERSION}")
    return Verification(
        audit.state.seq, len(audit.state.accounts), view_rows, audit.snapshot_count, audit.findings[:FINDINGS_MAX]
    )


def audit_at_start(files: Inspection, scratch: ViewStore) -> None:
    """Verify a house small enough that nobody notices. JournalDamaged tells what is wrong.

    Of a larger one the start checks the chain from the last snapshot on, and a chore the rest soon after.
    """
    if files.head.seq > RECORDS_AUDITED_AT_START:
        return
    findings = verify(files, scratch).findings
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise JournalDamaged(f"{findings[0]}{more}; `tradehall verify` tells all")


def replay(files: Inspection, progress: Progress = no_progress) -> Iterator[Difference]:
    """Decide all of history again; what would come out otherwise. JournalDamaged if the chain is broken."""
    total = files.head.seq
    records = (decode_record(entry.payload) for entry in checked(files.entries()))
    for done, difference in enumerate(redecide(records), start=1):
        if difference is not None:
            yield difference
        if done % PROGRESS_EVERY == 0:
            progress(done, total)
    progress(total, total)


class _Audit:
    """The fold, and sums made beside it by other means than the fold's own."""

    def __init__(self, snapshots: Snapshots | None) -> None:
        self.state = State()
        self.findings: list[str] = []
        self.is_folded = False
        self.snapshot_count = 0
        self._snapshots = snapshots
        self._snapshot_at = {} if snapshots is None else snapshots.paths_by_seq()
        self._ledger: dict[AccountId, Decimal] = {}
        self._units: dict[tuple[AccountId, str], Decimal] = {}
        self._book_units: dict[tuple[AccountId, str], Decimal] = {}

    def fold(self, files: Inspection, scratch: ViewStore, progress: Progress) -> None:
        rows = ViewRows()
        total, views_seq = files.head.seq, files.views_seq
        try:
            for entry in checked(files.entries()):
                self._take(facts := decode_facts(entry.payload))
                if facts.seq <= views_seq:
                    project(facts, self.state, rows)
                if entry.seq in self._snapshot_at:
                    self._check_snapshot(Head(entry.seq, entry.checksum))
                if entry.seq % RECORDS_PER_WRITE == 0:
                    scratch.write(rows, entry.seq)
                    rows = ViewRows()
                if entry.seq % PROGRESS_EVERY == 0:
                    progress(entry.seq, total)
        except (JournalDamaged, ConservationError) as error:
            self.findings.append(str(error))
            return
        except (AssertionError, KeyError, ValueError) as error:
            self.findings.append(f"record {self.state.seq + 1} cannot be folded: {error!r}")
            return
        scratch.write(rows, total)
        progress(total, total)
        self.is_folded = True
        for seq in self._snapshot_at:
            self.findings.append(f"snapshot {seq} is beyond the journal's end, record {total}")

    def _take(self, facts: RecordFacts) -> None:
        fold(self.state, facts)
        for event in facts.events:
            if type(event) is ev.BalanceChanged:
                self._ledger[event.account_id] = self._ledger.get(event.account_id, ZERO) + event.amount
            elif type(event) is ev.OrderFilled:
                key = (event.fill.account_id, event.fill.symbol)
                self._units[key] = self._units.get(key, ZERO) + signed(event.fill.side, event.fill.quantity)
            elif type(event) is ev.UnitsSplit:
                key = (event.account_id, event.symbol)
                for sums in (self._units, self._book_units):
                    sums[key] = sums.get(key, ZERO) * event.ratio
            elif type(event) is ev.BookFilled:
                key = (event.account_id, event.symbol)
                self._book_units[key] = self._book_units.get(key, ZERO) + signed(event.side, event.quantity)

    def _check_snapshot(self, head: Head) -> None:
        assert self._snapshots is not None
        del self._snapshot_at[head.seq]
        self.snapshot_count += 1
        fault = self._snapshots.fault(self.state, head)
        if fault is not None:
            self.findings.append(f"snapshot {head.seq}: {fault}")

    def check_sums(self) -> None:
        for account in self.state.accounts.values():
            for what, told, summed in self._sums(account):
                if told != summed:
                    self.findings.append(f"account {account.terms.account_id}: {what} is {told}, summed up {summed}")

    def _sums(self, account: Account) -> Iterator[tuple[str, Decimal, Decimal]]:
        number = account.terms.account_id
        positions = account.positions.values()
        yield "the balance", account.balance, self._ledger.get(number, ZERO)
        yield "the margin used", account.margin_used, sum((each.margin for each in positions), ZERO)
        yield "the margin held", account.margin_held, sum((each.margin_held for each in account.orders.values()), ZERO)
        isolated = [each.margin for each in positions if each.margin_mode is MarginMode.ISOLATED]
        yield "the isolated margin", account.margin_isolated, sum(isolated, ZERO)
        symbols = {symbol for owner, symbol in self._units if owner == number} | {each.symbol for each in positions}
        for symbol in sorted(symbols):
            held = [
                each.quantity if each.side is PositionSide.LONG else -each.quantity
                for each in positions
                if each.symbol == symbol
            ]
            yield f"the position in {symbol}", sum(held, ZERO), self._units.get((number, symbol), ZERO)
        yield from self._book_sums(account)

    def _book_sums(self, account: Account) -> Iterator[tuple[str, Decimal, Decimal]]:
        """Budgets from what works and is open; parts from the strategies' fills, when hedging also from positions."""
        number = account.terms.account_id
        parts = [part for book in account.books.values() for part in book.parts.values()]
        for symbol in sorted({part.symbol for part in parts} | account.book_units.keys()):
            units = sum((signed_units(part) for part in parts if part.symbol == symbol), ZERO)
            yield f"what is in books of {symbol}", units, self._book_units.get((number, symbol), ZERO)
            if account.terms.position_mode is PositionMode.HEDGING:
                owned = [p for p in account.positions.values() if p.symbol == symbol and p.strategy_id is not None]
                yield f"what strategies hold of {symbol}", units, sum(map(signed_units, owned), ZERO)
        for book in account.books.values():
            for currency, reserved in reserved_by_currency(self.state, account, book).items():
                told = book.reserved.get(currency, ZERO)
                yield f"what strategy {book.strategy_id} has reserved in {currency}", told, reserved

    def compare(self, view: str, files: Inspection, scratch: ViewStore) -> int:
        """Hold a view against the fold, row by row; how many rows it has."""
        count = 0
        differing = 0
        first = ""
        try:
            for expected, found in _by_key(scratch.rows(view), files.rows(view)):
                count += found is not None
                if not _is_same(view, expected, found):
                    first = first or _difference(expected, found)
                    differing += 1
        except JournalDamaged as error:
            self.findings.append(str(error))
        if differing:
            self.findings.append(f"the view {view} differs from the journal in {differing} rows; {first}")
        return count


def _by_key(expected: Iterator[Any], found: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    """Pairs of rows with the same key from two lines in the order of the key; None where one has no such row."""
    left, right = next(expected, None), next(found, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            yield left, None
            left = next(expected, None)
        elif left is None or right[0] < left[0]:
            yield None, right
            right = next(found, None)
        else:
            yield left, right
            left, right = next(expected, None), next(found, None)


def _is_same(view: str, expected: Any, found: Any) -> bool:
    """Whether two rows say the same; a default may be written out in one body and left out in the other."""
    if expected == found:
        return True
    if expected is None or found is None or expected[:-1] != found[:-1]:
        return False
    decode = _BODIES[view].decode
    try:
        return bool(decode(expected.body) == decode(found.body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


def _difference(expected: Any, found: Any) -> str:
    if found is None:
        return f"first, row {expected[0]} is missing"
    if expected is None:
        return f"first, row {found[0]} is one the journal does not know"
    names = [name for name, left, right in zip(expected._fields, expected, found, strict=True) if left != right]
    return f"first, row {found[0]} differs in {', '.join(names)}"
