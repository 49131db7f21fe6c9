"""Files of every kind told as one line of time."""

from pathlib import Path

import pytest

from tests.adapters.history.recorded_files import NINE, Notebook, S, one_reel, write_csv, write_parquet
from tradehall.adapters.history.recording import FileRecording
from tradehall.domain.market import Timeframe
from tradehall.domain.time import NS_PER_HOUR, NS_PER_MINUTE
from tradehall.ports.history import BarWindow, at_once


def told(*paths: Path) -> list[str]:
    reel, notebook = one_reel(*paths), Notebook()
    for row in reel.rows():
        reel.send(row, notebook, received_at=7)
    for told_of in (notebook.quotes, notebook.prints, notebook.depths):
        assert all(one.received_at == 7 for one in told_of)
    return notebook.said


def seconds(*offsets: float) -> list[int]:
    return [NINE + round(offset * S) for offset in offsets]


def test_quotes_with_and_without_sizes(tmp_path):
    file = write_parquet(
        tmp_path / "EURUSD.OANDA.tick.parquet", timestamp=seconds(0, 1), bid=[1.1, 1.10005], ask=[1.10012, 1.1001]
    )
    assert told(file) == ["0 EURUSD 1.10000/1.10012", "1 EURUSD 1.10005/1.10010", "end EURUSD"]
    file = write_csv(
        tmp_path / "BTCUSDT.csv",
        "timestamp,bid,bid_size,ask,ask_size",
        f"{NINE},100.5,2.50,100.6,",
        f"{NINE + S},100.5,1,100.7,0",
    )
    assert told(file) == ["0 BTCUSDT 100.5/100.6 2.5/None", "1 BTCUSDT 100.5/100.7 1/0", "end BTCUSDT"]


def test_rows_that_cannot_be_used_are_left_out(tmp_path):
    rows = [
        f"{NINE},1.1,1.2",
        f"{NINE},,1.2",
        f"{NINE},nan,1.2",
        f"{NINE},-1,1.2",
        "x,1.1,1.2",
        f"{NINE},1.3,inf",
        f"{NINE},1.1,1.3",
    ]
    assert told(write_csv(tmp_path / "EURUSD.csv", "timestamp,bid,ask", *rows)) == [
        "0 EURUSD 1.1/1.2",
        "0 EURUSD 1.1/1.3",
        "end EURUSD",
    ]


def test_a_clock_that_steps_back_keeps_the_order_of_the_file(tmp_path):
    rows = [f"{NINE + offset * S},1.{offset},2" for offset in (1, 3, 2, 4)]
    assert told(write_csv(tmp_path / "A.csv", "timestamp,bid,ask", *rows))[:4] == [
        "1 A 1.1/2.0",
        "3 A 1.3/2.0",
        "3 A 1.2/2.0",
        "4 A 1.4/2.0",
    ]


def test_prints_alone_quote_around_themselves(tmp_path):
    file = write_csv(
        tmp_path / "BTCUSD.csv",
        "timestamp,price,size,side",
        f"{NINE},100.5,2,buy",
        f"{NINE + S},100.4,1,sell",
        f"{NINE + 2 * S},100.3,1,",
    )
    assert told(file) == [
        "0 BTCUSD 100.4/100.5", "0 BTCUSD 2@100.5 bought",
        "1 BTCUSD 100.4/100.5", "1 BTCUSD 1@100.4 sold",
        "2 BTCUSD 100.3/100.4", "2 BTCUSD 1@100.3",
        "end BTCUSD",
    ]  # fmt: skip


@pytest.mark.parametrize(("bar", "path"), [
    ("10,14,9,12",  ["10", "9", "14", "12"]),
    ("10,11,7,8",   ["10", "11", "7", "8"]),
    ("10,12,8,10",  ["10", "8", "12", "10"]),
    ("10,10,10,10", ["10", "10", "10", "10"]),
])  # fmt: skip
def test_a_bar_is_played_as_open_the_nearer_extreme_the_other_and_close(tmp_path, bar, path):
    file = write_csv(tmp_path / "X.1m.csv", "timestamp,open,high,low,close,volume", f"{NINE},{bar},8")
    times = ["0", "20", "40", "60"]
    expected = []
    for at, price in zip(times, path, strict=True):
        expected += [f"{at} X {price}/{int(price) + 1}", f"{at} X 2@{price}"]
    assert told(file) == [*expected, "end X"]


