"""A desk whose batches the test commits."""

import asyncio

from tests.app.faults import FaultyStore
from tests.app.shard import OwnClock, a_desk, a_quote, open_house, run, until
from tradehall.adapters.memory import MemoryStore


class Room:
    """A started desk whose batches the test commits: nothing is durable before `commit`."""

    def __init__(self, store=None, **options):
        self.store = store or FaultyStore(MemoryStore())
        self.clock = OwnClock()
        self.quotes = {"BTCUSD": a_quote()}
        self.desk = a_desk(self.store, clock=self.clock, quotes=self.quotes, **options)
        self.desk.probe_interval_s = 0.001

    async def open(self):
        self.desk.attach(asyncio.get_running_loop())
        house = asyncio.ensure_future(open_house(self.desk))
        while not house.done():
            await self.commit()
        return self

    async def commit(self):
        self.desk.writer.commit_next()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def submit(self, command):
        task = self.begin(command)
        await asyncio.sleep(0)
        await self.commit()
        return await task

    def begin(self, command):
        return asyncio.ensure_future(self.desk.submit(command))

    async def is_open_again(self):
        await until(lambda: self.desk.closed_because is None)


def story(test):
    """A test that runs in a loop and gets an open Room."""

    def told():
        async def in_loop():
            await test(await Room().open())

        run(in_loop())

    told.__name__ = test.__name__
    told.__doc__ = test.__doc__
    return told
