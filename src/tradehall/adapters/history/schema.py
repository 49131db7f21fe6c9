"""What a file holds, told by the names of its columns."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """Kinds of recordings."""

    QUOTES = "quotes"
    PRINTS = "prints"
    BARS = "bars"
    QUOTE_BARS = "quote_bars"
    LEVEL2 = "level2"
    DEPTH = "depth"


TIME: Final = "timestamp"
BAR_PRICES: Final = ("open", "high", "low", "close")
ADJUSTED: Final = "adj_close"
QUOTE_BAR_PRICES: Final = tuple(f"{side}_{price}" for side in ("bid", "ask") for price in BAR_PRICES)
DEPTH_LEVELS_MAX: Final = 20

# What a kind must have besides the time, most telling kind first: quote bars also have no plain bid.
NEEDED: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.DEPTH: ("bid0", "bid0_size", "ask0", "ask0_size"),
    Kind.LEVEL2: ("event", "side", "price", "size"),
    Kind.QUOTE_BARS: QUOTE_BAR_PRICES,
    Kind.QUOTES: ("bid", "ask"),
    Kind.BARS: BAR_PRICES,
    Kind.PRINTS: ("price", "size"),
}
assert NEEDED.keys() == set(Kind)

_LEVELS: Final = tuple(
    f"{side}{level}{part}" for level in range(DEPTH_LEVELS_MAX) for side in ("bid", "ask") for part in ("", "_size")
)
MAY_HAVE: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.DEPTH: _LEVELS,
    Kind.LEVEL2: ("last_update_id",),
    Kind.QUOTE_BARS: (),
    Kind.QUOTES: ("bid_size", "ask_size"),
    Kind.BARS: ("volume", ADJUSTED),
    Kind.PRINTS: ("side",),
}
TEXT_COLUMNS: Final = frozenset({"event", "side"})
PRICE_COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    **NEEDED,
    Kind.LEVEL2: ("price",),
    Kind.PRINTS: ("price",),
    Kind.DEPTH: ("bid0", "ask0"),
}

# Spellings by the name they mean, as they stand in files of the usual vendors; the name itself comes first.
SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    TIME: (
        "time", "datetime", "date", "ts", "open_time", "opentime", "ts_event", "date_time", "gmt_time",
        "local_time", "time_utc", "unix", "unix_timestamp", "start", "t", "date_utc", "datetime_utc",
        "exchange_time", "transact_time",
    ),
    "open": ("o", "open_price", "first"),
    "high": ("h", "high_price", "max"),
    "low": ("l", "low_price", "min"),
    "close": ("c", "close_price"),
    ADJUSTED: ("adjclose", "adjusted_close", "close_adj", "adjusted"),
    "volume": ("v", "vol", "tick_volume", "base_volume", "volume_base"),
    "bid": ("bid_price", "bidprice", "best_bid", "best_bid_price", "b", "bid_px"),
    "ask": ("ask_price", "askprice", "best_ask", "best_ask_price", "a", "ask_px", "offer"),
    "bid_size": ("bid_qty", "bidsize", "bid_quantity", "bid_volume", "bidvolume", "best_bid_qty", "bid_amount"),
    "ask_size": ("ask_qty", "asksize", "ask_quantity", "ask_volume", "askvolume", "best_ask_qty", "ask_amount"),
    "price": ("p", "px", "trade_price", "last", "last_price"),
    "size": ("qty", "quantity", "amount", "q", "sz", "trade_size", "volume", "vol"),
    "side": ("taker_side", "aggressor", "aggressor_side", "taker", "is_buyer_maker"),
    "event": ("type", "action", "update_type"),
}  # fmt: skip


def detect(columns: list[str]) -> tuple[Kind, dict[str, str]] | None:
    """Kind of a file, and our name → its own spelling for each column we read; None if it is no kind of ours."""
    by_name = {_plain(column): column for column in reversed(columns)}
    time = by_name["date"] if time_of_day(columns) else _find(TIME, by_name)
    if time is None:
        return None
    for kind, needed in NEEDED.items():
        found = {name: _find(name, by_name) for name in (*needed, *MAY_HAVE[kind])}
        if all(found[name] is not None for name in needed):
            return kind, {TIME: time, **{name: column for name, column in found.items() if column is not None}}
    return None


def time_of_day(columns: Iterable[str]) -> str | None:
    """Spelling of the column with the time of day, where `date` and `time` are two columns."""
    by_name = {_plain(column): column for column in columns}
    return by_name.get("time") if "date" in by_name and TIME not in by_name else None


def expectation() -> str:
    """What a readable file has, in one clause."""
    kinds = "; ".join(f"{kind}: {', '.join(needed)}" for kind, needed in NEEDED.items() if kind is not Kind.DEPTH)
    return f"expected a time column and those of one kind ({kinds}; depth: bid0, bid0_size, ask0, …)"


def is_buy(side: str | None) -> bool | None:
    """Whether the taker bought; None where the file does not say."""
    return _TAKER_BOUGHT.get(side.strip().lower()) if side else None


# The last two are of `is_buyer_maker`: where the maker bought, the taker sold.
_TAKER_BOUGHT: Final[Mapping[str, bool]] = {
    "buy": True, "b": True, "bid": True, "sell": False, "s": False, "ask": False, "false": True, "true": False,
}  # fmt: skip


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", column.strip().lower().lstrip("\ufeff")).strip("_")


def _find(name: str, by_name: Mapping[str, str]) -> str | None:
    return next((by_name[one] for one in (name, *SPELLINGS.get(name, ())) if one in by_name), None)
