"""Import: whole or not at all, nothing twice, and complaints that name file, row and what was expected."""

import fcntl
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.adapters.history.recorded_files import NINE, Notebook, one_reel, write_csv, write_parquet
from tradehall.adapters.history import progress as progress_module
from tradehall.adapters.history.importing import FileOutcome, FileReport, import_files
from tradehall.adapters.history.progress import ProgressBar
from tradehall.adapters.history.recording import FileRecording
from tradehall.adapters.history.schema import Kind
from tradehall.domain.market import Timeframe
from tradehall.domain.time import NS_PER_MINUTE
from tradehall.ports.feed import FeedError
from tradehall.ports.history import BarWindow, at_once

MIN = NS_PER_MINUTE
BARS = "timestamp,open,high,low,close,volume"
QUOTES = "timestamp,bid,bid_size,ask,ask_size"


def in_store(store: Path) -> list[str]:
    return sorted(str(file.relative_to(store)) for file in store.rglob("*") if file.is_file() and file.name != ".lock")


def refused(file: Path, store: Path, **options) -> FileReport:
    (report,) = import_files([file], store, **options).files
    assert report.outcome is FileOutcome.REFUSED
    assert in_store(store) == []
    return report


def told(*paths: Path) -> list[str]:
    reel, notebook = one_reel(*paths), Notebook()
    for row in reel.rows():
        reel.send(row, notebook, received_at=7)
    return notebook.said


def test_an_imported_file_is_told_and_read_as_the_file_was(tmp_path):
    write_csv(
        tmp_path / "raw" / "instruments.csv",
        "symbol,venue,asset_class,quote_currency,tick_size,lot_size",
        "A,V,equity,USD,0.05,1",
    )
    minutes = write_csv(
        tmp_path / "raw" / "A.V.1m.csv.gz", BARS, *(f"{NINE + minute * MIN},1,1.5,1,1.25,4" for minute in range(5))
    )
    store = tmp_path / "data" / "history"
    (report,) = import_files([minutes], store).files
    assert (report.outcome, report.symbol, report.venue, report.recording) == (
        FileOutcome.IMPORTED,
        "A",
        "V",
        Kind.BARS,
    )
    assert (report.rows, report.first_at, report.last_at) == (5, NINE, NINE + 4 * MIN)
    assert report.stored_as is not None
    assert Path(report.stored_as).parent == store / "bars" / "A.V" / "1m"
    assert told(store) == told(minutes)
    assert FileRecording([store]).instruments == FileRecording([minutes]).instruments
    window = BarWindow("A", Timeframe.M5)
    assert at_once(FileRecording([store]).history.read(window, before=1 << 62)) == at_once(
        FileRecording([minutes]).history.read(window, before=1 << 62)
    )


def test_every_kind_is_imported(tmp_path):
    raw, store = tmp_path / "raw", tmp_path / "history"
    write_csv(raw / "A.tick.csv", QUOTES, f"{NINE},1,,2,5", f"{NINE},1,3,2,")
    write_csv(raw / "B.tick.csv", "time,price,qty,side", f"{NINE},1,2,sell")
    write_csv(
        raw / "C.1m.csv",
        "timestamp,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close",
        f"{NINE},1,2,1,2,2,3,2,3",
    )
    write_csv(
        raw / "D.l2.csv",
        "timestamp,event,last_update_id,side,price,size",
        f"{NINE},snapshot,1,bid,1,1",
        f"{NINE},snapshot,1,ask,2,1",
        f"{NINE},update,2,ask,2,0",
    )
    write_csv(raw / "E.top1.csv", "timestamp,bid0,bid0_size,ask0,ask0_size", f"{NINE},1,1,2,1")
    report = import_files([raw], store)
    assert [str(one.reason) for one in report.files if one.outcome is not FileOutcome.IMPORTED] == []
    assert report.is_done
    assert {path.split("/")[0] for path in in_store(store)} == {"quotes", "prints", "quote_bars", "level2", "depth"}
    assert sorted(told(store)) == sorted(told(raw))


