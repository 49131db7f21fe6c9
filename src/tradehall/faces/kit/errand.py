"""A coroutine that goes as far as it can at once, and on from there as soon as what it waits for is there.

`asyncio.Task` begins a turn of the loop later, which for a request that never waits is all its overhead. An Errand
is what asyncio's documents call a third-party task: within it `asyncio.current_task()` is the errand, so
`asyncio.timeout` and task groups work. A future that has `at_once` is told what to call as soon as it is done.

From Python 3.12 on `asyncio.Task(…, eager_start=True)` is the same.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Coroutine
from contextvars import Context
from typing import Any


class Errand(ABC):
    """One coroutine on its way. A subclass says what comes after it: `failed`, `ended`."""

    _cancels = 0
    _coroutine: Coroutine[Any, None, None] | None = None
    _waits_for: asyncio.Future[Any] | None = None

    def begin(self, coroutine: Coroutine[Any, None, None], loop: asyncio.AbstractEventLoop, context: Context) -> bool:
        """Run `coroutine` in `context` as far as it goes. True: to its end. Not to be called within a task."""
        self._coroutine = coroutine
        self._loop = loop
        self._context = context
        self._throw: BaseException | None = None
        context.run(self._step)
        return self._coroutine is None

    @abstractmethod
    def failed(self, error: BaseException) -> None:
        """The coroutine raised `error`."""

    @abstractmethod
    def ended(self) -> None:
        """The coroutine came to its end, or failed, later than in `begin`."""

    def done(self) -> bool:
        """See asyncio.Task, here and below."""
        return self._coroutine is None

    def cancel(self, msg: Any = None) -> bool:
        if self._coroutine is None:
            return False
        self._cancels += 1
        if self._waits_for is None or not self._waits_for.cancel(msg=msg):
            self._throw = asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg)
        return True

    def cancelling(self) -> int:
        return self._cancels

    def uncancel(self) -> int:
        self._cancels = max(0, self._cancels - 1)
        return self._cancels

    def _step(self) -> None:
        coroutine: Any = self._coroutine
        task: Any = self
        _enter_task(self._loop, task)
        try:
            if self._throw is None:
                awaited = coroutine.send(None)
            else:
                error, self._throw = self._throw, None
                awaited = coroutine.throw(error)
        except StopIteration:
            self._coroutine = None
        except BaseException as error:
            self._coroutine = None
            self.failed(error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        else:
            self._wait_for(awaited)
        finally:
            _leave_task(self._loop, task)

    def _wait_for(self, awaited: Any) -> None:
        if getattr(awaited, "_asyncio_future_blocking", False):
            awaited._asyncio_future_blocking = False  # Says that who awaits it has heard of it.
            awaited.add_done_callback(self._wake, context=self._context)
            if hasattr(awaited, "at_once"):
                awaited.at_once = self._wake_at_once
            self._waits_for = awaited
            if self._throw is not None and awaited.cancel():
                self._throw = None
            return
        if awaited is not None:
            self._throw = RuntimeError(f"an errand cannot wait for {awaited!r}")
        self._loop.call_soon(self._wake, None, context=self._context)

    def _wake_at_once(self, future: asyncio.Future[Any]) -> None:
        """`future` is done, a turn of the loop before `_wake` hears of it. Nothing is raised: who tells goes on."""
        if asyncio.current_task(self._loop) is not None:
            return
        try:
            self._context.run(self._wake, future)
        except Exception as error:
            self._loop.call_exception_handler({"message": "What followed an errand failed", "exception": error})

    def _wake(self, future: asyncio.Future[Any] | None) -> None:
        if future is not self._waits_for:
            return  # It was woken at once.
        self._waits_for = None
        self._step()
        if self._coroutine is None:
            self.ended()
