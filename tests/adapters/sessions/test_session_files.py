"""Recorded sessions on the disk: what was put can be read, whole or cut, and what is missing is told."""

import gzip
import logging
from decimal import Decimal

import pytest

from tradehall.adapters.sessions.reader import RecordingMissing, find_sessions
from tradehall.adapters.sessions.refusals import RecordingRefused
from tradehall.adapters.sessions.writer import Limits, SessionWriter
from tradehall.backtests.parity.stretches import survey
from tradehall.domain.market import Depth, Print, Quote
from tradehall.venue.session import (
    DepthHeard,
    LoopMade,
    PrintHeard,
    QuoteAgain,
    QuoteHeard,
    RowsLost,
    SessionEnded,
    TimeHeard,
    WishHeard,
)
from tradehall.venue.settings import VenueSettings

AT = 1_750_000_000_000_000_000
QUOTE = Quote("AAPL", Decimal("1.10"), Decimal("1.1200"), AT, AT + 1, bid_size=Decimal("3E+2"))


def one_of_each():
    return [
        LoopMade(1, 0, VenueSettings(latency_ns=5), "0.1.0", True),
        QuoteHeard(2, 0, QUOTE, AT + 2),
        QuoteHeard(3, 0, QUOTE),
        QuoteAgain(4, 0, "AAPL", AT + 3),
        DepthHeard(5, 0, Depth("AAPL", ((Decimal(1), Decimal(2)),), (), AT, AT), AT + 4),
        PrintHeard(6, 0, Print("AAPL", Decimal("1.1"), Decimal(5), AT, AT, True), AT + 5),
        WishHeard(7, 0, AT + 6, 1),
        TimeHeard(8, 1, AT + 7),
        SessionEnded(9, 1, "it was time"),
    ]


def write(folder, rows, at=AT, **options):
    writer = SessionWriter(folder, at, Limits(**options))
    for row in rows:
        writer.put(row)
    writer.start()
    writer.stop()


def read(folder):
    return [row for session in find_sessions(folder) for row in session.rows()]


def ticks(first, count):
    return [TimeHeard(number, 0, AT + number) for number in range(first, first + count)]


def test_every_row_comes_back_as_it_was_put(tmp_path):
    write(tmp_path / "rec", one_of_each())
    found = read(tmp_path / "rec")
    assert found == one_of_each()
    # Equal decimals may look different; these are the very ones.
    assert str(found[1].quote.ask) == "1.1200"
    assert str(found[1].quote.bid_size) == "3E+2"


def test_a_file_is_gzip_of_json_lines_for_its_owner_alone(tmp_path):
    write(tmp_path / "rec", one_of_each())
    (file,) = (tmp_path / "rec").iterdir()
    assert len(gzip.decompress(file.read_bytes()).splitlines()) == 9
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kept", [0, 1, 9, 200, 3_000])
def test_a_cut_file_is_read_up_to_the_last_whole_batch(tmp_path, kept):
    rows = [*one_of_each()[:1], *ticks(2, 1_000)]
    write(tmp_path, rows, rows_of_batch=100)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:kept])
    (session,) = find_sessions(tmp_path)
    found = list(session.rows())
    assert found == rows[: len(found)]
    assert len(found) % 100 == 0
    assert len(found) < len(rows)
    assert bool(session.damage) == (kept > 0)


def test_a_damaged_batch_ends_its_file_and_the_gap_is_told(tmp_path):
    rows = [*one_of_each()[:1], *ticks(2, 2_000)]
    write(tmp_path, rows, rows_of_batch=100, segment_bytes=2_000)
    files = sorted(tmp_path.iterdir())
    assert len(files) > 3
    spoilt = bytearray(files[1].read_bytes())
    spoilt[60] ^= 0xFF
    files[1].write_bytes(spoilt)
    (session,) = find_sessions(tmp_path)
    (stretch,) = survey([session.rows()], head=0)
    assert len(stretch.gaps) == 1
    assert stretch.row_count + stretch.gaps[0].last - stretch.gaps[0].first + 1 == len(rows)
    assert files[1].name in session.damage[0]


def test_what_finds_no_room_is_dropped_and_confessed(tmp_path, caplog):
    with caplog.at_level(logging.ERROR):
        write(tmp_path, [*one_of_each()[:1], *ticks(2, 99)], rows_waiting=10)
    found = read(tmp_path)
    assert found[:10] == [*one_of_each()[:1], *ticks(2, 9)]
    assert found[10:] == [RowsLost(100, 0, 90)]
    assert "lost 90 rows" in caplog.text


def test_a_gap_that_was_confessed_is_told_from_one_that_was_not():
    rows = [*one_of_each()[:1], *ticks(2, 3), RowsLost(9, 0, 5), *ticks(10, 2), *ticks(20, 1)]
    (stretch,) = survey([rows], head=0)
    assert [(gap.first, gap.last, gap.was_lost) for gap in stretch.gaps] == [(5, 9, True), (12, 19, False)]


def test_sessions_of_one_folder_are_read_in_their_order(tmp_path):
    write(tmp_path, one_of_each(), at=AT + 10**12)
    write(tmp_path, one_of_each()[:3], at=AT)
    assert [len(list(session.rows())) for session in find_sessions(tmp_path)] == [3, 9]


def test_a_session_that_has_reached_its_size_ends_loudly(tmp_path, caplog):
    with caplog.at_level(logging.ERROR):
        write(tmp_path, [*one_of_each()[:1], *ticks(2, 5_000)], rows_of_batch=100, session_bytes=2_000)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 2_000
    assert read(tmp_path)
    assert "trading goes on" in caplog.text


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecordingRefused, match="cannot be recorded"):
        SessionWriter(tmp_path / "file" / "rec", AT)


def test_a_folder_without_sessions_is_said_to_be_one(tmp_path):
    with pytest.raises(RecordingMissing, match="serve --record"):
        find_sessions(tmp_path)
