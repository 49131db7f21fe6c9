"""Time travel: the shard as it was at an instant, folded from the journal."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from tradehall.app.desk import Desk
from tradehall.app.recovery import collector_paused, unhurried
from tradehall.app.snapshots import Snapshots
from tradehall.domain.market import Bar, Quote, Timeframe
from tradehall.domain.time import NS_PER_MINUTE
from tradehall.engine.record import RecordFacts
from tradehall.engine.replay import fold
from tradehall.engine.state import State
from tradehall.ports.clock import Clock
from tradehall.ports.history import BarWindow
from tradehall.ports.journal import EMPTY, Entries, checked

# One fold at a time takes a second of a core at most; who comes when so many wait is sent away.
WAITING_MAX: Final = 16
# Moments are as large as the shard: they are kept for who looks around in one, and for no longer.
MOMENTS_KEPT: Final = 2
KEPT_S: Final = 60.0


class TooManyTravellers(Exception):
    """So many moments are being worked out that another would wait too long: ask again soon."""


class FutureInstant(ValueError):
    """Nobody knows yet how things will stand then."""


class PastPrices(Protocol):
    """Where the minutes of the past are read; MarketBoard is one."""

    async def bars(self, window: BarWindow) -> list[Bar]:
        """Bars of `window`, oldest first."""
        ...


class Moment(Struct, frozen=True):
    """The shard after the last record made at or before `at` [ns UTC]. Read it; never change it.

    `quotes`: by symbol, what was known of prices: the last quote that a decision read or the close of the last whole
    minute, whichever is newer. A quote that no decision read is therefore known to the minute.
    """

    at: int
    seq: int
    state: State
    quotes: Mapping[str, Quote]


def present(desk: Desk) -> Moment:
    """The shard as it stands, for those who show the past and the present alike; it goes on changing."""
    return Moment(desk.clock.now(), desk.state.seq, desk.state, desk.quotes)


class Past:
    """Moments of a house whose journal is `journal`. Belongs to the thread of the running loop.

    The archive of snapshots decides how long it takes: one is at most some ten thousand records away.
    """

    def __init__(
        self, journal: Entries, snapshots: Snapshots, prices: PastPrices, clock: Clock, *, kept_s: float = KEPT_S
    ) -> None:
        self._journal = journal
        self._kept_s = kept_s
        self._snapshots = snapshots
        self._prices = prices
        self._clock = clock
        self._folding = asyncio.Lock()
        self._waiting = 0
        self._kept: dict[int, tuple[State, dict[str, Quote]]] = {}
        self._forgetting: asyncio.TimerHandle | None = None

    async def at(self, instant: int) -> Moment:
        """The moment of `instant` [ns UTC]. FutureInstant, TooManyTravellers."""
        if instant > self._clock.now():
            raise FutureInstant("as_of lies in the future")
        async with self.turn():
            seq = await asyncio.to_thread(seq_at, self._journal, instant)
            state, told = await self._folded(seq)
        return Moment(instant, seq, state, await self._quotes(state, told, instant))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Among those who fold, one after the other. TooManyTravellers."""
        if self._waiting >= WAITING_MAX:
            raise TooManyTravellers(f"{self._waiting} looks into the past are being worked out")
        self._waiting += 1
        try:
            async with self._folding:
                yield
        finally:
            self._waiting -= 1

    async def _folded(self, seq: int) -> tuple[State, dict[str, Quote]]:
        found = self._kept.pop(seq, None)
        if found is None:
            found = await asyncio.to_thread(self._fold, seq)
        self._kept[seq] = found
        while len(self._kept) > MOMENTS_KEPT:
            del self._kept[next(iter(self._kept))]
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting = asyncio.get_running_loop().call_later(self._kept_s, self._kept.clear)
        return found

    def _fold(self, seq: int) -> tuple[State, dict[str, Quote]]:
        state, since = self._snapshots.newest(self._journal, until=seq) or (State(), EMPTY)
        latest: dict[str, Quote] = {}
        entries = checked(self._journal.entries(since.seq), since)
        with collector_paused():
            for entry in unhurried(islice(entries, seq - since.seq)):
                record = _decode_seen(entry.payload)
                fold(state, RecordFacts(record.seq, record.now, record.events))
                for quote in record.quotes:
                    latest[quote.symbol] = quote
        return state, latest

    async def _quotes(self, state: State, told: Mapping[str, Quote], instant: int) -> dict[str, Quote]:
        quotes = dict(told)
        for symbol in state.instruments:
            minute = await self._last_minute(symbol, instant)
            if minute is not None and (symbol not in told or told[symbol].at < minute.at):
                quotes[symbol] = minute
        return quotes

    async def _last_minute(self, symbol: str, instant: int) -> Quote | None:
        """The last whole minute's close, as a quote without a spread."""
        last_start = instant - instant % NS_PER_MINUTE - NS_PER_MINUTE
        bars = await self._prices.bars(BarWindow(symbol, Timeframe.M1, end=last_start, limit=1))
        if not bars:
            return None
        over_at = bars[-1].at + NS_PER_MINUTE
        return Quote(symbol, bars[-1].close, bars[-1].close, over_at, over_at)


def seq_at(journal: Entries, instant: int) -> int:
    """Number of the last record made at or before `instant` [ns UTC]; 0 before the first."""
    low, high = 0, journal.head.seq
    while low < high:
        middle = (low + high + 1) // 2
        entry = next(iter(journal.entries(middle - 1)))
        if _decode_instant(entry.payload).now <= instant:
            low = middle
        else:
            high = middle - 1
    return low


class _Instant(Struct, frozen=True):
    now: int


class _Seen(RecordFacts, frozen=True, gc=False):
    """A record without its command."""

    quotes: tuple[Quote, ...] = ()


_decode_instant: Final = msgspec.json.Decoder(_Instant).decode
_decode_seen: Final = msgspec.json.Decoder(_Seen).decode
