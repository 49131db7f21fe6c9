"""What every record store keeps: one suite for all implementations."""

import sqlite3

import pytest

from tradehall.adapters.sqlite.records import MIGRATIONS, SqliteRecords
from tradehall.ports.records import AuditLine, RecordChange, RecordConflict, RecordsFault


@pytest.fixture(params=[SqliteRecords])
def open_store(request, tmp_path):
    """Opens the store; each call is another process as far as the store can tell."""
    opened = []

    def open_again():
        opened.append(request.param(tmp_path / "records.db"))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


def audit(action="create", key="a", at=1, note=""):
    return AuditLine(at, "tester", action, "thing", key, note)


def put(store, **bodies):
    store.write([RecordChange("thing", key, body) for key, body in bodies.items()], audit())


def test_what_was_written_is_read_by_kind_and_in_the_order_of_keys(open_store):
    store = open_store()
    put(store, b=b"2", a=b"1")
    store.write([RecordChange("other", "c", b"3")], audit())
    assert list(store.all("thing").items()) == [("a", b"1"), ("b", b"2")]
    assert store.get("thing", "a") == b"1"
    assert store.get("thing", "c") is None


def test_a_record_is_replaced_and_removed(open_store):
    store = open_store()
    put(store, a=b"1")
    put(store, a=b"2")
    assert store.get("thing", "a") == b"2"
    put(store, a=None)
    assert store.all("thing") == {}


def test_records_and_their_audit_lines_outlive_the_process(open_store):
    put(open_store(), a=b"1")
    again = open_store()
    assert again.get("thing", "a") == b"1"
    assert again.audit_lines("thing", "a") == [audit()]


def test_audit_lines_come_newest_first_and_no_more_than_asked_for(open_store):
    store = open_store()
    for at in range(5):
        store.write([], audit(at=at))
    assert [line.at for line in store.audit_lines("thing", "a", limit=2)] == [4, 3]


def test_a_write_that_fails_leaves_neither_record_nor_audit_line(open_store):
    store = open_store()
    with pytest.raises(RecordsFault):
        store.write([RecordChange("thing", "a", b"1"), RecordChange(None, "b", b"2")], audit())  # type: ignore[arg-type]
    assert store.all("thing") == {}
    assert store.audit_lines("thing", "a") == []
    put(store, a=b"1")
    assert store.get("thing", "a") == b"1"


def test_a_mark_is_kept_without_an_audit_line(open_store):
    store = open_store()
    store.mark("use", {"a": b"7", "b": b"8"})
    store.mark("use", {"b": None, "c": None})
    assert store.all("use") == {"a": b"7"}
    assert store.audit_lines("use", "a") == []


def test_another_process_is_noticed_once_and_oneself_never(open_store):
    mine, other = open_store(), open_store()
    assert not mine.changed_elsewhere()
    put(mine, a=b"1")
    assert not mine.changed_elsewhere()
    put(other, a=b"2")
    assert mine.changed_elsewhere()
    assert not mine.changed_elsewhere()
    assert mine.get("thing", "a") == b"2"


def test_a_file_that_is_no_store_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "records.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(RecordsFault, match=r"records\.db cannot be used as a record store"):
        SqliteRecords(path)


def test_a_file_that_somebody_keeps_to_himself_is_a_fault(tmp_path):
    path = tmp_path / "records.db"
    store = SqliteRecords(path, busy_timeout_s=0.01)
    with sqlite3.connect(path) as selfish:
        selfish.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordsFault, match="records could not be written: database is locked"):
            put(store, a=b"1")
        selfish.execute("ROLLBACK")
    selfish.close()
    put(store, a=b"2")
    assert store.get("thing", "a") == b"2"
    store.close()


def test_the_file_is_for_its_owner_alone(tmp_path):
    store = SqliteRecords(tmp_path / "records.db")
    put(store, a=b"1")
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    store.close()
    assert modes.keys() == {"records.db", "records.db-wal", "records.db-shm"}
    assert set(modes.values()) == {0o600}


def test_a_store_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "records.db"
    SqliteRecords(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(RecordsFault, match="use a newer"):
        SqliteRecords(path)


def test_a_change_that_does_not_find_what_it_expects_changes_nothing(open_store):
    store, other = open_store(), open_store()
    first = RecordChange("thing", "a", b"1", expects=None)
    store.write([first], audit())
    with pytest.raises(RecordConflict, match="thing a is not what it was"):
        other.write([RecordChange("thing", "b", b"9"), first], audit(key="b"))
    with pytest.raises(RecordConflict):
        other.write([RecordChange("thing", "a", b"3", expects=b"2")], audit())
    assert store.all("thing") == {"a": b"1"}
    assert store.audit_lines("thing", "b") == []
    other.write([RecordChange("thing", "a", b"2", expects=b"1")], audit())
    store.write([RecordChange("thing", "a", None, expects=b"2")], audit())
    assert store.all("thing") == {}


def test_an_audit_line_keeps_all_that_it_says(open_store):
    store = open_store()
    told = AuditLine(
        7, "ada", "user.status", "user", "5", "note", domain="demo.example", user_id=5, role="agent", ip="::1",
        request_id="r", reason="asked for it", before={"status": "active"}, after={"status": "inactive"},
        outcome="refused", error_code="VERSION_MISMATCH",
    )  # fmt: skip
    store.write([], told, audit(key="5"))
    assert store.audit_lines("user", "5") == [told]
    assert store.audit_lines("thing", "5") == [audit(key="5")]
