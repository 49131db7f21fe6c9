"""Replay: the recording's own time, faster, over and over, shifted to now."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.adapters.history.recorded_files import NINE, Notebook, S, write_csv
from tests.app.market_fakes import NOON, Ear, FakeClock
from tradehall.adapters.feeds.replay import ReplayFeed, ReplayOptions, parse_replay
from tradehall.adapters.history.recording import FileRecording
from tradehall.app.market import MarketBoard
from tradehall.app.staleness import DataStaleness, Freshness
from tradehall.domain.market import Timeframe
from tradehall.domain.time import NS_PER_DAY, NS_PER_MINUTE
from tradehall.ports.feed import FeedError
from tradehall.ports.history import BarWindow, at_once

MIN = NS_PER_MINUTE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A at 0, 1 and 10 s, B at 4 s."""
    write_csv(
        tmp_path / "A.csv", "timestamp,bid,ask", *(f"{NINE + at * S},{bid},9" for at, bid in ((0, 1), (1, 2), (10, 3)))
    )
    write_csv(tmp_path / "B.csv", "timestamp,bid,ask", f"{NINE + 4 * S},5,6")
    return tmp_path


def a_feed(folder: Path, clock: FakeClock, options: str = "") -> ReplayFeed:
    parsed = parse_replay(f"{folder}?{options}")
    return ReplayFeed(FileRecording(parsed.paths), parsed, clock)


def steps(feed: ReplayFeed, clock: FakeClock, *, seconds: float, step_s: float = 0.25) -> list[str]:
    """What is told in that time, each line with the seconds since the start at which it was."""
    notebook, told, began = Notebook(), list[str](), clock.now()
    while clock.now() <= began + seconds * S:
        while (due := feed.step(notebook)) is not None and due <= clock.now():
            pass
        told += [f"{(clock.now() - began) / S:g}: {line}" for line in notebook.said]
        notebook.said.clear()
        clock.pass_s(step_s)
    return told


def test_real_time_is_the_default_and_its_zero_is_the_first_row(folder):
    assert steps(a_feed(folder, clock := FakeClock()), clock, seconds=12) == [
        "0: 0 A 1/9", "1: 1 A 2/9", "4: 4 B 5/6", "4: end B", "10: 10 A 3/9", "10: end A",
    ]  # fmt: skip


def test_quotes_keep_their_recorded_time_and_are_received_now(folder):
    clock, notebook = FakeClock(), Notebook()
    feed = a_feed(folder, clock)
    feed.step(notebook)
    assert [(quote.at, quote.received_at) for quote in notebook.quotes] == [(NINE, NOON)]


def test_speed_makes_it_faster(folder):
    told = steps(a_feed(folder, clock := FakeClock(), "speed=4"), clock, seconds=4)
    assert [line.split(":")[0] for line in told] == ["0", "0.25", "1", "1", "2.5", "2.5"]


def test_a_slow_speed_makes_it_slower(folder):
    assert steps(a_feed(folder, clock := FakeClock(), "speed=0.5"), clock, seconds=2) == ["0: 0 A 1/9", "2: 1 A 2/9"]


def test_speed_max_waits_for_nothing(folder):
    feed, notebook = a_feed(folder, FakeClock(), "speed=max"), Notebook()
    while feed.step(notebook) is not None:
        pass
    assert (len(notebook.quotes), feed.is_over) == (4, True)


def test_the_next_due_is_told(folder):
    clock = FakeClock()
    feed = a_feed(folder, clock)
    assert feed.step(Notebook()) == NOON + S
    assert feed.step(Notebook()) == NOON + S


def test_shifted_to_now_the_first_is_now(folder):
    told = steps(a_feed(folder, clock := FakeClock(), "shift=now"), clock, seconds=5)
    since_nine = (NOON - NINE) / S
    assert told == [
        f"0: {since_nine:g} A 1/9",
        f"1: {since_nine + 1:g} A 2/9",
        f"4: {since_nine + 4:g} B 5/6",
        "4: end B",
    ]


def test_bars_are_shifted_by_whole_minutes(tmp_path):
    write_csv(tmp_path / "A.1m.csv", "timestamp,open,high,low,close", f"{NINE},1,4,1,2", f"{NINE + MIN},2,3,1,1")
    clock = FakeClock(NOON + 17 * S)
    feed = a_feed(tmp_path, clock, "shift=now&speed=max")
    board = MarketBoard(feed.instruments, feed.history, clock, None)
    while feed.step(board) is not None:
        pass
    bars = at_once(board.book.read(BarWindow("A", Timeframe.M1)))
    assert [(bar.at, str(bar.open), str(bar.high), str(bar.low), str(bar.close)) for bar in bars] == [
        (NOON, "1", "4", "1", "2"), (NOON + MIN, "2", "3", "1", "1"),
    ]  # fmt: skip


