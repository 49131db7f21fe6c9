"""A seeded world in which the journal dies: at any append, known or unknown; clocks jump, reports come twice.

One seed makes everything: wishes, quotes, clock, faults, and when batches are committed. A failure prints it.
"""

import asyncio
import logging
from collections import Counter
from decimal import Decimal
from random import Random

import pytest

from tests.app.faults import FaultyStore
from tests.app.shard import ACCOUNT, START, OwnClock, a_desk, a_quote, an_order, open_house, run, until
from tradehall.adapters.memory import MemoryStore
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.projections import VIEWS_VERSION
from tradehall.app.recovery import recover
from tradehall.app.verification import replay, verify
from tradehall.domain.fill import VenueFilled
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.commands import AnyCommand, CancelAllOrders, CancelOrder, PlaceOrder, ReportExecution
from tradehall.engine.events import OrderAccepted, OrderRejected
from tradehall.engine.record import decode_record

SEEDS = 400
STEPS = 60
NAMES = 25


class FilesInMemory:
    """A MemoryStore as `verify` wants to see it."""

    def __init__(self, store):
        self.head = store.journal.head
        self.entries = store.journal.entries
        self.rows = store.view_store.rows
        self.views_version = VIEWS_VERSION
        self.views_seq = store.view_store.seq

    def structure_faults(self):
        return []


