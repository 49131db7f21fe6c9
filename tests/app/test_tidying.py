"""Garbage in cycles goes by the minute, and looking for it takes no more than a small part of the time."""

import asyncio
import gc
import weakref

import pytest

from tradehall.app.recovery import collector_paused
from tradehall.app.tidying import Tidying


class Ring:
    """Holds itself."""

    def __init__(self):
        self.me = self


class Stopwatch:
    """Each reading is `step` seconds after the last."""

    def __init__(self, step):
        self.step = step
        self.read = 0

    def __call__(self):
        self.read += 1
        return self.read * self.step


def tidied(*, took_s=0.001, minutes=1):
    """How often in so many minutes somebody looked for garbage, and memory was given back."""
    given_back, watch = [], Stopwatch(took_s)
    tidying = Tidying(lambda: given_back.append(True), watch)

    async def pass_by():
        for _ in range(minutes):
            await tidying.tidy()

    asyncio.run(pass_by())
    return watch.read // 2, len(given_back)


def test_what_holds_itself_goes():
    ring = weakref.ref(Ring())
    tidied()
    assert ring() is None


def test_what_is_in_use_stays():
    ring = Ring()
    seen = weakref.ref(ring)
    tidied()
    assert seen() is ring


@pytest.mark.parametrize(("took_s", "looks"), [(0.0, 20), (0.059, 20), (0.09, 10), (0.6, 2), (6, 1)])
def test_the_longer_a_look_takes_the_longer_is_the_rest_and_memory_is_given_back_every_minute(took_s, looks):
    assert tidied(took_s=took_s, minutes=20) == (looks, 20)


def test_while_somebody_folds_nobody_looks():
    with collector_paused():
        ring = weakref.ref(Ring())
        assert tidied() == (0, 1)
        assert ring() is not None
    gc.collect()
