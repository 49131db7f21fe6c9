"""News are told in the order in which they came, one at a time, whoever comes first and whatever breaks."""

import asyncio

import pytest

from tests.app.shard import run
from tradehall.app.telling import Telling


def in_loop(test):
    """A test that gets a telling bound to a loop, what was told, and what the loop was told of."""

    def told():
        async def story():
            loop, broken, telling = asyncio.get_running_loop(), [], Telling()
            loop.set_exception_handler(lambda _, context: broken.append(context["exception"]))
            telling.bind(loop)
            await test(telling, [], broken)

        run(story())

    told.__name__ = test.__name__
    return told


def breaks():
    raise ArithmeticError


@in_loop
async def test_what_is_told_now_goes_behind_what_was_to_be_told_soon(telling, told, broken):
    telling.soon(lambda: told.append(1))
    await asyncio.to_thread(telling.post, lambda: told.append(2))
    telling.now(lambda: told.append(3))
    assert told == [1, 2, 3]
    await asyncio.sleep(0)
    assert told == [1, 2, 3]


@in_loop
async def test_what_comes_while_something_is_told_waits_for_its_end(telling, told, broken):
    def long():
        telling.now(lambda: told.append("inner"))
        told.append("outer")

    telling.now(long)
    assert told == ["outer", "inner"]


@in_loop
async def test_what_breaks_is_whose_it_is_and_those_behind_it_are_told(telling, told, broken):
    def long():
        telling.now(lambda: told.append("inner"))
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        telling.now(long)
    assert told == []
    await asyncio.sleep(0)
    assert told == ["inner"]
    telling.soon(breaks)
    telling.soon(lambda: told.append("next"))
    await asyncio.sleep(0.01)
    assert told == ["inner", "next"]
    assert [type(each) for each in broken] == [ArithmeticError]