def test_the_close_of_a_bar_is_told_before_the_bar_ends(tmp_path):
    file = write_csv(tmp_path / "X.1m.csv", "timestamp,open,high,low,close", f"{NINE},1,1,1,1")
    assert [row[0] - NINE for row in one_reel(file).rows()][:4] == [0, 20 * S, 40 * S, 60 * S - 1000]


def test_quote_bars_are_played_on_both_sides(tmp_path):
    header = "timestamp,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close"
    file = write_csv(tmp_path / "EURUSD.1m.csv", header, f"{NINE},1.10,1.14,1.09,1.12,1.11,1.15,1.10,1.12")
    assert told(file) == [
        "0 EURUSD 1.10/1.11", "20 EURUSD 1.09/1.10", "40 EURUSD 1.14/1.15",
        "60 EURUSD 1.12/1.13",  # The close was locked: its ask goes a tick up.
        "end EURUSD",
    ]  # fmt: skip


L2 = "timestamp,event,last_update_id,side,price,size"


def test_a_book_is_rebuilt_from_its_changes(tmp_path):
    rows = [
        (0, "snapshot", 1, "bid", 99, 5), (0, "snapshot", 1, "bid", 98, 4), (0, "snapshot", 1, "ask", 101, 6),
        (1, "update", 2, "bid", 98, 3), (1, "update", 2, "ask", 102, 9),
        (2, "update", 3, "bid", 99, 0), (2, "update", 3, "bid", 97, 1),
        (3, "update", 4, "bid", 90, 0),
        (4, "update", 5, "bid", 101, 2),
        (5, "update", 6, "ask", 101, 0), (5, "update", 6, "ask", 103, 1),
        (6, "snapshot", 9, "bid", 50, 1), (6, "snapshot", 9, "ask", 60, 1),
    ]  # fmt: skip
    lines = [f"{NINE + at * S},{event},{update},{side},{price},{size}" for at, event, update, side, price, size in rows]
    assert told(write_csv(tmp_path / "B.l2.csv", L2, *lines)) == [
        "0 B 5@99 4@98 | 6@101", "0 B 99/101 5/6",
        "1 B 5@99 3@98 | 6@101 9@102",
        "2 B 3@98 1@97 | 6@101 9@102", "2 B 98/101 3/6",
        # Nothing new at 3 s; crossed at 4 s.
        "5 B 2@101 3@98 1@97 | 9@102 1@103", "5 B 101/102 2/9",
        "6 B 1@50 | 1@60", "6 B 50/60 1/1",
        "end B",
    ]  # fmt: skip