@pytest.mark.parametrize(("what", "header", "rows", "complaints"), [
    ("order of time",  BARS, [f"{NINE + MIN},1,1,1,1,1", f"{NINE},1,1,1,1,1"],  {2: "2024-03-04T09:00:00Z is before 2024-03-04T09:01:00Z: expected rows in the order of time"}),
    ("a bar twice",    BARS, [f"{NINE},1,1,1,1,1"] * 2,                         {2: "2024-03-04T09:00:00Z stands there twice: expected one bar per time"}),
    ("no time",        BARS, [f"{NINE},1,1,1,1,1", "soon,1,1,1,1,1"],           {2: "no time that can be read: expected an epoch or RFC 3339"}),
    ("negative price", BARS, [f"{NINE},-1,1,-1,1,1"],                           {1: "low -1.0: expected a positive number"}),
    ("zero price",     BARS, [f"{NINE},0,1,0,1,1"],                             {1: "open 0.0: expected a positive number"}),
    ("not a number",   BARS, [f"{NINE},1,1,1,NaN,1"],                           {1: "close has nothing that can be read: expected a positive number"}),
    ("infinite",       BARS, [f"{NINE},1,1,1,inf,1"],                           {1: "close inf: expected a positive number"}),
    ("no number",      BARS, [f"{NINE},1,1,1,x,1"],                             {1: "close has nothing that can be read: expected a positive number"}),
    ("high below low", BARS, [f"{NINE},2,1,3,2,1"],                             {1: "low 3.0, high 1.0: expected low not above high"}),
    ("open outside",   BARS, [f"{NINE},9,2,1,2,1"],                             {1: "open 9.0, high 2.0: expected open not above high"}),
    ("bad volume",     BARS, [f"{NINE},1,1,1,1,-3"],                            {1: "volume -3.0: expected a number that is not negative, or nothing"}),
    ("crossed",        QUOTES, [f"{NINE},1,1,2,1", f"{NINE},3,1,2,1"],          {2: "bid 3.0, ask 2.0: expected bid below ask"}),
    ("locked",         QUOTES, [f"{NINE},2,1,2,1"],                             {1: "bid 2.0, ask 2.0: expected bid below ask"}),
    ("bad size",       QUOTES, [f"{NINE},1,-1,2,1"],                            {1: "bid_size -1.0: expected a number that is not negative, or nothing"}),
    ("empty print",    "timestamp,price,size", [f"{NINE},1,0"],                 {1: "size 0.0: expected a positive number"}),
    ("odd side",       "timestamp,event,side,price,size", [f"{NINE},update,x,1,1"], {1: "side x: expected bid or ask"}),
])  # fmt: skip
def test_a_row_that_cannot_be_true_is_named(tmp_path, what, header, rows, complaints):
    file = write_csv(tmp_path / "A.1m.csv", header, *rows)
    report = refused(file, tmp_path / "history")
    assert report.reason == f"{report.complaint_count} complaints about its {len(rows)} rows", what
    for row, text in complaints.items():
        assert f"{file} row {row}: {text}" in [str(complaint) for complaint in report.complaints]


def test_the_first_twenty_complaints_are_shown_and_all_counted(tmp_path):
    rows = [f"{NINE + index},1,2" for index in range(50_000)] + [f"{NINE + 60_000},3,2"] * 30
    report = refused(write_csv(tmp_path / "A.csv", "timestamp,bid,ask", *rows), tmp_path / "history")
    assert (len(report.complaints), report.complaint_count) == (20, 30)
    assert report.complaints[0].row == 50_001


def test_the_same_content_is_refused_under_any_name(tmp_path):
    store, row = tmp_path / "history", f"{NINE},1,2"
    import_files([write_csv(tmp_path / "A.csv", "timestamp,bid,ask", row)], store)
    before = in_store(store)
    (report,) = import_files([write_csv(tmp_path / "B.csv", "timestamp,bid,ask", row)], store).files
    assert report.reason is not None
    assert report.reason.startswith("its content was imported before, as")
    assert in_store(store) == before


def test_overlapping_time_of_one_symbol_is_refused_and_of_another_is_not(tmp_path):
    def minutes(name: str, first: int, last: int) -> Path:
        return write_csv(
            tmp_path / name, BARS, *(f"{NINE + minute * MIN},1,1,1,1,1" for minute in range(first, last + 1))
        )

    store = tmp_path / "history"
    files = [
        minutes("A.V.1m.csv", 0, 9), minutes("A.V.1m-2.csv", 9, 12), minutes("A.V.1m-3.csv", 10, 12),
        minutes("A.W.1m.csv", 0, 8), minutes("B.V.1m.csv", 0, 7), minutes("A.V.60s.csv", 12, 13),
    ]  # fmt: skip
    reports = import_files(files, store).files
    assert [report.outcome for report in reports] == [
        FileOutcome.IMPORTED, FileOutcome.REFUSED, FileOutcome.IMPORTED, FileOutcome.IMPORTED, FileOutcome.IMPORTED, FileOutcome.REFUSED,
    ]  # fmt: skip
    assert "overlaps that of" in str(reports[1].reason)


