"""The view of the ledger."""

from typing import Final

from tradehall.app.projections.facts import Facts
from tradehall.engine.events import BalanceChanged
from tradehall.engine.state import State
from tradehall.ports.views import LedgerEntry, ViewRows

# A rollover may book a swap for every account in one record: a million entries fit.
ENTRIES_PER_RECORD_BITS: Final = 20


def project_ledger(event: BalanceChanged, index: int, facts: Facts, state: State, rows: ViewRows) -> None:
    """A row per change of a balance, numbered by its place in the journal."""
    entry_id = (facts.seq << ENTRIES_PER_RECORD_BITS) + index
    entry = LedgerEntry(
        entry_id,
        event.account_id,
        facts.now,
        event.entry,
        event.amount,
        event.balance,
        event.order_id,
        event.position_id,
        event.fill_id,
        event.symbol,
        event.comment,
    )
    rows.ledger.append(entry)
