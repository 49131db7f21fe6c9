"""What the name of a file says: its symbol, its venue, the span of its bars."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND, NS_PER_WEEK

SUFFIXES: Final = (".parquet", ".csv", ".csv.gz")
UNKNOWN_VENUE: Final = "FILE"

_SPANS: Final = {
    "ms": NS_PER_MS,
    "s": NS_PER_SECOND,
    "m": NS_PER_MINUTE,
    "h": NS_PER_HOUR,
    "d": NS_PER_DAY,
    "w": NS_PER_WEEK,
}
_SPAN: Final = re.compile(r"(\d+)(ms|s|m|min|h|d|w)(?![a-z0-9])", re.IGNORECASE)
_RESOLUTION: Final = re.compile(r"(tick|l2|top\d+.*|\d+(ms|s|m|min|h|d|w)\b.*)", re.IGNORECASE)
# Not separators of words but parts of symbols: BTCUSDT-PERP, BRK-B.
_SYMBOL_MAX: Final = 64


class FileName(Struct, frozen=True):
    """`symbol` in capitals; `venue`; `span_ns` of a bar where the name tells it."""

    symbol: str
    venue: str
    span_ns: int | None


def read_name(path: Path) -> FileName:
    """`BTCUSDT.BINANCE.1m.parquet` → BTCUSDT, BINANCE, a minute; `eurusd_h1.csv` → EURUSD."""
    words = stem(path).split(".")
    if len(words) == 1:
        words = re.split(r"[_ ]+", words[0])
    words = [word for word in words if word]
    symbol = (words[0] if words else "").upper()[:_SYMBOL_MAX]
    others = words[1:]
    venue = next((word.upper() for word in others[:1] if not _RESOLUTION.fullmatch(word)), UNKNOWN_VENUE)
    spans = [span for word in others if (span := span_of(word)) is not None]
    return FileName(symbol, venue, spans[0] if spans else None)


def stem(path: Path) -> str:
    """Name without the suffixes of its format."""
    name = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def span_of(word: str) -> int | None:
    """`1m`, `15min`, `1m-2020` → ns; None for words that begin with no span."""
    match = _SPAN.match(word)
    if match is None or match[1].strip("0") == "":
        return None
    unit = match[2].lower()
    return int(match[1]) * _SPANS["m" if unit == "min" else unit]


def span_text(span_ns: int) -> str:
    """`1m` for a minute: the largest unit that divides the span."""
    unit, length = next((unit, length) for unit, length in reversed(_SPANS.items()) if span_ns % length == 0)
    return f"{span_ns // length}{unit}"