def test_a_symbol_may_be_named_and_a_kind_demanded(tmp_path):
    file = write_csv(tmp_path / "export.csv", "timestamp,bid,ask", f"{NINE},1,2")
    assert refused(file, tmp_path / "history", kind=Kind.BARS).reason == "it holds quotes: expected bars"
    (report,) = import_files([file], tmp_path / "history", symbol="eurusd", kind=Kind.QUOTES).files
    assert report.symbol == "EURUSD"


def test_a_file_that_is_no_recording_is_refused_and_the_others_are_taken(tmp_path):
    write_csv(tmp_path / "A.csv", "timestamp,bid,ask", f"{NINE},1,2")
    write_csv(tmp_path / "B.csv", "timestamp,foo", "1,2")
    first, second = import_files([tmp_path], tmp_path / "history").files
    assert (first.outcome, second.outcome) == (FileOutcome.IMPORTED, FileOutcome.REFUSED)
    assert "expected a time column" in str(second.reason)


def test_nothing_to_import_is_an_error(tmp_path):
    with pytest.raises(FeedError, match="does not exist"):
        import_files([tmp_path / "nowhere"], tmp_path / "history")


def test_two_imports_do_not_meet(tmp_path):
    store = tmp_path / "history"
    store.mkdir()
    file = write_csv(tmp_path / "A.csv", "timestamp,bid,ask", f"{NINE},1,2")
    with (store / ".lock").open("w") as lock:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
        with pytest.raises(FeedError, match="in the hands of another import"):
            import_files([file], store)
    assert import_files([file], store).is_done


KILLED = """
import os, signal, sys
from pathlib import Path
from tradehall.adapters.history.importing import import_files
def kill(file, done, total):
    os.kill(os.getpid(), signal.SIGKILL)
import_files([Path(sys.argv[1])], Path(sys.argv[2]), kill)
"""


def test_a_killed_import_leaves_nothing_and_the_next_one_cleans_up(tmp_path):
    file = write_csv(tmp_path / "A.csv", "timestamp,bid,ask", f"{NINE},1,2")
    store = tmp_path / "history"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(file), str(store)], check=False, env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL
    assert [path for path in in_store(store) if not path.startswith(".importing/")] == []
    with pytest.raises(FeedError, match="folder without"):
        FileRecording([store])
    assert import_files([file], store).is_done
    assert [path.split("/")[0] for path in in_store(store)] == ["quotes"]


def test_progress_is_told_batch_by_batch(tmp_path):
    count = 40_000
    file = write_parquet(
        tmp_path / "A.parquet",
        timestamp=[NINE + index * 1000 for index in range(count)],
        bid=[1.0] * count,
        ask=[2.0] * count,
    )
    seen: list[tuple[Path, int, int]] = []
    import_files([file], tmp_path / "history", lambda *told: seen.append(told))
    assert seen == [(file, 16_384, count), (file, 32_768, count), (file, count, count)]


def test_the_bar_shows_itself_once_the_work_takes_long(tmp_path, monkeypatch):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    with ProgressBar(console) as bar:
        bar(tmp_path / "A.csv", 1, 10)
    assert screen.getvalue() == ""
    monkeypatch.setattr(progress_module, "PATIENCE_S", -1.0)
    with ProgressBar(console) as bar:
        bar(tmp_path / "A.csv", 1, 10)
        bar(tmp_path / "B.csv", 5, 10)
    assert "B.csv" in screen.getvalue()
    assert "50%" in screen.getvalue()


def test_nanoseconds_survive(tmp_path):
    store = tmp_path / "history"
    import_files([write_csv(tmp_path / "A.csv", "timestamp,bid,ask", f"{NINE + 1},1,2")], store)
    assert [row[0] for row in one_reel(store).rows()] == [NINE + 1, NINE + 1]