def test_a_change_of_the_book_may_lie_across_batches(tmp_path):
    count = 40_000
    file = write_parquet(
        tmp_path / "B.l2.parquet",
        timestamp=[NINE] * count, event=["snapshot"] * count, last_update_id=[1] * count,
        side=["bid", "ask"] * (count // 2), price=[float(10_000 - i if i % 2 == 0 else 10_000 + i) for i in range(count)], size=[1.0] * count,
    )  # fmt: skip
    said = told(file)
    assert len(said) == 3, "one book, one quote, the end"
    assert said[1] == "0 B 10000/10001 1/1"


def test_recorded_depth_is_told_with_a_quote_when_the_touch_changes(tmp_path):
    header = "timestamp,bid0,bid0_size,bid1,bid1_size,ask0,ask0_size,ask1,ask1_size"
    rows = [
        f"{NINE},99,1,98,2,101,3,102,4",
        f"{NINE + S},99,1,98,3,101,3,,",
        f"{NINE + 2 * S},102,1,98,3,101,3,,",
        f"{NINE + 3 * S},100,1,98,3,101,3,,",
    ]
    assert told(write_csv(tmp_path / "B.top2.csv", header, *rows)) == [
        "0 B 1@99 2@98 | 3@101 4@102", "0 B 99/101 1/3",
        "1 B 1@99 3@98 | 3@101",
        "3 B 1@100 3@98 | 3@101", "3 B 100/101 1/3",
        "end B",
    ]  # fmt: skip


def test_files_are_merged_by_time_depth_before_quotes_before_prints(tmp_path):
    write_csv(tmp_path / "A.V.tick.csv", "timestamp,bid,ask", f"{NINE},1,2", f"{NINE + 2 * S},1,3")
    write_csv(tmp_path / "A.V.prints.csv", "timestamp,price,size", f"{NINE},1,9", f"{NINE + S},2,9")
    write_csv(tmp_path / "A.V.l2.csv", L2, f"{NINE},snapshot,1,bid,1,5", f"{NINE},snapshot,1,ask,2,5")
    write_csv(tmp_path / "B.V.tick.csv", "timestamp,bid,ask", f"{NINE + S},7,8")
    assert told(tmp_path) == [
        "0 A 5@1 | 5@2", "0 A 1/2", "0 A 9@1",
        "1 B 7/8", "end B", "1 A 9@2",
        "2 A 1/3", "end A",
    ]  # fmt: skip


def test_a_symbol_is_quoted_by_the_best_it_has(tmp_path):
    write_csv(
        tmp_path / "A.V.1h.csv", "timestamp,open,high,low,close", f"{NINE - NS_PER_HOUR},5,5,5,5", f"{NINE},6,6,6,6"
    )
    write_csv(tmp_path / "A.V.1m.csv", "timestamp,open,high,low,close", f"{NINE},7,7,7,7")
    assert told(tmp_path)[0] == "0 A 7/8"
    history = FileRecording([tmp_path]).history
    (hour,) = at_once(history.read(BarWindow("A", Timeframe.H1), before=NINE))
    assert (hour.at, str(hour.open)) == (NINE - NS_PER_HOUR, "5")


def test_partitions_of_one_symbol_follow_each_other_and_end_once(tmp_path):
    write_csv(tmp_path / "A.V.tick-2.csv", "timestamp,bid,ask", f"{NINE + 5 * S},3,4")
    write_csv(tmp_path / "A.V.tick-1.csv", "timestamp,bid,ask", f"{NINE},1,2")
    assert told(tmp_path) == ["0 A 1/2", "5 A 3/4", "end A"]


def test_a_symbol_of_two_venues_keeps_its_name_where_it_is_recorded_best(tmp_path):
    write_csv(tmp_path / "A.ONE.1m.csv", "timestamp,open,high,low,close", f"{NINE},7,7,7,7")
    write_csv(tmp_path / "A.TWO.tick.csv", "timestamp,bid,ask", f"{NINE},1,2")
    recording = FileRecording([tmp_path])
    assert {symbol: one.venue for symbol, one in recording.instruments.items()} == {"A": "TWO", "A.ONE": "ONE"}
    assert recording.notes == ("A of ONE is called A.ONE: A is that of TWO",)


def test_a_file_damaged_further_on_ends_its_symbol_and_no_other(tmp_path, caplog):
    rows = [f"{NINE + index * S},1.1,1.2" for index in range(200_000)]
    file = write_csv(tmp_path / "A.csv.gz", "timestamp,bid,ask", *rows)
    file.write_bytes(file.read_bytes()[:-1000])
    write_csv(tmp_path / "B.csv", "timestamp,bid,ask", f"{NINE},1,2", f"{NINE + 300_000 * S},1,2")
    said = told(tmp_path)
    assert said[-2:] == ["300000 B 1/2", "end B"]
    assert said.count("end A") == 1
    assert "A.csv.gz cannot be read" in caplog.text


def test_reading_anew_begins_anew(tmp_path):
    write_csv(tmp_path / "B.l2.csv", L2, f"{NINE},snapshot,1,bid,1,5", f"{NINE},snapshot,1,ask,2,5")
    reel, notebook = one_reel(tmp_path), Notebook()
    for _ in range(2):
        for row in reel.rows():
            reel.send(row, notebook, received_at=7, offset=NS_PER_MINUTE)
    assert notebook.said == ["60 B 5@1 | 5@2", "60 B 1/2 5/5", "end B"] * 2
