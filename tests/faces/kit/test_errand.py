"""Errands: coroutines that go as far as they can at once, and that asyncio takes for tasks."""

from __future__ import annotations

import asyncio
import decimal
import gc
from contextvars import ContextVar, copy_context
from typing import Any
from weakref import ref

import pytest

from tests.faces.kit.asgi import run
from tradehall.app.moment import Moment
from tradehall.faces.kit.errand import Errand

WORD: ContextVar[str] = ContextVar("word", default="none")


class Noted(Errand):
    """An errand that notes what comes after it, and can be waited for."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.end = asyncio.get_running_loop().create_future()
        self.is_late = False

    def failed(self, error):
        self.error = error

    def ended(self):
        self.is_late = True
        self.end.set_result(None)


def sent(coroutine, *, then=None):
    """An errand that runs `coroutine` and has come to its end; `then(errand)` is called when it first waits."""

    async def follow():
        loop, errands = asyncio.get_running_loop(), []

        def begin():
            errand = Noted()
            errands.append(errand)
            if errand.begin(coroutine, loop, copy_context()):
                errand.end.set_result(None)
            elif then is not None:
                then(errand)

        loop.call_soon(begin)
        await asyncio.sleep(0)
        await errands[0].end
        return errands[0]

    return run(follow())


def test_what_waits_for_nothing_is_done_at_once():
    said = []

    async def say():
        said.append(asyncio.current_task())

    errand = sent(say())
    assert (said, errand.is_late, errand.done(), errand.error) == ([errand], False, True, None)


@pytest.mark.parametrize("wait", [
    lambda: asyncio.sleep(0, "there"),
    lambda: asyncio.sleep(0.001, "there"),
    lambda: asyncio.to_thread(lambda: "there"),
    lambda: asyncio.wait_for(asyncio.sleep(0.001, "there"), 5),
    lambda: asyncio.shield(asyncio.sleep(0.001, "there")),
], ids=["a turn", "a while", "a thread", "not for ever", "shielded"])  # fmt: skip
def test_what_waits_goes_on_with_what_it_waited_for(wait):
    said: list[tuple[str, object]] = []

    async def say():
        said.extend([(await wait(), asyncio.current_task()) for _ in range(3)])

    errand = sent(say())
    assert said == [("there", errand)] * 3
    assert (errand.is_late, errand.error) == (True, None)


def told(errand, coroutine_of, tell):
    """What the loop was told of failures, once an errand of this class has waited for a moment that `tell` brings about."""
    failures: list[dict[str, Any]] = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, failure: failures.append(failure))
        moment, waiting = Moment(loop=loop), errand()
        loop.call_soon(waiting.begin, coroutine_of(moment), loop, copy_context())
        await asyncio.sleep(0)
        tell(loop, moment)
        await waiting.end
        await asyncio.sleep(0)

    run(main())
    return failures


def test_who_is_told_at_once_goes_on_at_once_and_once():
    steps = []

    async def wait(moment):
        await moment
        steps.append("came")
        await asyncio.sleep(0)
        steps.append("went")

    def tell(loop, moment):
        def come():
            moment.come()
            steps.append("told")

        loop.call_soon(come)

    assert not told(Noted, wait, tell)
    assert steps == ["came", "told", "went"]


def test_who_is_told_within_a_task_goes_on_a_turn_later():
    steps = []

    async def wait(moment):
        await moment
        steps.append("came")

    def tell(loop, moment):
        moment.come()
        steps.append("told")

    assert not told(Noted, wait, tell)
    assert steps == ["told", "came"]


def test_what_fails_behind_an_errand_is_not_for_who_tells_it():
    class Broken(Noted):
        def ended(self):
            super().ended()
            raise ArithmeticError

    async def wait(moment):
        await moment

    (failure,) = told(Broken, wait, lambda loop, moment: loop.call_soon(moment.come))
    assert type(failure["exception"]) is ArithmeticError
    assert failure["message"] == "What followed an errand failed"


def test_several_are_waited_for_together():
    said: list[int] = []

    async def say():
        said.extend(await asyncio.gather(asyncio.sleep(0.001, 1), asyncio.sleep(0, 2)))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.sleep(0, number)) for number in (3, 4)]
        said.extend(task.result() for task in tasks)

    assert sent(say()).error is None
    assert said == [1, 2, 3, 4]


def test_a_group_whose_member_fails_ends_the_wait_of_its_owner():
    async def fail():
        raise ValueError

    async def say():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            await asyncio.sleep(60)

    errand = sent(say())
    assert isinstance(errand.error, ExceptionGroup)
    assert errand.cancelling() == 0


def test_a_time_limit_ends_the_wait_and_not_the_errand():
    said = []

    async def say():
        try:
            async with asyncio.timeout(0.001):
                await asyncio.sleep(60)
        except TimeoutError:
            said.append("too late")
        await asyncio.sleep(0)
        said.append("goes on")

    errand = sent(say())
    assert (said, errand.error, errand.cancelling()) == (["too late", "goes on"], None, 0)


@pytest.mark.parametrize("wait", [lambda: asyncio.sleep(60), lambda: asyncio.sleep(0)], ids=["a while", "a turn"])
def test_who_is_cancelled_hears_of_it_where_it_waits(wait):
    said = []

    async def say():
        try:
            await wait()
        finally:
            said.append("put in order")

    errand = sent(say(), then=lambda errand: errand.cancel("enough"))
    assert said == ["put in order"]
    assert isinstance(errand.error, asyncio.CancelledError)
    assert errand.error.args == ("enough",)
    assert not errand.cancel()


def test_a_cancel_that_comes_after_what_was_waited_for_still_counts():
    future: asyncio.Future[None]

    def tell_and_cancel(errand):
        future.set_result(None)
        errand.cancel()

    async def say():
        nonlocal future
        future = asyncio.get_running_loop().create_future()
        await future
        await asyncio.sleep(60)

    assert isinstance(sent(say(), then=tell_and_cancel).error, asyncio.CancelledError)


def test_a_cancel_from_within_comes_at_the_next_wait():
    said = []

    async def say():
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        said.append("still here")
        await asyncio.sleep(60)
        said.append("not here")

    assert isinstance(sent(say()).error, asyncio.CancelledError)
    assert said == ["still here"]


def test_a_cancel_that_is_caught_is_over():
    async def say():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)

    assert sent(say(), then=lambda errand: errand.cancel()).error is None


@pytest.mark.parametrize("is_late", [False, True])
def test_an_error_is_told(is_late):
    async def say():
        if is_late:
            await asyncio.sleep(0)
        raise ValueError("no")

    errand = sent(say())
    assert isinstance(errand.error, ValueError)
    assert errand.is_late is is_late


def test_an_error_of_what_is_waited_for_is_raised_there():
    said = []

    async def say():
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_exception, ValueError("no"))
        try:
            await future
        except ValueError as error:
            said.append(str(error))

    assert sent(say()).error is None
    assert said == ["no"]


def test_what_is_no_future_cannot_be_waited_for():
    class Odd:
        def __await__(self):
            yield "odd"

    async def say():
        await Odd()

    errand = sent(say())
    assert isinstance(errand.error, RuntimeError)


def test_each_has_variables_of_its_own_and_keeps_them():
    said = []

    async def say(word):
        WORD.set(word)
        decimal.getcontext()
        await asyncio.sleep(0)
        said.append(WORD.get())

    async def follow():
        loop, errands = asyncio.get_running_loop(), [Noted(), Noted()]
        for word, errand in zip("ab", errands, strict=True):
            loop.call_soon(errand.begin, say(word), loop, copy_context())
        for errand in errands:
            await errand.end
        said.append(WORD.get())

    run(follow())
    assert said == ["a", "b", "none"]


def test_an_errand_leaves_nothing_to_the_collector():
    async def say():
        await asyncio.sleep(0.001)

    gc.disable()
    try:
        errand = ref(sent(say()))
        assert errand() is None
    finally:
        gc.enable()
