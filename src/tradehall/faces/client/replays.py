"""Replays: what was answered under an Idempotency-Key, for a day, so that a repeat gets the same again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tradehall.domain.ids import AccountId
from tradehall.domain.time import NS_PER_DAY
from tradehall.faces.client.errors import ClientErrors
from tradehall.faces.kit import Problem, Request, Response
from tradehall.faces.kit.kept_answers import KeptAnswers
from tradehall.ports.answers import AnswerStore, KeptAnswer

KEY_LENGTH_MAX: Final = 128
ANSWERS_MAX: Final = 100_000

Answer = Response | Problem
Key = tuple[AccountId, str]

# These may pass by themselves.
_PASSING: Final = frozenset({429, 500, 503})


class Replays:
    """First answers by login and key, the oldest first; the longest kept go when there are too many.

    They live in memory. After a restart the repeat of an order, or of a closing, finds it by its key in the journal;
    answers to what no order stands for are in the store.
    """

    def __init__(self, store: AnswerStore, most: int = ANSWERS_MAX) -> None:
        self._kept = KeptAnswers(store)
        self._most = most
        self._answers: dict[Key, tuple[int, asyncio.Future[Answer]]] = {}

    async def once(self, key: Key, now: int, work: Callable[[], Awaitable[Response]]) -> Response:
        """The answer of `work`, or the first one under this key; a repeat that comes early waits for it.

        A refusal that may pass by itself (429, 503, a fault of ours) is not kept.
        """
        found = self._answers.get(key)
        if found is not None and now - found[0] < NS_PER_DAY:
            return _given(await asyncio.shield(found[1]))
        self._answers.pop(key, None)
        self._forget(now)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[key] = (now, future)
        try:
            answer: Answer = await work()
        except Problem as problem:
            answer = problem
            if problem.status in _PASSING:
                self._answers.pop(key, None)
        except BaseException:
            self._answers.pop(key, None)
            future.cancel()
            raise
        future.set_result(answer)
        return _given(answer)

    async def kept(self, key: Key, now: int, request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
        """The answer of `work` that the store has, or will have from now on."""
        login, name = key
        space, since = f"client {login}", now - NS_PER_DAY
        found = await self._kept.find(space, name, since=since)
        if found is not None:
            return Response(found.status, found.body, content_type=found.content_type)
        try:
            response = await work()
        except Problem as problem:
            if problem.status in _PASSING:
                raise
            response = ClientErrors().render(problem, request)
        answer = KeptAnswer(now, b"", response.status, response.content_type, response.body)
        await self._kept.keep(space, name, answer, since=since)
        return response

    def _forget(self, now: int) -> None:
        while self._answers:
            key, (at, _) = next(iter(self._answers.items()))
            if now - at < NS_PER_DAY and len(self._answers) < self._most:
                return
            del self._answers[key]


def _given(answer: Answer) -> Response:
    if isinstance(answer, Problem):
        raise answer
    return answer
