"""Ended tickets by query, on every store: pages and sums are those of the tickets themselves, whoever asked before."""

from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.shard import run, unknown_is_a_failure
from tradehall.adapters.memory import MemoryStore
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.adapters.sqlite.tickets import TicketSums
from tradehall.app.recovery import rebuild_views
from tradehall.domain.time import NS_PER_SECOND
from tradehall.ports.tickets import (
    Clause,
    Comparison,
    Ticket,
    TicketKind,
    TicketQuery,
    TicketState,
    TicketTotals,
    matches,
    ticket_row,
)
from tradehall.ports.views import ViewRows

# Some tickets share a second, and not the instant.
UNIT = NS_PER_SECOND // 4
ACCOUNTS = (700_001, 700_002)
ENDED = (TicketState.CLOSED, TicketState.CLOSED_PART, TicketState.CANCELLED, TicketState.FINANCE)
SYMBOLS = ("AAPL", "EURUSD")
KINDS = (TicketKind.BUY, TicketKind.SELL)
CLAUSES = (
    Clause("symbol", Comparison.IS, ("AAPL",)), Clause("kind", Comparison.NOT_IN, ("SELL", "BUY_LIMIT")),
    Clause("state", Comparison.IS_NOT, ("CLOSED",)), Clause("closed_at", Comparison.BETWEEN, (20 * UNIT, 90 * UNIT)),
    Clause("closed_at", Comparison.NOT_BETWEEN, (20 * UNIT, 90 * UNIT)), Clause("opened_at", Comparison.BETWEEN, (11 * UNIT, 45 * UNIT)), Clause("profit", Comparison.BETWEEN, (-20, 20)),
    Clause("ticket", Comparison.IS, (7,)),
)  # fmt: skip
# Stretches are of some thousand records.
STEPS = (1, 2, 900, 5_000)
RECORD_BITS = 20


@st.composite
def pasts(draw):
    """Rows of tickets in the order of their ends, some of which share an instant."""
    rows, record, at = [], 0, 0
    for number in range(draw(st.integers(0, 40))):
        record += draw(st.sampled_from(STEPS))
        at += draw(st.sampled_from((0, UNIT, 9 * UNIT)))
        ticket = Ticket(
            ticket=number, account_id=draw(st.sampled_from(ACCOUNTS)), kind=draw(st.sampled_from(KINDS)),
            state=draw(st.sampled_from(ENDED)), symbol=draw(st.sampled_from(SYMBOLS)), lots=Decimal(number) / 100, opened_at=at // 2, closed_at=at,
            profit=Decimal(draw(st.integers(-10_000, 10_000))) / 100, commission=Decimal(-number) / 10,
        )  # fmt: skip
        rows.append(ticket_row((record << RECORD_BITS) + number % 3, ticket, msgspec.json.encode(ticket).decode()))
    return rows


INSTANTS = st.none() | st.integers(-1, 300).map(lambda units: units * UNIT)
QUERIES = st.builds(
    TicketQuery,
    account_id=st.sampled_from(ACCOUNTS),
    states=st.none() | st.frozensets(st.sampled_from(ENDED)),
    closed_since=INSTANTS,
    closed_until=INSTANTS,
    clauses=st.lists(st.sampled_from(CLAUSES), max_size=2).map(tuple),
    limit=st.integers(0, 8),
    offset=st.integers(0, 12),
    key_below=st.none() | st.integers(0, 60_000).map(lambda record: record << RECORD_BITS),
)


def _matching(rows, query):
    return [msgspec.json.decode(row.body, type=Ticket) for row in rows if matches(row, query)]


def _page(rows, query):
    found = sorted(
        _matching(rows, query), key=lambda each: (each.opened_at // NS_PER_SECOND, each.ticket), reverse=True
    )
    return found[query.offset : query.offset + query.limit]


def _meant(rows, query):
    found = _matching(rows, query)
    names = ("profit", "net_profit", "commission", "swap", "lots")
    return TicketTotals(len(found), *(sum((getattr(each, name) for each in found), Decimal(0)) for name in names))


@contextmanager
def opened(kind):
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder), unknown_is_a_failure) if kind == "sqlite" else MemoryStore()
        rebuild_views(store.journal, store.view_store)
        yield store
        store.close()


def _append(store, tickets):
    rows = ViewRows()
    rows.tickets.extend((row.ticket_key, msgspec.json.decode(row.body, type=Ticket)) for row in tickets)
    store.journal.append([b"1"], rows)


@pytest.mark.parametrize("kind", ["sqlite", "memory"])
@settings(max_examples=80, deadline=None)
@given(past=pasts(), queries=st.lists(QUERIES, min_size=6, max_size=6), cut=st.integers(0, 40))
def test_pages_and_totals_are_those_of_the_tickets(kind, past, queries, cut):
    async def told(store):
        _append(store, past[:cut])
        for query in queries:
            assert await store.views.ticket_totals(query) == _meant(past[:cut], query), "before anybody summed"
        await store.views.read_on()
        _append(store, past[cut:])
        for query in queries:
            assert await store.views.ticket_totals(query) == _meant(past, query), query
            assert await store.views.tickets(query) == _page(past, query), query

    with opened(kind) as store:
        run(told(store))


def test_beyond_a_bound_tickets_are_read_when_somebody_asks(tmp_path):
    store = SqliteStore(tmp_path, unknown_is_a_failure)
    rebuild_views(store.journal, store.view_store)
    rows = ViewRows()
    for number, state in enumerate(ENDED, start=1):
        ticket = Ticket(number, ACCOUNTS[0], TicketKind.BUY, state, profit=Decimal(3))
        rows.tickets.append(((number << RECORD_BITS) * 5_000, ticket))
    store.journal.append([b"1"], rows)
    asked = []

    def read(sql):
        asked.append(sql)
        return store.views._read_rows(sql)

    for cells_max, scans in ((4, 1), (3, 2)):
        sums = TicketSums(cells_max=cells_max)
        sums.read_on(read)
        asked.clear()
        found = sums.totals(read, TicketQuery(ACCOUNTS[0]))
        assert (found.count, found.profit) == (4, 12)
        assert len(asked) == 1 and ("account_id = ?" in asked[0][0]) == (scans == 2)
    store.close()
