"""Which frames a stream of the gateway lets through, and under which spelling of a symbol: SUBSCRIPTIONS.

An empty list lets everything pass (candles: of one minute). With a list, quotes and candles pass only if
subscribed; trading events always do, unless `is_strict`. All other frames always pass.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Timeframe

ANY: Final = "*"
TRADING: Final = frozenset({"order", "position", "trade", "financing", "account"})

_TIMEFRAMES: Final = frozenset(timeframe.value for timeframe in Timeframe)
_TRADING_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "order_update": frozenset({"order"}),
    "orders": frozenset({"order"}),
    "position_update": frozenset({"position"}),
    "positions": frozenset({"position"}),
    "trade_update": frozenset({"trade", "financing"}),
    "trades": frozenset({"trade", "financing"}),
    "account_update": frozenset({"account"}),
}


class Subscription(Protocol):
    """One entry of the list: `instrument` may be `*`."""

    @property
    def instrument(self) -> str: ...

    @property
    def events(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class _Entry:
    instrument: str
    quotes: bool
    timeframes: frozenset[str]
    trading: frozenset[str]


class Subscriptions:
    """The compiled list. Unknown event words are a ValueError that says what was expected."""

    def __init__(self, entries: Iterable[Subscription] = (), *, is_strict: bool = False) -> None:
        self._entries = tuple(_compiled(entry.instrument, entry.events) for entry in entries)
        self._is_strict = is_strict and bool(self._entries)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked for, so that what is usual goes out."""
        return not self._entries

    def quote_names(self, instrument: Instrument) -> tuple[str, ...]:
        """Spellings under which quotes of an instrument go out; () if they do not."""
        if not self._entries:
            return (instrument.display,)
        return _distinct(self._spelling(entry, instrument) for entry in self._entries if entry.quotes)

    def candle_names(self, instrument: Instrument, timeframe: Timeframe) -> tuple[str, ...]:
        """Spellings under which candles of a timeframe go out; () if they do not."""
        if not self._entries:
            return (instrument.display,) if timeframe is Timeframe.M1 else ()
        wanted = (entry for entry in self._entries if timeframe.value in entry.timeframes)
        return _distinct(self._spelling(entry, instrument) for entry in wanted)

    def lets_pass(self, kind: str, instrument: Instrument | None) -> bool:
        """Whether a trading frame (`order`, `trade` …) goes out; None: it is about the whole account."""
        if not self._is_strict:
            return True
        wanted = (entry for entry in self._entries if kind in entry.trading)
        return any(instrument is None or self._spelling(entry, instrument) for entry in wanted)

    def _spelling(self, entry: _Entry, instrument: Instrument) -> str | None:
        if entry.instrument == ANY:
            return instrument.display
        return entry.instrument if resolve_symbol(entry.instrument, (instrument.symbol,)) else None


def _distinct(names: Iterator[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _compiled(instrument: str, words: Sequence[str]) -> _Entry:
    quotes = False
    timeframes: frozenset[str] = frozenset()
    trading: frozenset[str] = frozenset()
    for said in words:
        event = said.strip().lower()
        quotes |= event in (ANY, "quote", "quotes")
        timeframes |= _timeframes(event)
        trading |= TRADING if event == ANY else _TRADING_WORDS.get(event, frozenset())
        if event not in (ANY, "quote", "quotes") and event not in _TRADING_WORDS and not _timeframes(event):
            raise ValueError(f"event {said!r} is not known; expected quote, candle_1m, order_update, * or the like")
    return _Entry(instrument, quotes, timeframes, trading)


def _timeframes(event: str) -> frozenset[str]:
    if event in (ANY, "candle_*", "candles.*", "bars", "bar"):
        return _TIMEFRAMES
    for prefix in ("candle_", "candles."):
        if event.startswith(prefix) and event.removeprefix(prefix) in _TIMEFRAMES:
            return frozenset({event.removeprefix(prefix)})
    return frozenset()
