"""Small recordings made by the tests, and a sink that writes down what it is told."""

import gzip
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tradehall.adapters.history.recording import FileRecording
from tradehall.adapters.history.reels import FileReel
from tradehall.domain.market import Depth, Print, Quote
from tradehall.domain.time import NS_PER_SECOND, from_rfc3339

NINE = from_rfc3339("2024-03-04T09:00:00Z")
S = NS_PER_SECOND


def write_csv(path: Path, header: str, *rows: str) -> Path:
    text = "\n".join([header, *rows, ""])
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def write_parquet(path: Path, unit: str = "us", row_group_size: int | None = None, **columns: list) -> Path:
    """`timestamp` in ns; other columns as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times = (
        pa.array(columns.pop("timestamp"), pa.int64()).cast(pa.timestamp("ns", "UTC")).cast(pa.timestamp(unit, "UTC"))
    )
    pq.write_table(pa.table({"timestamp": times, **columns}), path, row_group_size=row_group_size)
    return path


def one_reel(*paths: Path) -> FileReel:
    """Everything on one line of time."""
    (reel,) = FileRecording(paths).reels(align=False)
    return reel


class Notebook:
    """`said` has a line per thing told: seconds since 09:00, symbol, what."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.quotes: list[Quote] = []
        self.prints: list[Print] = []
        self.depths: list[Depth] = []

    def on_quote(self, quote: Quote) -> None:
        self.quotes.append(quote)
        sizes = "" if quote.bid_size is None else f" {quote.bid_size}/{quote.ask_size}"
        self._write(quote.at, quote.symbol, f"{quote.bid}/{quote.ask}{sizes}")

    def on_print(self, printed: Print) -> None:
        self.prints.append(printed)
        side = {True: " bought", False: " sold", None: ""}[printed.buyer_took]
        self._write(printed.at, printed.symbol, f"{printed.size}@{printed.price}{side}")

    def on_depth(self, depth: Depth) -> None:
        self.depths.append(depth)
        self._write(depth.at, depth.symbol, f"{_side(depth.bids)} | {_side(depth.asks)}")

    def on_end(self, symbols: Iterable[str]) -> None:
        self.said.append(f"end {' '.join(symbols)}")

    def _write(self, at: int, symbol: str, what: str) -> None:
        self.said.append(f"{(at - NINE) / S:g} {symbol} {what}")


def _side(levels: tuple[tuple[Decimal, Decimal], ...]) -> str:
    return " ".join(f"{size}@{price}" for price, size in levels)
