"""Dictation: the scribe as the loop deals with it, hired when orders keep coming, and given one thing at a time."""

import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from typing import Final

from tradehall.ports.journal import Scribe, ScribeGone
from tradehall.ports.views import ViewRows

# So many batches that were not alone show that orders keep coming, unless one in four was. A process costs 30 MiB, and
# a core for 0.2 s.
HIRE_AFTER: Final = 100
ALONE_COUNTS: Final = 3

Done = Callable[[Exception | None], None]

log: Final = logging.getLogger("tradehall.journal")


class Dictation:
    """Belongs to `loop`, but for `is_here`: whether the scribe has come, and takes what there is to write.

    `is_early`: what is told now was heard by `look`, in the middle of a round of the loop.
    """

    def __init__(self, scribe: Scribe, loop: AbstractEventLoop) -> None:
        self.is_here = self.is_early = False
        self._scribe = scribe
        self._loop = loop
        self._hurried = 0
        self._is_hired = False
        self._done: Done | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether something was begun and is not finished."""
        return self._done is not None

    def note(self, *, is_alone: bool) -> None:
        """A batch was written. If more and more come that are not alone, the scribe is had to come."""
        if self._hurried >= HIRE_AFTER:
            return
        self._hurried = max(0, self._hurried - ALONE_COUNTS) if is_alone else self._hurried + 1
        if self._hurried == HIRE_AFTER:
            self._hire()

    def begin(self, payloads: Sequence[bytes], rows: ViewRows, rows_until: int, done: Done) -> None:
        """Give it that to write; `done` is called when it has, or with what `Scribe.finish` raised."""
        self._done = done
        try:
            self._scribe.begin(payloads, rows, rows_until)
        except ScribeGone as error:
            self._finished(error)

    def look(self) -> None:
        """Go on at once if what is under way is done."""
        if self._done is not None and self._scribe.has_finished():
            self.is_early = True
            try:
                self.finish()
            finally:
                self.is_early = False

    def finish(self) -> None:
        """Wait for what is under way, and keep everybody waiting."""
        try:
            self._scribe.finish()
        except Exception as error:
            self._finished(error)
        else:
            self._finished(None)

    def end(self) -> None:
        """Let the scribe go; nothing is under way."""
        assert not self.is_under_way, "finish comes first"
        if self._is_hired:
            self._forget()

    def _hire(self) -> None:
        try:
            self._scribe.hire()
        except OSError as error:
            log.warning("no process can be begun to write the journal: error=%r", str(error))
        else:
            self._is_hired = True
            self._loop.add_reader(self._scribe.fileno(), self._hear)

    def _hear(self) -> None:
        if not self._scribe.is_readable():
            return  # Who looked has heard it before.
        if self.is_under_way:
            self.finish()
            return
        try:
            self._scribe.greet()
            self.is_here = True
        except ScribeGone as error:
            log.warning("the process that writes the journal has ended, a thread goes on: error=%r", str(error))
            self._forget()

    def _finished(self, fault: Exception | None) -> None:
        done, self._done = self._done, None
        assert done is not None, "it was begun"
        done(fault)

    def _forget(self) -> None:
        self.is_here = self._is_hired = False
        self._loop.remove_reader(self._scribe.fileno())
        self._scribe.dismiss()
