"""Verification: what does not follow from the journal is found, and what would be decided otherwise."""

from decimal import Decimal

import msgspec
import pytest

from tests.app.shard import ACCOUNT, a_desk, an_order, open_house, run
from tradehall.adapters.memory import MemoryStore
from tradehall.app.projections import VIEWS_VERSION
from tradehall.app.recovery import recover
from tradehall.app.snapshots import Snapshots
from tradehall.app.verification import RECORDS_AUDITED_AT_START, audit_at_start, replay, verify
from tradehall.engine.commands import RegisterStrategy, SetBudget
from tradehall.engine.events import OrderAccepted
from tradehall.engine.record import decode_record, encode_record
from tradehall.ports.journal import JournalDamaged
from tradehall.ports.views import ViewRows

STRATEGY = "3f0c7f5e-52a1-4f0e-9d5b-8b8a8f4f7c11"


class Files:
    """A MemoryStore as it would lie on disk."""

    def __init__(self, store):
        self.store = store
        self.views_version = VIEWS_VERSION
        self.faults = []

    @property
    def head(self):
        return self.store.journal.head

    @property
    def views_seq(self):
        return self.store.view_store.seq

    def entries(self, after=0):
        return self.store.journal.entries(after)

    def rows(self, view):
        return self.store.view_store.rows(view)

    def structure_faults(self):
        return self.faults


def a_history(orders=6):
    store = MemoryStore(VIEWS_VERSION)

    async def trade():
        desk = a_desk(store)
        await desk.start()
        await open_house(desk)
        for number in range(orders):
            await desk.submit(an_order("0.01", "BUY" if number % 3 else "SELL", client_id=f"order-{number}"))
        await desk.submit(an_order("0.01", limit="40000"))
        await desk.stop()

    run(trade())
    return store


def rewritten(store, change):
    """The same history with records changed by `change`, chained anew, so that only their sense is wrong."""
    other = MemoryStore(VIEWS_VERSION)
    other.view_store.tables = store.view_store.tables
    payloads = []
    for entry in store.journal.entries():
        record = change(decode_record(entry.payload))
        payloads.append(encode_record(record) if not isinstance(record, bytes) else record)
    other.journal.append(payloads, ViewRows())
    return other


def changed_events(kind, **changes):
    """A change of the first event of that kind in each record from number 5 on."""

    def change(record):
        if record.seq < 5:
            return record
        events = [
            msgspec.structs.replace(event, **changes) if type(event).__name__ == kind else event
            for event in record.events
        ]
        return msgspec.structs.replace(record, events=tuple(events))

    return change


def found(store, snapshots=None):
    return verify(Files(store), MemoryStore().view_store, snapshots)


def test_a_sound_history_is_sound():
    store = a_history()
    result = found(store)
    assert result.is_sound, result.findings
    assert (result.records, result.accounts) == (store.journal.head.seq, 1)
    assert result.view_rows["fills"] == 6 == result.view_rows["orders"]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (changed_events("BalanceChanged", amount="-1"), "ledger sums to"),
        (changed_events("OrderFilled", margin_held="5"), "the margin held is"),
    ],
)
def test_money_from_nowhere_is_found(change, finding):
    def typed(record):
        changed = msgspec.to_builtins(change(record))
        return msgspec.json.encode(changed)

    result = found(rewritten(a_history(), typed))
    assert any(finding in each for each in result.findings), result.findings


def a_history_of_a_strategy():
    store = MemoryStore(VIEWS_VERSION)

    async def trade():
        desk = a_desk(store)
        await desk.start()
        await open_house(desk)
        await desk.submit(RegisterStrategy(ACCOUNT, STRATEGY))
        await desk.submit(SetBudget(ACCOUNT, STRATEGY, "USD", Decimal(5000)))
        for limit in (None, "40000"):
            order = an_order("0.01", limit=limit)
            await desk.submit(
                msgspec.structs.replace(order, terms=msgspec.structs.replace(order.terms, strategy_id=STRATEGY))
            )
        await desk.stop()

    run(trade())
    return store


def test_a_sound_history_of_a_strategy_is_sound():
    assert found(a_history_of_a_strategy()).findings == []


