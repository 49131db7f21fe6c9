"""What every store promises: the journal, and the views written with it."""

import asyncio
from decimal import Decimal
from itertools import pairwise

import pytest

from tests.app.shard import ACCOUNT, run
from tradehall.adapters.memory import MemoryStore
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.projections import VIEWS_VERSION
from tradehall.app.recovery import rebuild_views
from tradehall.domain.fill import Fill
from tradehall.domain.order import Order, OrderStatus, OrderTerms, OrderType, Side
from tradehall.engine.events import EntryKind
from tradehall.ports.deals import Deal, DealEntry, DealQuery
from tradehall.ports.journal import EMPTY, MENTIONS_MAX, Entry, JournalDamaged, chain, checked
from tradehall.ports.views import PAGE_MAX, VIEWS, HistoryQuery, LedgerEntry, OrderQuery, ViewRows


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path):
    def fail(error):
        raise AssertionError(error)

    store = SqliteStore(tmp_path, fail) if request.param == "sqlite" else MemoryStore()
    rebuild_views(store.journal, store.view_store)
    yield store
    store.close()


# The journal.


def test_an_empty_journal_ends_at_its_beginning(store):
    assert store.journal.head == EMPTY
    assert list(store.journal.entries()) == []


def test_records_come_back_in_order_and_chained(store):
    store.journal.append([b'{"a":1}', b'{"b":2}'], ViewRows())
    store.journal.append([b'{"c":"\xc3\xa4\xe2\x82\xac"}'], ViewRows())
    entries = list(store.journal.entries())
    assert [(entry.seq, entry.payload) for entry in entries] == [
        (1, b'{"a":1}'), (2, b'{"b":2}'), (3, b'{"c":"\xc3\xa4\xe2\x82\xac"}'),
    ]  # fmt: skip
    assert entries[0].checksum == chain(EMPTY.checksum, b'{"a":1}')
    assert all(later.checksum == chain(earlier.checksum, later.payload) for earlier, later in pairwise(entries))
    assert store.journal.head == (3, entries[-1].checksum)
    assert list(checked(store.journal.entries())) == entries


def test_reading_may_begin_anywhere(store):
    store.journal.append([b"1", b"2", b"3"], ViewRows())
    assert [entry.seq for entry in store.journal.entries(after=2)] == [3]
    assert list(store.journal.entries(after=3)) == []


def test_records_that_name_an_order_are_found_between_two_numbers(store):
    names = [
        '{"order_id":71}',
        '{"parent_order_id":71}',
        '{"order_id":712}',
        '{"fill_id":71}',
        '{"note":"order_id:71"}',
    ]
    store.journal.append([name.encode() for name in (*names, '{"a":{"order_id":71},"b":1}')], ViewRows())
    assert store.journal.mentions(71, 0, 6) == [1, 2, 3, 6]
    assert store.journal.mentions(71, 1, 5) == [2, 3]
    assert store.journal.mentions(72, 0, 6) == []
    store.journal.append([b'{"order_id":9}'] * (MENTIONS_MAX + 3), ViewRows())
    assert store.journal.mentions(9, 6, 10_000) == list(range(7, 7 + MENTIONS_MAX))


@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 256, 257, 600])
def test_a_batch_may_have_any_size(store, count):
    store.journal.append([b"%d" % number for number in range(count)], rows_of(count))
    assert [int(entry.payload) for entry in store.journal.entries()] == list(range(count))
    assert len(list(store.view_store.rows("orders"))) == count


def test_rows_may_come_after_their_records_alone_or_with_the_next_ones(store):
    store.journal.append([b"1", b"2"], ViewRows(), 0)
    assert store.view_store.seq == 0
    store.journal.write_rows(rows_of(3))
    assert store.view_store.seq == 2 == store.journal.head.seq
    store.journal.append([b"3"], ViewRows(), 2)
    store.journal.append([b"4"], rows_of(5), 3)
    assert (store.view_store.seq, store.journal.head.seq) == (3, 4)
    assert len(list(store.view_store.rows("orders"))) == 5
    store.journal.append([b"5"], rows_of(6))
    assert store.view_store.seq == 5


