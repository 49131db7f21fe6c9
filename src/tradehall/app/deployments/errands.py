"""Errands: work that asks the desk for something, learns what came of it, and perhaps asks again.

Many are run side by side in rounds: in each round every errand asks once, in the order in which they were given,
and the next round begins when all of that is durable. So the order of decisions follows from the order of the
errands alone, not from how fast the disk is, and one sync of the journal carries all that was asked meanwhile.
"""

import asyncio
from asyncio import Task
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any, Final, TypeVar

from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.app.stamps import signalled
from tradehall.engine.commands import AnyCommand

# Errands that are run side by side; further ones begin when these have ended.
SIDE_BY_SIDE_MAX: Final = 1_000
# Wishes that are decided one after the other before others of the loop have their turn.
WISHES_PER_SLICE_MAX: Final = 8

T = TypeVar("T")
Errand = Generator[AnyCommand, Outcome, T]
Submit = Callable[[AnyCommand], Coroutine[Any, Any, Outcome]]


async def run_errand(errand: Errand[T], submit: Submit) -> T:
    """Run one to its end. ShardUnavailable: nothing is known to have happened, the same again later."""
    try:
        wish = next(errand)
        while True:
            wish = errand.send(await submit(wish))
    except StopIteration as done:
        result: T = done.value
        return result


async def run_errands(errands: Sequence[tuple[int, Errand[T]]], submit: Submit) -> list[T | ShardUnavailable]:
    """Run many in rounds, each with the instant of its signal [ns UTC]; what they came to, in their order."""
    found: list[T | ShardUnavailable] = []
    for start in range(0, len(errands), SIDE_BY_SIDE_MAX):
        found += await _Rounds(errands[start : start + SIDE_BY_SIDE_MAX], submit).run()
    return found


class _Rounds:
    """Errands that are run side by side, and what those came to that have ended."""

    def __init__(self, errands: Sequence[tuple[int, Errand[Any]]], submit: Submit) -> None:
        self._errands = errands
        self._submit = submit
        self._ended: dict[int, Any] = {}

    async def run(self) -> list[Any]:
        answers: list[tuple[int, Outcome | None]] = [(place, None) for place in range(len(self._errands))]
        while answers:
            asked: list[tuple[int, Task[Outcome]]] = []
            for start in range(0, len(answers), WISHES_PER_SLICE_MAX):
                for place, answer in answers[start : start + WISHES_PER_SLICE_MAX]:
                    asked += self._ask(place, answer)
                # What was asked is decided now, in this order; then others have their turn.
                await asyncio.sleep(0)
            answers = await self._answers(asked)
        return [self._ended[place] for place in range(len(self._errands))]

    def _ask(self, place: int, answer: Outcome | None) -> list[tuple[int, Task[Outcome]]]:
        """The next wish of an errand; none where it has ended."""
        at, errand = self._errands[place]
        try:
            wish = next(errand) if answer is None else errand.send(answer)
        except StopIteration as done:
            self._ended[place] = done.value
            return []
        with signalled(at):  # A task has the stamps of the moment at which it was made.
            return [(place, asyncio.create_task(self._submit(wish)))]

    async def _answers(self, asked: Sequence[tuple[int, Task[Outcome]]]) -> list[tuple[int, Outcome | None]]:
        """What came of a round, when all of it is durable."""
        found = await asyncio.gather(*(task for _, task in asked), return_exceptions=True)
        answers: list[tuple[int, Outcome | None]] = []
        for (place, _), outcome in zip(asked, found, strict=True):
            if isinstance(outcome, ShardUnavailable):
                self._ended[place] = outcome
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                answers.append((place, outcome))
        return answers