def test_a_loop_starts_over_with_times_that_go_on_and_no_end(folder):
    told = steps(a_feed(folder, clock := FakeClock(), "loop=1"), clock, seconds=16)
    assert told == [
        "0: 0 A 1/9", "1: 1 A 2/9", "4: 4 B 5/6", "10: 10 A 3/9",
        "11: 11 A 1/9", "12: 12 A 2/9", "15: 15 B 5/6",
    ]  # fmt: skip


def test_a_weekend_is_waited_for_and_a_hole_of_years_is_not(tmp_path):
    days = [0, 4, 4 + 3650]
    write_csv(tmp_path / "A.csv", "timestamp,bid,ask", *(f"{NINE + day * NS_PER_DAY},1,2" for day in days))
    clock, notebook = FakeClock(), Notebook()
    feed = a_feed(tmp_path, clock, "speed=2")
    assert feed.step(notebook) == NOON + 2 * NS_PER_DAY
    clock.pass_s(2 * 86_400)
    assert feed.step(notebook) == NOON + 2 * NS_PER_DAY + S // 2
    clock.pass_s(0.5)
    assert feed.step(notebook) is None
    assert [(quote.at - NINE) // NS_PER_DAY for quote in notebook.quotes] == days


def test_a_loop_as_fast_as_possible_is_told_in_slices(folder):
    feed, notebook = a_feed(folder, FakeClock(), "loop=1&speed=max"), Notebook()
    for _ in range(10):
        assert feed.step(notebook) is not None
    times = [quote.at for quote in notebook.quotes]
    assert len(times) >= 12
    assert times == sorted(times)


def test_the_end_makes_symbols_stale_and_breaks_nothing(folder):
    clock, ear = FakeClock(), Ear()
    feed = a_feed(folder, clock)
    board = MarketBoard(feed.instruments, feed.history, clock, feed.stale_after_ns)
    board.subscribe(ear)
    for _ in range(60):
        feed.step(board)
        board.check_staleness(clock.now())
        clock.pass_s(1)
    assert ear.staleness() == [
        DataStaleness(Freshness.STALE, ("B",), NOON + 4 * S, NOON + 4 * S),
        DataStaleness(Freshness.STALE, ("A",), NOON + 10 * S, NOON + 10 * S),
    ]
    assert feed.step(board) is None


def test_a_clock_set_back_leaves_the_replay_where_it_was(folder):
    clock = FakeClock()
    feed = a_feed(folder, clock)
    steps(feed, clock, seconds=2)
    clock.pass_s(-3600)
    assert [line.split(": ")[1] for line in steps(feed, clock, seconds=9)] == ["4 B 5/6", "end B", "10 A 3/9", "end A"]


def test_it_runs_to_its_end(folder):
    feed, notebook = a_feed(folder, FakeClock(), "speed=max"), Notebook()
    asyncio.run(feed.run(notebook))
    assert (len(notebook.quotes), feed.is_over) == (4, True)


YEAR = 365 * NS_PER_DAY


def quotes_file(path: Path, *offsets: float, since: int = NINE) -> Path:
    """Quotes at these seconds after `since`, bids counting up from 1."""
    rows = [f"{since + round(offset * S)},{bid},99" for bid, offset in enumerate(offsets, start=1)]
    return write_csv(path, "timestamp,bid,ask", *rows)


def bids(told: list[str]) -> list[str]:
    """`1: 0 A 1/99` → `1 A1`: the second at which it was told, symbol and bid."""
    return [re.sub(r"(.*): .* (\w+) (.*)/.*", r"\1 \2\3", line) for line in told if "end" not in line]


def test_recordings_far_apart_begin_together_and_run_on_clocks_of_their_own(tmp_path):
    quotes_file(tmp_path / "A.csv", 0, 2, 4, since=NINE - 10 * YEAR)
    quotes_file(tmp_path / "B.csv", 0, 1, 3)
    clock, notebook = FakeClock(), Notebook()
    feed = a_feed(tmp_path, clock, "speed=2")
    feed.step(notebook)
    feed.step(notebook)
    assert [(quote.symbol, quote.at, quote.received_at) for quote in notebook.quotes] == [
        ("A", NINE - 10 * YEAR, NOON), ("B", NINE, NOON),
    ]  # fmt: skip
    assert bids(steps(feed, clock, seconds=3)) == ["0.5 B2", "1 A2", "1.5 B3", "2 A3"]
    assert feed.is_over


def test_the_note_says_what_is_told_side_by_side(tmp_path):
    for index in range(3):
        quotes_file(tmp_path / f"X{index}.csv", 0, since=NINE - index * YEAR)
    (note,) = a_feed(tmp_path, FakeClock()).notes
    assert note == (
        "recorded far apart, told side by side (align=0: one after the other): "
        "X2 from 2022-03-05T09:00:00Z; X1 from 2023-03-05T09:00:00Z; X0 from 2024-03-04T09:00:00Z"
    )


@pytest.mark.parametrize(("what", "a", "b", "c", "told"), [
    # what                                  A at s        B at s        C at s      told at
    ("all overlap: one clock",              (0, 10),      (4, 12),      (5, 6),     "0 A1,4 B1,5 C1,6 C2,10 A2,12 B2"),
    ("A and C overlap through B",           (0, 4),       (3, 9),       (8, 10),    "0 A1,3 B1,4 A2,8 C1,9 B2,10 C2"),
    ("they touch",                          (0, 4),       (4, 5),       (5, 6),     "0 A1,4 A2,4 B1,5 B2,5 C1,6 C2"),
    ("C lies behind both",                  (0, 4),       (2, 5),       (6, 7),     "0 A1,0 C1,1 C2,2 B1,4 A2,5 B2"),
    ("none overlap",                        (0, 1),       (5, 7),       (9, 12),    "0 A1,0 B1,0 C1,1 A2,2 B2,3 C2"),
    ("B holds A and C",                     (2, 3),       (0, 9),       (7, 8),     "0 B1,2 A1,3 A2,7 C1,8 C2,9 B2"),
])  # fmt: skip
def test_what_overlaps_shares_a_clock(tmp_path, what, a, b, c, told):
    for name, offsets in (("A", a), ("B", b), ("C", c)):
        quotes_file(tmp_path / f"{name}.csv", *offsets)
    feed = a_feed(tmp_path, clock := FakeClock())
    assert sorted(bids(steps(feed, clock, seconds=13)), key=lambda one: (float(one.split()[0]), one)) == told.split(",")


def test_who_begins_four_days_into_a_long_recording_is_not_kept_waiting(tmp_path):
    daily = [day * 86_400 for day in range(1000)]
    quotes_file(tmp_path / "LONG.csv", *daily)
    quotes_file(tmp_path / "SOON.csv", 4 * 86_400)
    quotes_file(tmp_path / "LATE.csv", 4 * 86_400 + 1)
    feed, notebook = a_feed(tmp_path, FakeClock()), Notebook()
    for _ in range(3):
        feed.step(notebook)
    assert [quote.symbol for quote in notebook.quotes] == ["LONG", "LATE"]


def test_the_files_of_one_symbol_are_told_one_after_the_other(tmp_path):
    for day in range(4):
        quotes_file(tmp_path / f"A.V.tick-{day}.csv", 0, 1, since=NINE + day * NS_PER_DAY)
    quotes_file(tmp_path / "B.V.tick-3.csv", 0, 1, since=NINE + 3 * NS_PER_DAY + S)
    clock, notebook = FakeClock(), Notebook()
    feed = a_feed(tmp_path, clock, "speed=max")
    while feed.step(notebook) is not None:
        pass
    times = [(quote.at - NINE) // S for quote in notebook.quotes]
    assert times == sorted(times)
    assert [quote.symbol for quote in notebook.quotes] == [*"AAAAAAA", *"ABB"]


def test_bars_last_until_their_end(tmp_path):
    write_csv(tmp_path / "A.1h.csv", "timestamp,open,high,low,close", f"{NINE},1,4,1,2")
    quotes_file(tmp_path / "B.csv", 3600)
    quotes_file(tmp_path / "C.csv", 3601)
    feed, notebook = a_feed(tmp_path, FakeClock()), Notebook()
    for _ in range(3):
        feed.step(notebook)
    assert [quote.symbol for quote in notebook.quotes] == ["A", "C"]


def test_unaligned_all_are_told_on_one_line_of_time(tmp_path):
    quotes_file(tmp_path / "A.csv", 0, 2, since=NINE - 10 * YEAR)
    quotes_file(tmp_path / "B.csv", 0, 1)
    feed = a_feed(tmp_path, clock := FakeClock(), "align=0")
    assert bids(steps(feed, clock, seconds=6)) == ["0 A1", "2 A2", "3 B1", "4 B2"]


def test_each_reel_loops_by_itself(tmp_path):
    quotes_file(tmp_path / "A.csv", 0, 3, since=NINE - 10 * YEAR)
    quotes_file(tmp_path / "B.csv", 0, 1)
    feed = a_feed(tmp_path, clock := FakeClock(), "loop=1")
    told = bids(steps(feed, clock, seconds=5))
    assert [line for line in told if "A" in line] == ["0 A1", "3 A2", "4 A1"]
    assert [line for line in told if "B" in line] == ["0 B1", "1 B2", "2 B1", "3 B2", "4 B1", "5 B2"]


def test_each_reel_is_shifted_to_now(tmp_path):
    quotes_file(tmp_path / "A.csv", 0, 1, since=NINE - 10 * YEAR)
    quotes_file(tmp_path / "B.csv", 0, 1)
    clock, notebook = FakeClock(), Notebook()
    feed = a_feed(tmp_path, clock, "shift=now")
    for _ in range(6):
        feed.step(notebook)
        clock.pass_s(0.5)
    assert {(quote.symbol, quote.at) for quote in notebook.quotes} == {
        ("A", NOON), ("B", NOON), ("A", NOON + S), ("B", NOON + S),
    }  # fmt: skip


def test_reels_told_as_fast_as_possible_take_turns(tmp_path):
    quotes_file(tmp_path / "A.csv", *(index / 1000 for index in range(20_000)), since=NINE - 10 * YEAR)
    quotes_file(tmp_path / "B.csv", *(index / 1000 for index in range(20_000)))
    feed, notebook, turns = a_feed(tmp_path, FakeClock(), "speed=max"), Notebook(), list[str]()
    while feed.step(notebook) is not None:
        turns += dict.fromkeys(quote.symbol for quote in notebook.quotes)
        notebook.quotes.clear()
    assert turns[:8] in (list("ABABABAB"), list("BABABABA"))


def test_a_book_from_before_the_first_quote_is_told_with_it(tmp_path):
    rows = [f"{NINE + at * S},snapshot,1,{side},5" for at in (-8, 5) for side in (f"bid,{1 + at % 3}", "ask,9")]
    write_csv(tmp_path / "A.V.l2.csv", "timestamp,event,last_update_id,side,price,size", *rows)
    quotes_file(tmp_path / "A.V.tick.csv", 0, 2)
    told = steps(a_feed(tmp_path, clock := FakeClock()), clock, seconds=6)
    assert [line.split(" ")[0] for line in told if "end" not in line] == ["0:", "0:", "2:", "5:"]


def test_bars_of_a_replay_join_the_bars_of_files(tmp_path):
    write_csv(
        tmp_path / "A.1h.csv",
        "timestamp,open,high,low,close,volume",
        *(f"{NINE + hour * 60 * MIN},5,9,2,5,7" for hour in (-2, -1, 0)),
    )
    write_csv(tmp_path / "A.csv", "timestamp,bid,ask", f"{NINE + MIN},3,9", f"{NINE + 5 * MIN},4,9")
    clock = FakeClock()
    feed = a_feed(tmp_path, clock, "speed=max")
    board = MarketBoard(feed.instruments, feed.history, clock, None)
    while feed.step(board) is not None:
        pass
    hours = at_once(board.book.read(BarWindow("A", Timeframe.H1)))
    assert [((bar.at - NINE) // MIN, f"{bar.open} {bar.close} {bar.volume}") for bar in hours] == [
        (-120, "5 5 7"),
        (-60, "5 5 7"),
        (0, "3 4 0"),
    ]
    assert [(bar.at - NINE) // MIN for bar in at_once(board.book.read(BarWindow("A", Timeframe.M1)))] == [1, 5]


@pytest.mark.parametrize(("text", "options"), [
    ("a.parquet",                       ReplayOptions((Path("a.parquet"),))),
    ("a.parquet,b/c?speed=4",           ReplayOptions((Path("a.parquet"), Path("b/c")), speed=4.0)),
    ("a?speed=max&loop=1&shift=now",    ReplayOptions((Path("a"),), speed=None, loop=True, shift=True)),
    ("a?loop=0&align=1",                ReplayOptions((Path("a"),))),
    ("a?align=0",                       ReplayOptions((Path("a"),), align=False)),
])  # fmt: skip
def test_options_are_read(text, options):
    assert parse_replay(text) == options


@pytest.mark.parametrize(("text", "sentence"), [
    ("",             "names no file or folder"),
    ("?speed=1",     "names no file or folder"),
    ("a?sped=1",     "replay option 'sped' is unknown: expected PATH"),
    ("a?speed=0",    "replay speed was '0': expected a positive number"),
    ("a?speed=-1",   "replay speed was '-1'"),
    ("a?speed=nan",  "replay speed was 'nan'"),
    ("a?speed=inf",  "replay speed was 'inf'"),
    ("a?speed=",     "replay speed was ''"),
    ("a?loop=yes",   "replay option loop was 'yes': expected 1 or 0"),
    ("a?align=no",   "replay option align was 'no': expected 1 or 0"),
    ("a?shift=1",    "replay option shift was '1': expected now or no"),
])  # fmt: skip
def test_bad_options_stop_the_start(text, sentence):
    with pytest.raises(FeedError, match=re.escape(sentence)):
        parse_replay(text)
