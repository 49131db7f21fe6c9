"""The readers on markets that were really recorded; skipped where no such folder is beside the repository.

TRADEHALL_MARKET_DATA names the folder; without it any folder next to the repository with a data/manifest.json.
"""

import json
import os
import tracemalloc
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from tests.adapters.history.recorded_files import Notebook, one_reel
from tests.app.market_fakes import FakeClock
from tradehall.adapters.feeds.replay import ReplayFeed, ReplayOptions
from tradehall.adapters.history.importing import import_files
from tradehall.adapters.history.recording import FileRecording
from tradehall.adapters.history.sources import Source, find_files
from tradehall.app.bars import BarBook
from tradehall.domain.market import Bar, Depth, Quote, Timeframe, is_sane
from tradehall.domain.money import is_multiple
from tradehall.domain.time import NS_PER_MS, from_rfc3339
from tradehall.ports.history import BarWindow, NoHistory, at_once

ROOT = Path(__file__).resolve().parents[3]
NEVER = 1 << 62
# Some of their prices lie between two ticks: dividend-adjusted, or quoted in parts of a cent.
OFF_THE_GRID = ("SPY-ADJ", "-WIKI", "1m-2020", "AIG", "SPX")


def folder() -> Path | None:
    if named := os.environ.get("TRADEHALL_MARKET_DATA"):
        return Path(named)
    return next((file.parent for file in sorted(ROOT.parent.glob("*/data/manifest.json"))), None)


DATA = folder()
pytestmark = pytest.mark.skipif(
    DATA is None,
    reason="no recorded market data: TRADEHALL_MARKET_DATA names no folder and none is beside the repository",
)


@pytest.fixture(scope="module")
def data() -> Path:
    assert DATA is not None
    return DATA


class Sink(Notebook):
    """Keeps what it is told without writing lines."""

    def _write(self, at: int, symbol: str, what: str) -> None:
        pass


def told(*paths: Path) -> Sink:
    reel, sink = one_reel(*paths), Sink()
    for row in reel.rows():
        reel.send(row, sink, received_at=0)
    return sink


def test_every_file_is_what_its_manifest_says(data):
    manifest = {entry["file"]: entry for entry in json.loads((data / "manifest.json").read_text())}
    kinds = {"trades": "prints", "depth": "level2", "depth_top10": "depth"}
    seen = set()
    for file in find_files([data]):
        entry, source = manifest[str(file.relative_to(data))], Source(file)
        rows, last = 0, 0
        for batch in source.table.batches():
            rows, last = rows + batch.num_rows, batch.column("timestamp")[-1].as_py()
        assert source.label.symbol == file.name.partition(".")[0]
        assert source.label.venue == entry["venue"]
        assert source.label.kind == kinds.get(entry["kind"], entry["kind"])
        assert rows == entry["rows"], file
        assert (source.first_at, last) == (from_rfc3339(entry["start"]), from_rfc3339(entry["end"])), file
        seen.add(str(file.relative_to(data)))
    assert seen == manifest.keys()


def test_every_quote_told_is_sane_and_on_its_tick(data):
    for file in find_files([data]):
        recording, sink = FileRecording([file]), Sink()
        (reel,) = recording.reels(align=True)
        rows = reel.rows()
        for row, _ in zip(rows, range(1_000), strict=False):
            reel.send(row, sink, received_at=0)
        assert sink.quotes, file
        assert all(is_sane(quote) for quote in sink.quotes), file
        assert all(here.at <= there.at for here, there in pairwise(sink.quotes)), file
        if not any(odd in file.name for odd in OFF_THE_GRID):
            tick = recording.instruments[sink.quotes[0].symbol].tick_size
            assert all(is_multiple(quote.bid, tick) and is_multiple(quote.ask, tick) for quote in sink.quotes), file


def test_euro_ticks_make_the_minutes_of_the_minute_file(data):
    book, minutes = BarBook(NoHistory()), list[Bar]()
    for quote in told(data / "quotes/fx/EURUSD.OANDA.tick.parquet").quotes:
        minutes += (bar for bar in book.on_quote(quote) if bar.timeframe is Timeframe.M1)
    minutes += book.bars(BarWindow("EURUSD", Timeframe.M1, limit=1))
    recorded = FileRecording([data / "quote_bars/fx/EURUSD.OANDA.1m.parquet"]).history
    window = BarWindow("EURUSD", Timeframe.M1, end=minutes[-1].at, limit=10_000)
    assert minutes == at_once(recorded.read(window, before=NEVER))
    assert len(minutes) == 9_552


def test_euro_ticks_read_as_history_are_the_minutes_of_the_minute_file(data):
    window = BarWindow("EURUSD", Timeframe.M1, end=from_rfc3339("2014-05-09T20:59:00Z"), limit=10_000)
    ticks = at_once(FileRecording([data / "quotes/fx/EURUSD.OANDA.tick.parquet"]).history.read(window, before=NEVER))
    minutes = at_once(
        FileRecording([data / "quote_bars/fx/EURUSD.OANDA.1m.parquet"]).history.read(window, before=NEVER)
    )
    assert ticks == minutes
    assert len(ticks) == 9_552


def test_played_bars_are_the_bars_they_were_played_from(data):
    file = data / "bars/crypto/BTCBUSD.BINANCE.1m.parquet"
    book, sink = BarBook(NoHistory()), Sink()
    recording = FileRecording([file])
    (reel,) = recording.reels(align=True)
    built = list[Bar]()
    for row in reel.rows():
        told_before = len(sink.prints)
        reel.send(row, sink, received_at=0)
        if sink.quotes:
            built += (bar for bar in book.on_quote(sink.quotes.pop()) if bar.timeframe is Timeframe.M1)
        for printed in sink.prints[told_before:]:
            book.on_print(printed)
    built += book.bars(BarWindow("BTCBUSD", Timeframe.M1, limit=1))
    assert built == at_once(recording.history.read(BarWindow("BTCBUSD", Timeframe.M1, limit=10_000), before=NEVER))


