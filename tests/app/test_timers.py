"""The alarm of a shard's next deadline."""

import asyncio

from tests.app.shard import OwnClock, run, until
from tradehall.app.timers import Alarm
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND


def test_it_rings_at_the_deadline_and_once():
    async def told():
        clock, rung = OwnClock(), []
        alarm = Alarm(asyncio.get_running_loop(), clock, lambda: rung.append(clock.at))
        due = clock.at + 5 * NS_PER_MS
        alarm.set(due)
        clock.at = due
        await until(lambda: rung)
        await asyncio.sleep(0.02)
        assert rung == [due]

    run(told())


def test_it_does_not_ring_before_the_clock_says_so():
    async def told():
        clock, rung = OwnClock(), []
        alarm = Alarm(asyncio.get_running_loop(), clock, lambda: rung.append(clock.at))
        alarm.set(clock.at + NS_PER_MS)  # The clock stands still, or was set back.
        await asyncio.sleep(0.02)
        assert rung == []
        clock.at += NS_PER_MS
        await until(lambda: rung)

    run(told())


def test_a_new_deadline_takes_the_place_of_the_old():
    async def told():
        clock, rung = OwnClock(), []
        alarm = Alarm(asyncio.get_running_loop(), clock, lambda: rung.append(clock.at))
        alarm.set(clock.at)
        alarm.set(clock.at + 3600 * NS_PER_SECOND)
        await asyncio.sleep(0.02)
        assert rung == []
        alarm.set(clock.at)
        await until(lambda: rung)
        alarm.set(clock.at)
        alarm.set(None)
        await asyncio.sleep(0.02)
        assert len(rung) == 1

    run(told())