def test_units_in_a_book_from_nowhere_are_found():
    def doubled(record):
        return encode_record(record).replace(
            b'"quantity":"0.01","price":"50010","currency"', b'"quantity":"0.02","price":"50010","currency"'
        )

    findings = found(rewritten(a_history_of_a_strategy(), doubled)).findings
    assert any("the books' parts in BTCUSD come to 0.01, their fills to 0.02" in each for each in findings), findings


def test_a_reservation_that_would_be_another_today_is_told():
    def less(record):
        return encode_record(record).replace(b'"amount":"20.20"', b'"amount":"20.19"')

    differences = list(replay(Files(rewritten(a_history_of_a_strategy(), less))))
    told = [event.hold for each in differences for event in each.found if isinstance(event, OrderAccepted)]
    assert [hold and hold.amount for hold in told] == [Decimal("20.20")]


def test_a_budget_that_does_not_follow_from_orders_and_positions_is_found(tmp_path):
    store = a_history_of_a_strategy()
    snapshots = Snapshots(tmp_path)
    state = recover(store.journal, None)
    state.accounts[ACCOUNT].books[STRATEGY].reserved["USD"] -= 1
    snapshots.write(state, store.journal.head)
    assert "it differs from what the journal folds to" in found(store, snapshots).findings[0]


def test_units_from_nowhere_are_found():
    def doubled(record):
        text = encode_record(record)
        return text.replace(b'"quantity":"0.01","cost"', b'"quantity":"0.02","cost"')

    result = found(rewritten(a_history(), doubled))
    assert any("positions in BTCUSD come to" in each for each in result.findings), result.findings


def test_a_record_that_cannot_be_read_is_named():
    def garbled(record):
        return b'{"seq":5}' if record.seq == 5 else record

    assert "record 5 cannot be folded" in found(rewritten(a_history(), garbled)).findings[0]


def test_views_of_another_version_are_found():
    files = Files(a_history())
    files.views_version = 99
    assert verify(files, MemoryStore().view_store).findings == [
        f"the views have version 99, this Tradehall writes {VIEWS_VERSION}"
    ]


def test_what_the_file_itself_complains_of_is_told():
    files = Files(a_history())
    files.faults = ["journal.db: row 7 missing from index"]
    assert verify(files, MemoryStore().view_store).findings == files.faults


def test_a_snapshot_that_differs_from_the_fold_is_found(tmp_path):
    store = a_history()
    snapshots = Snapshots(tmp_path)
    state = recover(store.journal, None)
    snapshots.write(state, store.journal.head)
    assert found(store, snapshots).is_sound
    state.accounts[ACCOUNT].balance += 1
    snapshots.write(state, store.journal.head)
    result = found(store, snapshots)
    assert result.findings == [f"snapshot {store.journal.head.seq}: it differs from what the journal folds to"]
    assert result.snapshots == 1


def test_the_start_refuses_what_verification_finds():
    store = a_history()
    del store.view_store.tables["fills"][900002]
    with pytest.raises(JournalDamaged, match="the view fills differs from the journal in 1 rows; first, row 900002"):
        audit_at_start(Files(store), MemoryStore().view_store)


def test_a_large_house_is_not_audited_at_its_start():
    files = Files(a_history())
    large = type("Large", (Files,), {"head": files.head._replace(seq=RECORDS_AUDITED_AT_START + 1)})
    other = large(files.store)
    other.faults = ["would be told"]
    audit_at_start(other, MemoryStore().view_store)


# Deciding again.


def test_the_same_rules_decide_the_same_again():
    assert list(replay(Files(a_history()))) == []


def test_a_decision_that_would_be_another_today_is_told_and_the_rest_goes_on_from_the_record():
    def otherwise(record):
        before, word, after = encode_record(record).partition(b"OrderFilled")
        return before + word + (after.replace(b'"ask":"50010"', b'"ask":"50011"') if record.seq == 4 else after)

    (difference,) = replay(Files(rewritten(a_history(), otherwise)))
    assert difference.seq == 4
    assert difference.expected != difference.found
    assert difference.error is None


def test_a_broken_chain_is_not_decided_again():
    store = a_history()
    store.journal._entries[3] = store.journal._entries[3]._replace(payload=b"{}")
    with pytest.raises(JournalDamaged, match="record 4 does not match"):
        list(replay(Files(store)))