def test_a_probe_leaves_no_record(store):
    store.journal.append([b"1"], ViewRows())
    store.journal.probe()
    assert store.journal.head.seq == 1


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([(1, b"a"), (3, b"c")], "record 2 is missing: the next one found is 3"),
        ([(2, b"b")], "record 1 is missing: the next one found is 2"),
        ([(1, b"a"), (2, b"x")], "record 2 does not match its checksum"),
    ],
)
def test_the_chain_names_the_first_record_that_fails(entries, message):
    checksums = {1: chain(EMPTY.checksum, b"a")}
    checksums[2] = chain(checksums[1], b"b")
    checksums[3] = chain(checksums[2], b"c")
    damaged = iter([Entry(seq, payload, checksums[seq]) for seq, payload in entries])
    with pytest.raises(JournalDamaged, match=message):
        list(checked(damaged))


# The views.

SYMBOLS = ("BTCUSD", "AAPL")
STATUSES = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED)


def ended_order(number: int, **changes) -> Order:
    """Order `number`: its symbol, side, status, account and OCO group follow from it; later orders end earlier."""
    terms = OrderTerms(
        account_id=ACCOUNT + number % 5 // 4,
        symbol=SYMBOLS[number % 2],
        side=Side.BUY if number % 3 else Side.SELL,
        type=OrderType.MARKET,
        quantity=Decimal(number),
        client_order_id=f"client-{number}" if number % 4 else None,
        oco_group_id=f"group-{number % 7}" if number % 7 < 2 else None,
    )
    return Order(number, terms, STATUSES[number % 3], created_at=number * 10, updated_at=100_000 - number, **changes)


def rows_of(count: int) -> ViewRows:
    rows = ViewRows()
    for number in range(1, count + 1):
        rows.orders.append(ended_order(number))
        fill = Fill(number, number % 3 + 1, ACCOUNT, SYMBOLS[number % 2], Side.BUY, Decimal(1), Decimal(2), number * 10)
        rows.fills.append((fill, True))
        entry = LedgerEntry(number, ACCOUNT, number * 10, EntryKind.DEPOSIT, Decimal(1), Decimal(number))
        rows.ledger.append(entry)
        is_funds = number % 10 == 0
        kind = DealEntry.BALANCE if is_funds else DealEntry.IN
        deal = Deal(number, ACCOUNT, kind, number * 10, ticket=number % 3, symbol=SYMBOLS[number % 2])
        rows.deals.append((number, deal))
    return rows


@pytest.fixture
def filled(store):
    store.journal.append([b"1"], rows_of(60))
    return store


ALL = [ended_order(number) for number in range(1, 61)]
OURS = [order for order in ALL if order.terms.account_id == ACCOUNT]


@pytest.mark.parametrize(
    ("wish", "claim"),
    [
        ({},                                            lambda order: True),
        ({"symbol": "AAPL"},                            lambda order: order.terms.symbol == "AAPL"),
        ({"symbol": "NONE"},                            lambda order: False),
        ({"side": Side.SELL},                           lambda order: order.terms.side is Side.SELL),
        ({"statuses": frozenset(STATUSES[:2])},         lambda order: order.status in STATUSES[:2]),
        ({"statuses": frozenset({OrderStatus.OPEN})},   lambda order: False),
        ({"statuses": frozenset()},                     lambda order: False),
        ({"client_order_id": "client-7"},               lambda order: order.order_id == 7),
        ({"client_order_id": "client-9", "side": Side.BUY}, lambda order: False),
        ({"oco_group_id": "group-1"},                   lambda order: order.terms.oco_group_id == "group-1"),
        ({"since": 200},                                lambda order: order.created_at >= 200),
        ({"until": 200},                                lambda order: order.created_at < 200),
        ({"ended_by": ALL[30].updated_at},              lambda order: order.updated_at <= ALL[30].updated_at),
        ({"since": 200, "until": 300, "symbol": "AAPL", "side": Side.BUY, "statuses": frozenset(STATUSES)},
         lambda order: 200 <= order.created_at < 300 and order.terms.symbol == "AAPL" and order.terms.side is Side.BUY),
    ],
)  # fmt: skip
@pytest.mark.parametrize("by_creation", [False, True])
def test_ended_orders_are_filtered_and_come_newest_first(filled, wish, claim, by_creation):
    expected = [order for order in OURS if claim(order)]
    expected.sort(key=lambda order: order.created_at if by_creation else order.updated_at, reverse=True)

    async def told():
        found = await filled.views.orders(OrderQuery(ACCOUNT, **wish, by_creation=by_creation))
        assert found == expected
        page = await filled.views.orders(OrderQuery(ACCOUNT, **wish, by_creation=by_creation, offset=2, limit=3))
        assert page == expected[2:5]

    run(told())


