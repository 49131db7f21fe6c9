"""Tapes for backtests: what a file becomes, and what is refused before anything runs, by file and row."""

from decimal import Decimal

import pytest

from tradehall.adapters.history.actions import read_actions
from tradehall.adapters.history.tapes import DataRefused, FileTape, open_tapes
from tradehall.backtests import ActionKind, CorporateAction
from tradehall.domain.time import NS_PER_DAY, NS_PER_MINUTE, from_rfc3339
from tradehall.ports.feed import FeedError

BARS = """timestamp,open,high,low,close,volume
2025-01-14T10:00:00Z,100,101,99,100.5,10
2025-01-14T10:01:00Z,100.5,102,100,101.25,20
2025-01-14T10:02:00Z,101.25,103,101,102,
"""


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write_file


def columns(tape: FileTape) -> list[list[float]]:
    (block,) = tape.blocks()
    return [column.tolist() for side in (block.bid, block.ask or ()) for column in side]


def test_bars_of_one_price_have_no_spread(write):
    (tape,) = open_tapes([write("AAPL.US.1m.csv", BARS)])
    assert (tape.instrument.symbol, tape.span_ns, tape.length) == ("AAPL", NS_PER_MINUTE, 3)
    assert columns(tape) == [[100, 100.5, 101.25], [101, 102, 103], [99, 100, 101], [100.5, 101.25, 102]]


def test_quotes_bring_their_sizes(write):
    text = "timestamp,bid,ask,bid_size,ask_size\n2025-01-14T10:00:00Z,1.1,1.2,5,\n"
    (tape,) = open_tapes([write("EURUSD.csv", text)])
    (block,) = tape.blocks()
    assert (tape.span_ns, columns(tape)) == (None, [[1.1], [1.2]])
    assert block.bid_size is not None and block.bid_size.tolist() == [5]
    assert block.ask_size is not None and str(block.ask_size.tolist()) == "[nan]"


def test_a_print_shows_the_side_that_was_taken(write):
    text = "timestamp,price,size,side\n2025-01-14T10:00:00Z,100.00,1,buy\n2025-01-14T10:00:01Z,100.01,1,sell\n"
    (tape,) = open_tapes([write("AAPL.csv", text)])
    assert columns(tape) == [[99.99, 100.01], [100.0, 100.02]]


def test_a_bar_whose_sides_cross_has_an_ask_a_tick_above(write):
    names = ",".join(f"{side}_{price}" for side in ("bid", "ask") for price in ("open", "high", "low", "close"))
    text = f"timestamp,{names}\n2025-01-14T10:00:00Z,1.10,1.15,1.05,1.11,1.12,1.14,1.06,1.13\n"
    (tape,) = open_tapes([write("EURUSD.1m.csv", text)])
    assert columns(tape)[5] == [1.16]


def test_files_that_follow_each_other_are_one_tape(write, tmp_path):
    write("AAPL.US.1m-1.csv", BARS)
    write("AAPL.US.1m-2.csv", BARS.replace("T10", "T11"))
    (tape,) = open_tapes([tmp_path])
    assert (tape.length, sum(len(block) for block in tape.blocks())) == (6, 6)


def test_files_that_overlap_are_refused(write, tmp_path):
    write("AAPL.US.1m-1.csv", BARS)
    write("AAPL.US.1m-2.csv", BARS)
    with pytest.raises(FeedError, match="expected files that follow each other"):
        open_tapes([tmp_path])


def test_only_the_symbols_that_are_asked_for(write, tmp_path):
    write("AAPL.US.1m.csv", BARS)
    write("MSFT.US.1m.csv", BARS)
    assert [tape.instrument.symbol for tape in open_tapes([tmp_path], ["MSFT"])] == ["MSFT"]
    with pytest.raises(FeedError, match="GOOG was not recorded: expected some of AAPL, MSFT"):
        open_tapes([tmp_path], ["GOOG"])


