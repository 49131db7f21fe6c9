"""Kept answers: what a write was answered, for its repeats, also over a restart."""

import asyncio
import logging
from typing import Final

from tradehall.ports.answers import AnswerStore, KeptAnswer
from tradehall.ports.records import RecordsFault

_log: Final = logging.getLogger("tradehall.faces")


class KeptAnswers:
    """A store of answers, asked in threads of its own.

    An answer is kept when its write is done: a process that dies in between forgets that it was.
    """

    def __init__(self, store: AnswerStore) -> None:
        self._store = store

    async def find(self, space: str, key: str, *, since: int) -> KeptAnswer | None:
        """The answer that was kept at or after `since` [ns UTC]."""
        return await asyncio.to_thread(self._store.answer, space, key, since=since)

    async def keep(self, space: str, key: str, answer: KeptAnswer, *, since: int) -> None:
        """Keep an answer, and forget those from before `since` [ns UTC]."""
        try:
            await asyncio.to_thread(self._store.keep_answer, space, key, answer, since=since)
        except RecordsFault as fault:
            # It was done, and its caller is told so.
            _log.warning("an answer could not be kept, a repeat of it will be a new wish: %s", fault)
