"""Asset info: what is said of an instrument beside its rules, and how it did over days and months."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeVar

from msgspec import Struct

from tradehall.app.market import MarketBoard
from tradehall.domain.instrument import AssetClass, Instrument
from tradehall.domain.market import Bar, Timeframe, bar_start
from tradehall.domain.money import HUNDRED
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, from_rfc3339, to_rfc3339
from tradehall.ports.clock import Clock
from tradehall.ports.history import BarWindow

HOURS_OF_A_DAY: Final = 24
DAYS_OF_A_YEAR: Final = 366
# Figures of a symbol are worked out this often at most; they are kept for listed symbols alone.
FRESH_FOR_NS: Final = NS_PER_MINUTE


T = TypeVar("T")


class About(Struct, frozen=True):
    """What a company or a currency is; "" and 0: nothing to say."""

    category: str = ""
    sector: str = ""
    industry: str = ""
    exchange: str = ""
    market_cap: int = 0
    shareholders: str = ""


class Day(Struct, frozen=True):
    """The last 24 hours [quote currency]: price at their start, high, low, and the close of each hour."""

    price_before: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    closes: tuple[Decimal, ...] = ()


class AssetInfo:
    """Figures from the bars of `market`, worked out when they are asked for and kept for a minute."""

    def __init__(self, market: MarketBoard, clock: Clock) -> None:
        self._market = market
        self._clock = clock
        self._reading = asyncio.Lock()
        self._days: dict[str, tuple[int, Day]] = {}
        self._performances: dict[str, tuple[int, dict[str, float | None]]] = {}

    async def day(self, symbol: str) -> Day:
        """The last 24 hours of a symbol."""
        if (kept := self._fresh(self._days, symbol)) is not None:
            return kept
        async with self._reading:  # Many ask at the same moment: one reads for all.
            if (kept := self._fresh(self._days, symbol)) is not None:
                return kept
            now = self._clock.now()
            window = BarWindow(symbol, Timeframe.H1, start=_hour_a_day_ago(now), limit=HOURS_OF_A_DAY + 1)
            day = _day_of(await self._market.bars(window))
            self._days[symbol] = (now, day)
            return day

    async def performance(self, symbol: str) -> dict[str, float | None]:
        """By how many percent the price changed over 1W, 1M, 3M, 6M, YTD and 1Y; None: not known."""
        if (kept := self._fresh(self._performances, symbol)) is not None:
            return kept
        async with self._reading:
            if (kept := self._fresh(self._performances, symbol)) is not None:
                return kept
            now = self._clock.now()
            bars = await self._market.bars(BarWindow(symbol, Timeframe.D1, limit=DAYS_OF_A_YEAR + 1))
            performance = _performance_of(bars, now)
            self._performances[symbol] = (now, performance)
            return performance

    def _fresh(self, figures: "dict[str, tuple[int, T]]", symbol: str) -> "T | None":
        kept = figures.get(symbol)
        return kept[1] if kept is not None and self._clock.now() - kept[0] <= FRESH_FOR_NS else None


def about(instrument: Instrument) -> About:
    """What is known of an instrument's subject."""
    return _KNOWN.get(instrument.symbol) or _OF_CLASS[instrument.asset_class]


def group_of(instrument: Instrument) -> str:
    """The group under which terminals show it."""
    return GROUPS[instrument.asset_class]


def _hour_a_day_ago(now: int) -> int:
    return bar_start(now - HOURS_OF_A_DAY * NS_PER_HOUR, Timeframe.H1)


def _day_of(bars: list[Bar]) -> Day:
    if not bars:
        return Day()
    return Day(
        price_before=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        closes=tuple(bar.close for bar in bars[-HOURS_OF_A_DAY:]),
    )


_SPANS: Final[Mapping[str, int]] = {"1W": 7, "1M": 30, "3M": 91, "6M": 182, "1Y": 365}


def _performance_of(bars: list[Bar], now: int) -> dict[str, float | None]:
    starts = {name: now - days * NS_PER_DAY for name, days in _SPANS.items()}
    starts["YTD"] = _new_year(now)
    return {name: _change_since(bars, starts[name]) for name in ("1W", "1M", "3M", "6M", "YTD", "1Y")}


def _change_since(bars: list[Bar], start: int) -> float | None:
    """From the day in which `start` lies to now; None where no bar reaches back so far."""
    day = bar_start(start, Timeframe.D1)
    first = next((bar for bar in bars if bar.at >= day), None)
    if first is None or first.at != day:
        return None
    return float(round((bars[-1].close - first.open) / first.open * HUNDRED, 2))


def _new_year(now: int) -> int:
    return from_rfc3339(f"{to_rfc3339(now)[:4]}-01-01T00:00:00Z")


GROUPS: Final[Mapping[AssetClass, str]] = {
    AssetClass.FOREX: "Forex",
    AssetClass.CRYPTO: "Crypto",
    AssetClass.STOCK: "Stocks",
    AssetClass.FUTURES: "Futures",
}
assert GROUPS.keys() == set(AssetClass)

_OF_CLASS: Final[Mapping[AssetClass, About]] = {
    AssetClass.FOREX: About("Currency pair"),
    AssetClass.CRYPTO: About("Coin"),
    AssetClass.STOCK: About("Share"),
    AssetClass.FUTURES: About("Future"),
}
assert _OF_CLASS.keys() == set(AssetClass)

_TECH: Final = "Technology"
_KNOWN: Final[Mapping[str, About]] = {
    "AAPL": About("Share", _TECH, "Consumer Electronics", "NASDAQ"),
    "MSFT": About("Share", _TECH, "Software - Infrastructure", "NASDAQ"),
    "GOOG": About("Share", "Communication Services", "Internet Content & Information", "NASDAQ"),
    "AMZN": About("Share", "Consumer Cyclical", "Internet Retail", "NASDAQ"),
    "TSLA": About("Share", "Consumer Cyclical", "Auto Manufacturers", "NASDAQ"),
    "NVDA": About("Share", _TECH, "Semiconductors", "NASDAQ"),
    "EURUSD": About("Currency pair", "Majors"),
    "GBPUSD": About("Currency pair", "Majors"),
    "USDJPY": About("Currency pair", "Majors"),
    "BTCUSD": About("Coin", "Digital money"),
    "ETHUSD": About("Coin", "Smart contracts"),
}