def test_an_order_is_found_by_its_number_and_by_its_client_id(filled):
    assert filled.views.order(7) == ended_order(7)
    assert filled.views.order(999) is None
    assert filled.views.order_by_client_id(ACCOUNT, "client-7") == ended_order(7)
    assert filled.views.order_by_client_id(ACCOUNT + 1, "client-7") is None
    assert filled.views.order_by_client_id(ACCOUNT, "client-8") is None


def test_an_order_that_changes_after_its_end_replaces_its_row(filled):
    late = ended_order(7, filled_quantity=Decimal(7))
    rows = ViewRows()
    rows.orders.append(late)
    filled.journal.append([b"2"], rows)
    filled.views.refresh()
    assert filled.views.order(7) == late
    assert len(list(filled.view_store.rows("orders"))) == 60


@pytest.mark.parametrize(
    ("wish", "claim"),
    [
        ({},                                lambda number: True),
        ({"symbol": "AAPL"},                lambda number: number % 2 == 1),
        ({"since": 100, "until": 200},      lambda number: 10 <= number < 20),
        ({"order_id": 2},                   lambda number: number % 3 == 1),
        ({"order_id": 2, "symbol": "AAPL"}, lambda number: number % 3 == 1 and number % 2 == 1),
    ],
)  # fmt: skip
def test_fills_are_filtered_and_come_newest_first(filled, wish, claim):
    async def told():
        found = await filled.views.fills(HistoryQuery(ACCOUNT, **wish))
        assert [fill.fill_id for fill in found] == [number for number in range(60, 0, -1) if claim(number)]

    run(told())


def test_the_ledger_comes_newest_first(filled):
    async def told():
        entries = await filled.views.ledger(HistoryQuery(ACCOUNT, since=100, limit=3))
        assert [entry.entry_id for entry in entries] == [60, 59, 58]
        assert await filled.views.ledger(HistoryQuery(ACCOUNT + 1)) == []

    run(told())


@pytest.mark.parametrize(
    ("wish", "claim"),
    [
        ({},                                lambda number: True),
        ({"symbol": "AAPL"},                lambda number: number % 2 == 1),
        ({"ticket": 2},                     lambda number: number % 3 == 2),
        ({"is_funds": True},                lambda number: number % 10 == 0),
        ({"is_funds": False, "ticket": 1},  lambda number: number % 10 and number % 3 == 1),
        ({"since": 100, "until": 200},      lambda number: 10 <= number < 20),
    ],
)  # fmt: skip
def test_deals_are_filtered_counted_and_come_newest_first(filled, wish, claim):
    expected = [number for number in range(60, 0, -1) if claim(number)]

    async def told():
        deals, count = await filled.views.deals(DealQuery(ACCOUNT, **wish, offset=1, limit=5))
        assert [deal.deal for deal in deals] == expected[1:6]
        assert count == len(expected)
        assert await filled.views.deals(DealQuery(ACCOUNT + 1, **wish)) == ([], 0)

    run(told())


def test_fills_are_found_by_their_numbers(filled):
    assert filled.views.fill(5).fill_id == 5
    assert [fill.fill_id for fill in filled.views.fills_of(2)] == [number for number in range(1, 61) if number % 3 == 1]
    assert filled.views.fill(999) is None


def test_a_page_is_cut_at_its_maximum(store):
    rows = ViewRows()
    for number in range(1, PAGE_MAX + 20):
        entry = LedgerEntry(number, ACCOUNT, number, EntryKind.DEPOSIT, Decimal(1), Decimal(number))
        rows.ledger.append(entry)
    store.journal.append([b"1"], rows)

    async def told():
        assert len(await store.views.ledger(HistoryQuery(ACCOUNT, limit=PAGE_MAX * 2))) == PAGE_MAX

    run(told())


def test_what_is_durable_is_read_at_once_by_the_same_round_of_the_loop(store):
    async def told():
        assert store.views.order(1) is None
        store.journal.append([b"1"], rows_of(1))
        store.views.refresh()
        assert store.views.order(1) == ended_order(1)
        await asyncio.sleep(0)

    run(told())


def test_views_know_whether_they_are_complete(store):
    assert store.view_store.version == VIEWS_VERSION
    store.view_store.write(rows_of(3), 1)
    store.view_store.clear()
    assert store.view_store.version == 0
    assert [list(store.view_store.rows(view)) for view in VIEWS] == [[] for _ in VIEWS]
