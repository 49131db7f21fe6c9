"""Alerts at work for tests: a real store in a file, a clock of one's own, news as they are told."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from threading import Semaphore
from typing import Any

from tests.app.market_fakes import NOON, FakeClock, a_quote
from tradehall.adapters.sqlite.alerts import SqliteAlerts
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.alerts import AlertNews, Alerts
from tradehall.app.records.alerts import AlertFields
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.time import NS_PER_SECOND
from tradehall.ports.alerts import Alert, AlertBatch
from tradehall.ports.records import RecordsFault
from tradehall.watch.alert import QuoteSide
from tradehall.watch.conditions import Condition

MIRA, OTTO = 700_001, 700_002


class BrittleStore(SqliteAlerts):
    """A store whose disk is full when it is told so."""

    is_full = False

    def __init__(self, records: SqliteRecords) -> None:
        super().__init__(records)
        self.writes = Semaphore(0)

    def write(self, batch: AlertBatch):
        if self.is_full:
            raise RecordsFault("the disk is full")
        numbers = super().write(batch)
        self.writes.release()
        return numbers


class House:
    def __init__(self, path: Path, clock: FakeClock, flush_every_s: float) -> None:
        self.records = SqliteRecords(path / "records.db")
        self.store = BrittleStore(self.records)
        self.clock = clock
        self.alerts = Alerts(self.store, clock, demo_instruments(), flush_every_s=flush_every_s)
        self.news: list[AlertNews] = []
        self.alerts.listen(self.news.append)

    async def quote(self, bid: str, *, second: float = 0, symbol: str = "AAPL") -> list[AlertNews]:
        """Let a quote come, and wait until what it did is written and told."""
        self.clock.instant = NOON + round(second * NS_PER_SECOND)
        told = len(self.news)
        self.alerts.on_quote(a_quote(bid, symbol=symbol, at=self.clock.instant))
        await self.settled()
        return self.news[told:]

    async def settled(self) -> None:
        """Until all that happened is written; RecordsFault if it cannot be."""
        await self.alerts.flush()

    async def written(self) -> None:
        """Until one more write was made, by nobody's asking."""
        assert await asyncio.to_thread(self.store.writes.acquire, timeout=20), "nothing was written"

    def die(self) -> None:
        """As kill -9 would have it: nothing more is written."""
        self.store.is_full = True


@asynccontextmanager
async def a_house(path: Path, clock: FakeClock | None = None, *, flush_every_s: float = 0.01):
    house = House(path, clock or FakeClock(), flush_every_s)
    await house.alerts.start()
    try:
        yield house
    finally:
        await asyncio.wait_for(house.alerts.stop(), 20)
        house.records.close()


def wish(
    condition: Condition = Condition.CROSSING_UP, target: str = "150", *, repeats: bool = False, **more
) -> AlertFields:
    """What an owner may want, with a default for everything."""
    fields: dict[str, Any] = {
        "symbol": "AAPL",
        "side": QuoteSide.BID,
        "condition": condition,
        "repeats": repeats,
        "target": Decimal(target),
    }
    return AlertFields(**(fields | more))


async def an_alert(house: House, fields: AlertFields | None = None, *, login: int = MIRA) -> Alert:
    alert = await house.alerts.create(login, fields or wish(), actor="tester")
    assert isinstance(alert, Alert), alert
    return alert
