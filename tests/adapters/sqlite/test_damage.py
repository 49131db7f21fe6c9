"""What a crash or a failing disk leaves: the tail is repaired and reported, everything else is named and refused."""

import logging
import re
import sqlite3

import pytest

from tests.adapters.sqlite.house import findings_of, make_crashed_house, make_house, start, start_and_stop
from tests.app.shard import ACCOUNT
from tradehall.adapters.sqlite.wal import FRAME_HEADER_BYTES, HEADER_BYTES, read_log
from tradehall.app.snapshots import Snapshots
from tradehall.ports.journal import JournalDamaged, JournalRefused

FRAME_BYTES = FRAME_HEADER_BYTES + 4096


def edit(folder, *statements):
    db = sqlite3.connect(folder / "journal.db")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def flip(path, offset):
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x01]))


def cut(path, size):
    with path.open("r+b") as file:
        file.truncate(size)


def size_of(path):
    return path.stat().st_size


def place_of(folder, text):
    """Where `text` lies in the journal's file, whole."""
    place = (folder / "journal.db").read_bytes().find(text.encode())
    assert place >= 0, f"{text} is not to be found"
    return place


# The tail: repaired and reported.


def test_a_house_that_crashed_is_recovered_from_its_log(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    seq = make_crashed_house(tmp_path / "data")
    assert start_and_stop(tmp_path / "data") == seq
    assert f"recovered after a crash: last_record={seq}" in caplog.text
    assert "torn" not in caplog.text
    assert findings_of(tmp_path / "data") == []


@pytest.mark.parametrize("lost_bytes", [1, FRAME_BYTES - 1, FRAME_BYTES, 3 * FRAME_BYTES + 17, 40 * FRAME_BYTES])
def test_a_cut_log_is_recovered_up_to_its_last_whole_transaction(tmp_path, caplog, lost_bytes):
    data = tmp_path / "data"
    seq = make_crashed_house(data)
    cut(data / "journal.db-wal", size_of(data / "journal.db-wal") - lost_bytes)
    recovered = start_and_stop(data)
    assert 0 < recovered < seq
    assert f"recovered up to record {recovered}" in caplog.text or lost_bytes % FRAME_BYTES == 0
    assert findings_of(data) == []


@pytest.mark.parametrize("frames_from_the_end", [1, 2, 30])
def test_a_garbled_log_is_recovered_up_to_its_last_whole_transaction(tmp_path, caplog, frames_from_the_end):
    data = tmp_path / "data"
    seq = make_crashed_house(data)
    wal = data / "journal.db-wal"
    flip(wal, HEADER_BYTES + FRAME_BYTES * (read_log(wal).frames - frames_from_the_end) + 1000)
    recovered = start_and_stop(data)
    assert 0 < recovered < seq
    assert re.search(rf"torn.*recovered up to record {recovered}, pages=\d+", caplog.text)
    assert findings_of(data) == []


@pytest.mark.parametrize("offset", [0, 20])
def test_a_log_whose_head_is_garbled_is_dropped_and_reported(tmp_path, caplog, offset):
    data = tmp_path / "data"
    seq = make_crashed_house(data)
    flip(data / "journal.db-wal", offset)
    assert start_and_stop(data) < seq
    assert "torn" in caplog.text


def test_a_snapshot_beyond_the_end_of_a_cut_log_is_not_used_and_reported(tmp_path, caplog):
    data = tmp_path / "data"
    make_crashed_house(data)
    store, state = start(data)
    Snapshots(data / "snapshots").write(state, store.journal.head)
    store.close()
    earlier = tmp_path / "earlier"
    make_house(earlier, orders=3)
    (data / "journal.db").write_bytes((earlier / "journal.db").read_bytes())
    assert start_and_stop(data) < state.seq
    assert re.search(rf"snapshot cannot be used: file={state.seq}.json.*the journal ends at", caplog.text)
    assert any("beyond the journal's end" in finding for finding in findings_of(data))


def test_a_cut_log_loses_nothing_that_was_in_the_database(tmp_path):
    data = tmp_path / "data"
    make_crashed_house(data)
    cut(data / "journal.db-wal", 0)
    assert start_and_stop(data) > 10


# Everything else: named and refused.


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_changed_record_is_named(tmp_path, snapshot):
    make_house(tmp_path, snapshot=snapshot)
    edit(tmp_path, "UPDATE journal SET payload = replace(payload, '\"0.01\"', '\"0.02\"') WHERE seq = 20")
    with pytest.raises(JournalDamaged, match=r"record 20 does not match its checksum: expected .*tradehall verify"):
        start_and_stop(tmp_path)
    assert any("record 20 does not match" in finding for finding in findings_of(tmp_path))


def test_a_flipped_bit_in_a_record_is_named(tmp_path):
    make_house(tmp_path)
    flip(tmp_path / "journal.db", place_of(tmp_path, '{"seq":21,') + 7)
    with pytest.raises(JournalDamaged, match="record 21 does not match"):
        start_and_stop(tmp_path)


def test_a_missing_record_is_named(tmp_path):
    make_house(tmp_path)
    edit(tmp_path, "DELETE FROM journal WHERE seq = 30")
    with pytest.raises(JournalDamaged, match="record 30 is missing: the next one found is 31"):
        start_and_stop(tmp_path)


def test_a_missing_last_record_is_noticed_by_the_views(tmp_path):
    make_house(tmp_path)
    edit(tmp_path, "DELETE FROM journal WHERE seq > (SELECT max(seq) FROM journal) - 2")
    with pytest.raises(JournalDamaged, match=r"the view orders differs .* is one the journal does not know"):
        start_and_stop(tmp_path)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE orders SET status = 'FILLED' WHERE status = 'CANCELLED'", "the view orders .* differs in status"),
        ("DELETE FROM fills WHERE fill_id = (SELECT min(fill_id) + 3 FROM fills)", "the view fills .* is missing"),
        ("UPDATE ledger SET body = replace(body, '1000000', '9000000')", "the view ledger .* differs in body"),
        ("DELETE FROM deals", "the view deals differs from the journal in"),
    ],
)
def test_a_view_that_does_not_follow_from_the_journal_is_named(tmp_path, statement, message):
    make_house(tmp_path)
    edit(tmp_path, statement)
    with pytest.raises(JournalDamaged, match=message):
        start_and_stop(tmp_path)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_cut_database_is_refused(tmp_path, share):
    make_house(tmp_path)
    path = tmp_path / "journal.db"
    cut(path, int(size_of(path) * share))
    with pytest.raises(JournalDamaged):
        start_and_stop(tmp_path)
    with pytest.raises(JournalDamaged):
        raise JournalDamaged(*findings_of(tmp_path)[:1])  # Told either way: as a finding, or as the reason not to look.