def test_euro_hours_make_the_days_of_the_daily_file(data):
    hours = FileRecording([data / "quote_bars/fx/EURUSD.OANDA.1h.parquet"]).history
    days = FileRecording([data / "quote_bars/fx/EURUSD.OANDA.1d.parquet"]).history
    window = BarWindow("EURUSD", Timeframe.D1, limit=10_000)
    assert at_once(hours.read(window, before=NEVER)) == at_once(days.read(window, before=NEVER))


@pytest.mark.parametrize(("symbol", "agreement"), [("BTCUSDT-PERP", 0.95), ("BTCUSDT", 0.90)])
def test_the_rebuilt_book_is_the_recorded_one_and_agrees_with_the_quotes(data, symbol, agreement):
    rebuilt = told(data / f"depth/crypto/{symbol}.BINANCE.l2.parquet")
    assert all(depth.bids[0][0] < depth.asks[0][0] for depth in rebuilt.depths)
    recorded = told(data / f"depth/crypto/{symbol}.BINANCE.top10_250ms.parquet").depths
    assert all(top == (book.bids[:10], book.asks[:10]) for top, book in _latest(recorded, rebuilt.depths))
    quotes = told(data / f"quotes/crypto/{symbol}.BINANCE.tick.parquet").quotes
    same = [quote.bid == book.bids[0][0] for book, quote in _sampled(rebuilt.depths, quotes)]
    assert len(same) > 1_000
    assert sum(same) / len(same) > agreement


def _latest(recorded: list[Depth], rebuilt: list[Depth]):
    """Each recorded top with the book rebuilt until before it: a top is that of the 250 ms it ends."""
    position = 0
    for top in recorded:
        while position + 1 < len(rebuilt) and rebuilt[position + 1].at < top.at:
            position += 1
        yield (top.bids, top.asks), rebuilt[position]


def _sampled(depths: list[Depth], quotes: list[Quote]):
    """Book and quote as they stood every 250 ms."""
    book = quote = 0
    at = max(depths[0].at, quotes[0].at)
    while at < min(depths[-1].at, quotes[-1].at):
        while book + 1 < len(depths) and depths[book + 1].at <= at:
            book += 1
        while quote + 1 < len(quotes) and quotes[quote + 1].at <= at:
            quote += 1
        yield depths[book], quotes[quote]
        at += 250 * NS_PER_MS


def begun(*paths: Path, steps: int) -> Sink:
    """What a replay tells in its first steps."""
    feed = ReplayFeed(FileRecording(paths), ReplayOptions(paths), FakeClock())
    sink = Sink()
    for _ in range(steps):
        feed.step(sink)
    return sink


def test_euro_and_bitcoin_ten_years_apart_are_quoted_at_once(data):
    files = ("quotes/fx/EURUSD.OANDA.tick.parquet", "quotes/crypto/BTCUSDT.BINANCE.tick.parquet")
    quotes = begun(*(data / file for file in files), steps=2).quotes
    assert {(quote.symbol, quote.at) for quote in quotes} == {
        ("EURUSD", from_rfc3339("2014-05-01T00:00:00.292Z")),
        ("BTCUSDT", from_rfc3339("2024-08-08T23:54:15.359654Z")),
    }


def test_of_the_whole_folder_many_symbols_are_quoted_at_once(data):
    quoted = {quote.symbol for quote in begun(data, steps=25).quotes}
    assert {"EURUSD", "GBPUSD", "XAUUSD", "BTCUSDT", "BTCUSD", "BTCUSD-PERP", "AAPL", "MSFT", "GOOG", "SPX"} < quoted
    assert len(quoted) > 20


def test_memory_is_flat_over_half_a_million_changes_of_a_book(data):
    reel = one_reel(data / "depth/crypto/BTCUSDT-PERP.BINANCE.l2.parquet")

    class Deaf(Sink):
        def on_quote(self, quote: Quote) -> None:
            pass

        def on_depth(self, depth: Depth) -> None:
            pass

    sink, peaks = Deaf(), list[int]()
    arrow_before = pa.total_allocated_bytes()
    tracemalloc.start()
    for number, row in enumerate(reel.rows()):
        reel.send(row, sink, received_at=0)
        if number % 500 == 0:
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.reset_peak()
            assert pa.total_allocated_bytes() - arrow_before < 16 << 20
    tracemalloc.stop()
    assert len(peaks) > 10
    # Two batches, the book, and the decimals that are kept because prices repeat.
    assert max(peaks) < 8 << 20


def test_the_whole_folder_is_imported_without_a_complaint(data, tmp_path):
    report = import_files([data], tmp_path / "history")
    assert [(one.file, one.reason) for one in report.files if one.reason] == []
    entries = json.loads((data / "manifest.json").read_text())
    assert sum(one.rows for one in report.files) == sum(entry["rows"] for entry in entries)
    direct, stored = FileRecording([data]), FileRecording([tmp_path / "history"])
    assert stored.instruments == direct.instruments
    window = BarWindow("AAPL", Timeframe.W1, limit=10_000)
    assert at_once(stored.history.read(window, before=NEVER)) == at_once(direct.history.read(window, before=NEVER))
    assert stored.instruments["EURUSD"].tick_size == Decimal("0.00001")
