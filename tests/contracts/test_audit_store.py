"""The audit trail: chained, append-only, found by what it says; and what a house that died had not noted yet."""

import itertools
import sqlite3

import pytest

from tests.app.shard import ACCOUNT, START, OwnClock, a_desk, an_order, open_house, run, until
from tradehall.adapters.memory import MemoryStore
from tradehall.adapters.sqlite.audit_store import SqliteAudit
from tradehall.adapters.sqlite.records import MIGRATIONS, SqliteRecords
from tradehall.app.audit import AuditTrail, acting, verify_chain
from tradehall.app.records.audit import Actor
from tradehall.domain.strategy import TradingState
from tradehall.engine.commands import CancelOrder, SetTradingState
from tradehall.ports.audit import AUDIT_GENESIS, AuditEntry, AuditField, AuditQuery
from tradehall.ports.records import AuditLine, RecordChange

ANNA = Actor("operator:anna", role="operator", ip="::1", request_id="r-1", reason="a test")


@pytest.fixture
def records(tmp_path):
    records = SqliteRecords(tmp_path / "records.db")
    yield records
    records.close()


@pytest.fixture
def store(records):
    return SqliteAudit(records)


def line(number: int, **more) -> AuditLine:
    """Line `number`: who, what and how follow from it."""
    fields = {
        "actor": f"actor{number % 3}",
        "action": f"thing.verb{number % 4}",
        "kind": f"kind{number % 2}",
        "key": str(number % 5),
        "domain": f"domain{number % 2}",
        "user_id": number % 7 or None,
        "outcome": "refused" if number % 6 == 0 else "ok",
        "severity": "WARNING" if number % 6 == 0 else "INFO",
    } | more
    return AuditLine(at=number, **fields)


LINES = [line(number) for number in range(1, 61)]


def test_entries_are_numbered_without_gaps_and_chained(store, records):
    store.append(LINES[:3])
    records.write([RecordChange("thing", "a", b"1")], LINES[3])
    entries = list(store.entries())
    assert [(entry.seq, entry.line) for entry in entries] == list(enumerate(LINES[:4], start=1))
    report = verify_chain(entries)
    assert (report.count, report.head, report.is_sound) == (4, entries[-1].checksum, True)
    assert verify_chain(entries[2:], after=2, previous=entries[1].checksum).is_sound
    assert len({entry.entry_id for entry in entries}) == 4


@pytest.mark.parametrize(
    ("what", "spoiled", "fault"),
    [
        ("a body was changed", lambda found: [found[0], found[1]._replace(body=found[0].body)], "entry 2 was altered"),
        ("one was left out", lambda found: [found[0], *found[2:]], "entry 2 is missing: the next one found is 3"),
        ("the first is gone", lambda found: found[1:], "entry 1 is missing"),
        ("two changed places", lambda found: [found[1], found[0]], "entry 1 is missing"),
        (
            "one was renumbered over another",
            lambda found: [found[0], found[2]._replace(seq=2)],
            "entry 2 was altered",
        ),
    ],
)
def test_whatever_was_done_to_the_past_the_chain_names_it(store, what, spoiled, fault):
    store.append(LINES[:4])
    report = verify_chain(spoiled(list(store.entries())))
    assert not report.is_sound, what
    assert report.fault.startswith(fault), what


def test_the_store_itself_lets_nobody_change_or_remove_an_entry(store, records, tmp_path):
    store.append(LINES[:2])
    with sqlite3.connect(tmp_path / "records.db") as db:
        for statement in ("UPDATE audit_trail SET actor = 'nobody'", "DELETE FROM audit_trail WHERE seq = 2"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)
    db.close()


def matching(query: AuditQuery) -> list[AuditLine]:
    found = [
        each
        for each in LINES
        if all(getattr(each, field) == value for field, value in query.wanted.items())
        and (query.since is None or each.at >= query.since)
        and (query.until is None or each.at < query.until)
    ]
    return found[::-1]


F = AuditField
WANTED = [
    {},
    *({field: getattr(LINES[11], field)} for field in F),
    {F.OUTCOME: "ok"}, {F.SEVERITY: "INFO"}, {F.KIND: "kind0", F.KEY: "2"}, {F.SEVERITY: "WARNING", F.KIND: "kind0"},
    {F.USER_ID: 5, F.ACTION: "thing.verb1"}, {F.DOMAIN: "domain1", F.OUTCOME: "refused"}, {F.ACTOR: "nobody"},
]  # fmt: skip
SPANS = [(None, None), (10, None), (None, 40), (13, 29)]


@pytest.mark.parametrize(("wanted", "span"), list(itertools.product(WANTED, SPANS)))
def test_entries_are_found_by_what_they_say_newest_first_and_counted(store, wanted, span):
    store.append(LINES[:50])
    first = AuditQuery(wanted=wanted, since=span[0], until=span[1], limit=4, offset=1)
    store.page(first)
    store.append(LINES[50:])  # What was counted once is counted on.
    for offset in (0, 1, 3):
        query = AuditQuery(wanted=wanted, since=span[0], until=span[1], limit=4, offset=offset)
        expected = matching(query)
        entries, total = store.page(query)
        assert total == len(expected)
        assert [entry.line for entry in entries] == expected[offset : offset + 4]