def test_no_flipped_bit_anywhere_goes_unnoticed_and_does_harm(tmp_path):
    """A flipped bit is refused, or it lies where nothing is kept and everything still follows from the journal."""
    make_house(tmp_path / "whole", orders=60)
    whole = (tmp_path / "whole" / "journal.db").read_bytes()
    refused = 0
    for offset in range(101, len(whole), len(whole) // 150):
        data = tmp_path / str(offset)
        data.mkdir()
        (data / "journal.db").write_bytes(whole)
        flip(data / "journal.db", offset)
        try:
            start_and_stop(data)
        except (JournalDamaged, JournalRefused):
            refused += 1
        else:
            assert findings_of(data) == []
    assert refused > 70


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "journal.db").write_bytes(b"not a database at all, but long enough to look like one" * 100)
    with pytest.raises(JournalDamaged, match=r"journal\.db is damaged: file is not a database"):
        start_and_stop(tmp_path)
    with pytest.raises(JournalDamaged):
        findings_of(tmp_path)


@pytest.mark.parametrize("beside", ["journal.db-wal", "snapshots/30.json"])
def test_a_journal_that_was_taken_away_is_missed(tmp_path, beside):
    (tmp_path / beside).parent.mkdir(exist_ok=True)
    (tmp_path / beside).write_bytes(b"something")
    with pytest.raises(JournalDamaged, match=r"journal\.db is missing"):
        start_and_stop(tmp_path)


def test_a_database_newer_than_the_program_is_refused(tmp_path):
    make_house(tmp_path)
    edit(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(JournalDamaged, match="schema version 99, this Tradehall knows 2: use a newer Tradehall"):
        start_and_stop(tmp_path)


def test_a_second_server_is_refused(tmp_path):
    make_house(tmp_path)
    store, _ = start(tmp_path)
    with pytest.raises(JournalRefused, match="another server uses"):
        start(tmp_path)
    store.close()
    assert start_and_stop(tmp_path) > 0


# Snapshots.


@pytest.mark.parametrize("harm", ["cut", "flipped", "emptied", "of another journal"])
def test_a_bad_snapshot_only_makes_the_start_longer(tmp_path, caplog, harm):
    make_house(tmp_path, snapshot=True)
    (path,) = (tmp_path / "snapshots").glob("*.json")
    before = start_and_stop(tmp_path)
    if harm == "cut":
        cut(path, size_of(path) // 2)
    elif harm == "flipped":
        flip(path, size_of(path) // 2)
    elif harm == "emptied":
        cut(path, 0)
    else:
        path.write_bytes(path.read_bytes().replace(b'"chain":"', b'"chain":"0000', 1))
    assert any(path.stem in finding for finding in findings_of(tmp_path))
    assert start_and_stop(tmp_path) == before
    assert "a snapshot cannot be used" in caplog.text


def test_views_of_another_version_are_built_anew(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    make_house(tmp_path)
    edit(tmp_path, "UPDATE views_state SET version = 0", "DELETE FROM orders", "DROP INDEX orders_by_client_id")
    store, _ = start(tmp_path)
    assert "building the views anew" in caplog.text
    assert store.views.order_by_client_id(ACCOUNT, "order-3") is None
    assert store.views.order_by_client_id(ACCOUNT, "order-2") is not None
    store.close()
    assert findings_of(tmp_path) == []
