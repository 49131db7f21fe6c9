"""Watch lists: the symbols that somebody wants to see, in their order."""

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec

from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument
from tradehall.ports.clock import Clock
from tradehall.ports.records import AuditLine, RecordChange, RecordStore

KIND: Final = "watchlist"
SYMBOLS_MAX: Final = 200
# What a login watches that never chose.
DEFAULT: Final = ("EURUSD", "GBPUSD", "USDJPY", "BTCUSD", "ETHUSD", "AAPL")


class WatchlistFull(Exception):
    """A list has all the symbols it may have."""


class Watchlists:
    """The lists of everybody. RecordsFault when the store fails. Belongs to the loop."""

    def __init__(self, store: RecordStore, clock: Clock, instruments: Mapping[str, Instrument]) -> None:
        self._store = store
        self._clock = clock
        self._instruments = instruments
        self._writing = asyncio.Lock()

    async def read(self, login: AccountId) -> list[str]:
        """The symbols of a login that are listed, in their order."""
        body = await asyncio.to_thread(self._store.get, KIND, str(login))
        symbols = DEFAULT if body is None else _decode(body)
        return [symbol for symbol in symbols if symbol in self._instruments]

    async def add(self, login: AccountId, symbol: str, *, actor: str) -> None:
        """Put a symbol at the end; one that is there stays where it is. WatchlistFull."""
        async with self._writing:
            symbols = await self.read(login)
            if symbol in symbols:
                return
            if len(symbols) >= SYMBOLS_MAX:
                raise WatchlistFull
            await self._write(login, [*symbols, symbol], "add", actor)

    async def remove(self, login: AccountId, symbol: str, *, actor: str) -> None:
        """Take a symbol out; one that is not there stays away."""
        async with self._writing:
            symbols = await self.read(login)
            if symbol in symbols:
                await self._write(login, [each for each in symbols if each != symbol], "remove", actor)

    async def _write(self, login: AccountId, symbols: list[str], action: str, actor: str) -> None:
        line = AuditLine(self._clock.now(), actor, action, KIND, str(login))
        change = RecordChange(KIND, str(login), msgspec.json.encode(symbols))
        await asyncio.to_thread(self._store.write, [change], line)


_decode: Final = msgspec.json.Decoder(list[str]).decode
