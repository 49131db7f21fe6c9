"""Waiting for work, but not for ever."""

import asyncio


async def rest(wake: asyncio.Event, *, within_s: float) -> None:
    """Until somebody wakes, or the time is over; the next rest is a new one."""
    try:
        async with asyncio.timeout(within_s):
            await wake.wait()
    except TimeoutError:
        pass
    wake.clear()