def test_lines_of_the_time_before_the_chain_are_in_it(tmp_path):
    path = tmp_path / "records.db"
    db = sqlite3.connect(path, isolation_level=None)
    before = next(number for number, step in enumerate(MIGRATIONS) if "audit_trail" in step)
    for step in MIGRATIONS[:before]:
        db.executescript(step)
    db.execute(f"PRAGMA user_version = {before}")
    db.execute(
        "INSERT INTO audit (at, actor, action, kind, key, note, domain, user_id, outcome, detail)"
        " VALUES (7, 'ada', 'user.status', 'user', '5', 'note', 'demo.example', 5, 'ok', ?)",
        (b'{"role":"agent","before":{"status":"active"}}',),
    )
    db.close()
    records = SqliteRecords(path)
    (entry,) = SqliteAudit(records).entries()
    told = AuditLine(
        7, "ada", "user.status", "user", "5", "note", domain="demo.example", user_id=5, role="agent",
        before={"status": "active"},
    )  # fmt: skip
    assert entry.line == told
    assert verify_chain([entry]).is_sound
    assert records.audit_lines("user", "5") == [told]
    records.close()


# The house's.


async def _house(store, records, journal_store):
    clock = OwnClock(START)
    desk = a_desk(journal_store, clock=clock)
    trail = AuditTrail(store, journal_store.journal, clock)
    desk.listen(trail)
    desk.writer.hear_durable(trail.on_durable)
    await trail.start()
    await desk.start()
    return desk, trail


async def _lines(trail, **wanted) -> list[AuditLine]:
    query = AuditQuery(wanted={F(name): value for name, value in wanted.items()}, limit=1_000)
    return [entry.line for entry in (await trail.page(query))[0]]


def test_an_operators_wish_is_told_with_who_it_was_and_a_customers_good_order_is_not(store, records):
    async def steps():
        desk, trail = await _house(store, records, MemoryStore())
        await open_house(desk)
        await desk.submit(an_order(limit="100", client_id="theirs"))
        with acting(ANNA):
            ours = await desk.submit(an_order(limit="100", client_id="ours"))
            await desk.submit(CancelOrder(ACCOUNT, ours.order.order_id))
            await desk.submit(SetTradingState(ACCOUNT, None, TradingState.HALTED, reason="look", actor="anna"))
        await desk.submit(an_order(client_id="too late"))
        lines = await _lines(trail)
        await desk.stop()
        await trail.stop()
        number = f"ord_{ours.order.order_id}"
        told = [(each.action, each.kind, each.key, each.actor, each.outcome) for each in lines]
        assert told[:4] == [
            ("order.denied", "order", f"ord_{ours.order.order_id + 1}", "house", "refused"),
            ("account.state", "account", str(ACCOUNT), "operator:anna", "ok"),
            ("order.canceled", "order", number, "operator:anna", "ok"),
            ("order.submitted", "order", number, "operator:anna", "ok"),
        ]
        halted = lines[1]
        assert (halted.before, halted.after) == ({"trading_state": "NORMAL"}, {"trading_state": "HALTED"})
        assert (halted.ip, halted.request_id, halted.role, halted.reason) == ("::1", "r-1", "operator", "look")
        assert (lines[0].error_code, lines[0].severity) == ("TRADING_HALTED", "WARNING")
        assert verify_chain(store.entries()).is_sound

    run(steps())


def test_what_a_house_that_died_had_not_noted_is_noted_once_at_the_next_start(store, records):
    journal = MemoryStore()

    async def die():
        desk, trail = await _house(store, records, journal)
        await open_house(desk)
        await trail.stop()  # What is decided from here on waits in vain.
        with acting(ANNA):
            await desk.submit(SetTradingState(ACCOUNT, None, TradingState.HALTED, reason="look", actor="operator:anna"))
        await desk.stop()

    async def live_again():
        desk, trail = await _house(store, records, journal)
        lines = await _lines(trail, kind="account")
        await desk.stop()
        await trail.stop()
        return lines

    run(die())
    assert "account.state" not in [entry.line.action for entry in store.entries()]
    assert [each.action for each in run(live_again())] == ["account.state", "account.funds", "account.opened"]
    lines = run(live_again())
    assert [each.action for each in lines] == ["account.state", "account.funds", "account.opened"]
    assert (lines[0].actor, lines[0].reason) == ("operator:anna", "look")


def test_who_listens_hears_every_new_entry_in_order_whoever_wrote_it(store, records):
    async def steps():
        heard: list[AuditEntry] = []
        desk, trail = await _house(store, records, MemoryStore())
        trail.hear(heard.extend)
        await trail.note(LINES[0])
        records.write([RecordChange("thing", "a", b"1")], LINES[1])
        await open_house(desk)
        await until(lambda: len(heard) >= 5)
        await desk.stop()
        await trail.stop()
        assert [entry.line.action for entry in heard][:3] == ["system.started", LINES[0].action, LINES[1].action]
        assert [entry.seq for entry in heard] == list(range(1, len(heard) + 1))
        assert verify_chain(heard, previous=AUDIT_GENESIS).is_sound

    run(steps())