class World:
    """One seed's world. `told`: what callers heard, by client id."""

    hears = None

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.disk = MemoryStore(VIEWS_VERSION)
        self.clock = OwnClock()
        self.quotes = {"BTCUSD": a_quote()}
        self.told: dict[str, int] = {}
        self.wishes: dict[str, PlaceOrder] = {}
        self.waiting: dict[asyncio.Future, str] = {}
        self.heard: list[int] = []
        self.is_dead = False

    def capture(self, record):
        return record.seq

    def release(self, seq):
        assert seq <= self.disk.journal.head.seq, f"record {seq} was told before it was durable"
        self.heard.append(seq)

    async def start(self) -> None:
        self.is_dead = False
        self.store = FaultyStore(self.disk)
        self.desk = a_desk(self.store, clock=self.clock, quotes=self.quotes, on_unknown=self.die)
        self.desk.probe_interval_s = 0
        self.desk.listen(self)
        self.desk.attach(asyncio.get_running_loop())

    def die(self, error) -> None:
        self.is_dead = True

    async def open(self) -> "World":
        await self.start()
        house = asyncio.ensure_future(open_house(self.desk))
        while not house.done():
            await self.commit()
        return self

    async def commit(self) -> None:
        try:
            self.desk.writer.commit_next()
        except OSError:
            assert self.is_dead
        await self.breathe()
        if self.is_dead:
            await self.restart()

    async def breathe(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        for answer in [each for each in self.waiting if each.done()]:
            name = self.waiting.pop(answer)
            if not answer.cancelled() and answer.exception() is None:
                number = answer.result().order.order_id
                assert self.told.setdefault(name, number) == number, f"{name} was two orders"
            elif not answer.cancelled():
                assert isinstance(answer.exception(), ShardUnavailable)

    async def restart(self) -> None:
        """A crash: what was in memory is gone, callers hear nothing."""
        for answer in self.waiting:
            answer.cancel()
        await self.breathe()
        await self.start()

    async def step(self) -> None:
        deed = self.random.choices(
            (self.ask, self.cancel, self.report_again, self.move_market, self.jump, self.break_, self.commit),
            weights=(10, 2, 3, 4, 1, 1, 6),
        )[0]
        await until(lambda: self.desk.closed_because is None)
        await deed()

    async def ask(self) -> None:
        name = f"wish-{self.random.randrange(NAMES)}"
        if name not in self.wishes:
            quantity = self.random.choice(("0.01", "0.5", "1", "1000"))
            limit = self.random.choice((None, None, "49000", "49900", "51000"))
            self.wishes[name] = an_order(quantity, self.random.choice(("BUY", "SELL")), limit, name)
        self.waiting[asyncio.ensure_future(self.desk.submit(self.wishes[name]))] = name
        await self.breathe()

    async def cancel(self) -> None:
        orders = self.desk.state.accounts[ACCOUNT].orders
        command: AnyCommand = CancelAllOrders(ACCOUNT)
        if orders and self.random.random() < 0.8:
            command = CancelOrder(ACCOUNT, self.random.choice(list(orders)))
        await self.tell(command)

    async def report_again(self) -> None:
        """The venue repeats itself, or is late, or out of order; a part of a resting order may fill."""
        orders = [each for each in self.desk.state.orders.values() if each.terms.limit_price is not None]
        fills = [
            record.command.report
            for entry in self.disk.journal.entries()
            if isinstance((record := decode_record(entry.payload)).command, ReportExecution)
        ]
        if fills and self.random.random() < 0.6:
            report = self.random.choice(fills)
        elif orders:
            order = self.random.choice(orders)
            part = order.terms.quantity / 8
            number = self.random.randrange(4)  # Out of order, and often again.
            report = VenueFilled(order.order_id, f"part-{number}", part, order.terms.limit_price or Decimal(1))
        else:
            return
        await self.tell(ReportExecution(report))

    async def tell(self, command) -> None:
        answer = asyncio.ensure_future(self.desk.submit(command))
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        await self.breathe()

    async def move_market(self) -> None:
        bid = self.random.randrange(48_500, 51_500)
        self.quotes["BTCUSD"] = a_quote(bid=str(bid), ask=str(bid + 10), at=self.clock.at)
        self.desk.on_quote(self.quotes["BTCUSD"])

    async def jump(self) -> None:
        self.clock.at = START + self.random.randrange(-3600, 3600) * NS_PER_SECOND
        self.desk.on_time()

    async def break_(self) -> None:
        journal = self.store.journal
        fault = self.random.randrange(6)
        if fault == 0:
            journal.refuse = self.random.randrange(1, 4)
        elif fault == 1:
            journal.unknown_before = True
        elif fault == 2:
            journal.unknown_after = True
        elif fault == 3:
            journal.refuse_rows = self.random.randrange(1, 3)
        elif fault == 4:
            journal.unknown_rows = True
        else:
            await self.restart()

    async def finish(self) -> None:
        await until(lambda: self.desk.closed_because is None)
        while self.waiting or self.desk.writer.in_flight:
            await self.commit()
            await until(lambda: self.desk.closed_because is None)
        while self.disk.view_store.seq < self.disk.journal.head.seq:
            await self.commit()
            await until(lambda: self.desk.closed_because is None)
        await self.commit()

    def check(self) -> None:
        assert self.disk.view_store.seq == self.disk.journal.head.seq
        result = verify(FilesInMemory(self.disk), MemoryStore().view_store)
        assert result.findings == []
        assert list(replay(FilesInMemory(self.disk))) == []
        state = recover(self.disk.journal, None)
        assert state.snapshot() == self.desk.state.snapshot()
        names = Counter(
            event.terms.client_order_id
            for entry in self.disk.journal.entries()
            for event in decode_record(entry.payload).events
            if isinstance(event, OrderAccepted | OrderRejected) and event.terms.client_order_id
        )
        assert set(names.values()) <= {1}, f"made twice: {names.most_common(1)}"
        for name, number in self.told.items():
            order = state.order(number) or self.disk.views.order(number)
            assert order is not None and order.terms.client_order_id == name, f"{name} was told {number}"
        assert self.heard == sorted(set(self.heard)), "a record was told twice, or out of order"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, 50))
def test_no_death_of_the_journal_loses_or_doubles_an_order(first, caplog):
    caplog.set_level(logging.CRITICAL)

    async def live(seed):
        world = await World(seed).open()
        for _ in range(STEPS):
            await world.step()
        await world.finish()
        world.check()
        return world

    for seed in range(first, first + 50):
        try:
            run(live(seed))
        except BaseException:
            print(f"seed={seed}")
            raise
