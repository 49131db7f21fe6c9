"""One WebSocket path for several doors: the first frame that one of them understands tells whose it is.

    switch = FirstFrame(terminal_stream.speaker)
    switch.add(client_stream.speaker)
    Route(WEBSOCKET, "/", switch.connect, public=True)

Until then the connection belongs to the first speaker, who answers what nobody understands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import Response
from tradehall.faces.kit.websocket import Session, Upgrade

Serve: TypeAlias = Callable[[Session, AsyncIterator[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Speaker:
    """A door's stream. `understands`: whether a frame, a JSON object, begins a conversation with it.

    `serve(session, texts)` leads the conversation and returns when `texts` end; the first of them is the
    one that was understood, if any was.
    """

    understands: Callable[[dict[str, Any]], bool]
    serve: Serve


class FirstFrame:
    """The handler of the shared path. The first speaker is where everybody starts."""

    def __init__(self, default: Speaker) -> None:
        self._default = default
        self._others: list[Speaker] = []

    def add(self, speaker: Speaker) -> None:
        """Let frames that `speaker` understands lead to it."""
        self._others.append(speaker)

    async def connect(self, request: Request) -> Response:
        """A stream of one of several doors; the first frame tells whose."""
        return Upgrade(self._run)

    async def _run(self, session: Session) -> None:
        texts = aiter(session)
        taken_over: list[tuple[Speaker, str]] = []
        await self._default.serve(session, self._until_understood(texts, taken_over))
        for speaker, first in taken_over:
            await speaker.serve(session, _from(first, texts))

    async def _until_understood(
        self, texts: AsyncIterator[str], taken_over: list[tuple[Speaker, str]]
    ) -> AsyncIterator[str]:
        is_decided = False
        async for text in texts:
            frame = None if is_decided else _object(text)
            if frame is not None:
                is_decided = self._default.understands(frame)
                other = None if is_decided else self._other(frame)
                if other is not None:
                    taken_over.append((other, text))
                    return
            yield text

    def _other(self, frame: dict[str, Any]) -> Speaker | None:
        return next((speaker for speaker in self._others if speaker.understands(frame)), None)


async def _from(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for text in rest:
        yield text


def _object(text: str) -> dict[str, Any] | None:
    try:
        frame = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None
