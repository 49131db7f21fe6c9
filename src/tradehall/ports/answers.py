"""Answers that are given again: what a write was answered, by the key under which its caller may repeat it."""

from typing import Final, Protocol

from msgspec import Struct

ANSWERS_KEPT_MAX: Final = 100_000


class KeptAnswer(Struct, frozen=True, gc=False):
    """An answer, and the fingerprint of the request that it answered; `at` ns UTC."""

    at: int
    fingerprint: bytes
    status: int
    content_type: bytes
    body: bytes


class AnswerStore(Protocol):
    """Answers by space (whose keys they are) and key. Synchronous and short; RecordsFault when the store fails."""

    def answer(self, space: str, key: str, *, since: int) -> KeptAnswer | None:
        """The answer that was kept at or after `since` [ns UTC]."""
        ...

    def keep_answer(self, space: str, key: str, answer: KeptAnswer, *, since: int) -> None:
        """Keep an answer, and forget those from before `since` [ns UTC] and beyond ANSWERS_KEPT_MAX."""
        ...