@pytest.mark.parametrize(("what", "rows", "complaint"), [
    ("unsorted",   "2025-01-14T10:01:00Z,1,1,1,1,1\n2025-01-14T10:00:00Z,1,1,1,1,1",  "row 2: 2025-01-14T10:00:00Z is before 2025-01-14T10:01:00Z"),
    ("doubled",    "2025-01-14T10:00:00Z,1,1,1,1,1\n2025-01-14T10:00:00Z,1,1,1,1,1",  "row 2: 2025-01-14T10:00:00Z stands there twice"),
    ("negative",   "2025-01-14T10:00:00Z,-1,1,-1,1,1\n2025-01-14T10:01:00Z,1,1,1,1,1", "row 1: open -1.0: expected a positive number"),
    ("crossed",    "2025-01-14T10:00:00Z,5,4,6,5,1\n2025-01-14T10:01:00Z,1,1,1,1,1",  "row 1: low 6.0, high 4.0: expected low not above high"),
    ("unreadable", "2025-01-14T10:00:00Z,x,1,1,1,1\n2025-01-14T10:01:00Z,1,1,1,1,1",  "row 1: open has nothing that can be read"),
])  # fmt: skip
def test_rows_that_cannot_be_true_are_named_before_anything_runs(write, what, rows, complaint):
    file = write("AAPL.US.1m.csv", f"timestamp,open,high,low,close,volume\n{rows}\n")
    with pytest.raises(DataRefused) as refused:
        open_tapes([file])
    assert f"AAPL.US.1m.csv {complaint}" in str(refused.value), what
    assert "so nothing was run" in str(refused.value)


def test_gaps_are_named_with_their_rows_and_nothing_is_made_up_for_them(write):
    rows = ["timestamp,open,high,low,close"]
    rows += [f"2025-01-14T{hour}:00Z,1,1,1,1" for hour in ("10:00", "10:01", "10:30", "12:00")]
    (tape,) = open_tapes([write("AAPL.US.1m.csv", "\n".join(rows))])
    assert tape.gap_count == 2
    assert str(tape.gaps[0]) == "AAPL.US.1m.csv row 4: nothing for 0 d 1 h 30 min before 2025-01-14T12:00:00Z"
    assert [gap.row for gap in tape.gaps] == [4, 3]


def test_books_alone_make_no_tape(write):
    text = "timestamp,event,side,price,size\n2025-01-14T10:00:00Z,snapshot,bid,1.1,5\n"
    with pytest.raises(FeedError, match="holds level2 only: a backtest needs quotes, prints, bars or depth"):
        open_tapes([write("EURUSD.l2.csv", text)])


# ---------------------------------------------------------------- corporate actions


def test_actions_are_read_in_the_order_of_time(write):
    table = "symbol,ex_date,type,value,source\nAAPL,2012-08-09,DIVIDEND,2.65,x\naapl,2000-06-21,split,2,x\n"
    first = from_rfc3339("2000-06-21T00:00:00Z")
    assert read_actions(write("actions.csv", table)) == [
        CorporateAction(first, "AAPL", ActionKind.SPLIT, Decimal(2)),
        CorporateAction(first + 4_432 * NS_PER_DAY, "AAPL", ActionKind.DIVIDEND, Decimal("2.65")),
    ]


@pytest.mark.parametrize(("table", "complaint"), [
    ("symbol,type,value\nA,SPLIT,2",             "has columns symbol, type, value: expected symbol, type, value and ex_date"),
    ("symbol,ex_date,type,value\nA,soon,SPLIT,2", "row 1 was"),
    ("symbol,ex_date,type,value\nA,2020-01-01,MERGER,2", "expected a date, SPLIT or DIVIDEND, and a number"),
    ("symbol,ex_date,type,value\nA,2020-01-01,SPLIT,-2", "row 1 has value -2: expected a positive number"),
])  # fmt: skip
def test_actions_that_cannot_be_read_are_named(write, table, complaint):
    with pytest.raises(FeedError, match=complaint):
        read_actions(write("actions.csv", table))
