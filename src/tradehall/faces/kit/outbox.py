"""What is waiting to be sent to a WebSocket: account frames all, quotes only the newest.

Account frames keep their order and are never dropped or merged: a client that falls more than
MAX_FRAMES behind is hung up on with 1013 and has to read its state again. Quotes are a set of
changed symbols, looked up on the `Board` when the socket has room; so a slow client gets fewer
quotes, never old ones, and stalls nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType

from tradehall.faces.kit.metrics import Counter
from tradehall.faces.kit.websocket import TRY_AGAIN_LATER, Disconnected, Frame, Session

MAX_FRAMES = 1024
BATCH = 32  # Account frames in one write: what is handed to the socket no longer counts as waiting.
# Between two rounds of quotes; a quote after a pause goes out at once.
ROUND_S = 0.005
EVERYTHING = "*"


class Board:
    """The newest quote of each symbol in one door's words, and who follows it.

    As long as there are quotes, followers are woken once per `round_s` seconds at most.
    """

    def __init__(self, *, round_s: float = ROUND_S) -> None:
        self._newest: dict[str, Frame] = {}
        self._followers: dict[str, dict[Outbox, None]] = {EVERYTHING: {}}
        self._round_s = round_s
        self._last_round = 0.0
        self._round: asyncio.Handle | None = None

    def is_followed(self, symbol: str) -> bool:
        """Would anybody get a quote of `symbol`? If not, it need not be encoded."""
        return bool(self._followers[EVERYTHING]) or bool(self._followers.get(symbol))

    def follow(self, outbox: Outbox, symbols: Iterable[str] = (EVERYTHING,)) -> None:
        """From now on `outbox` gets these symbols' quotes."""
        outbox.boards[self] = None
        for symbol in symbols:
            self._followers.setdefault(symbol, {})[outbox] = None

    def unfollow(self, outbox: Outbox, symbols: Iterable[str] | None = None) -> None:
        """No longer these symbols; None: none at all."""
        for symbol in list(self._followers) if symbols is None else symbols:
            followers = self._followers.get(symbol, {})
            followers.pop(outbox, None)
            outbox.dirty.pop((self, symbol), None)
            if not followers and symbol != EVERYTHING:
                self._followers.pop(symbol, None)

    def publish(self, symbol: str, frame: Frame) -> None:
        """A new quote: followers get it, or a newer one, in the next round."""
        self._newest[symbol] = frame
        key = (self, symbol)
        for outbox in self._followers[EVERYTHING]:
            outbox.dirty[key] = None
        for outbox in self._followers.get(symbol, ()):
            outbox.dirty[key] = None
        if self._round is None:
            self._plan_round()

    def newest(self, symbol: str) -> Frame:
        """The last frame published for a symbol; KeyError if there is none."""
        return self._newest[symbol]

    def _plan_round(self) -> None:
        loop = asyncio.get_running_loop()
        due = self._last_round + self._round_s
        self._round = loop.call_at(due, self._wake) if due > loop.time() else loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._round = None
        self._last_round = asyncio.get_running_loop().time()
        for followers in self._followers.values():
            for outbox in followers:
                if outbox.dirty:
                    outbox.wake()


class Outbox:
    """The sending side of one session; use it as `async with`, which runs its sender.

    `overflows` counts the clients hung up on, with `close_code`.
    """

    def __init__(
        self,
        session: Session,
        *,
        overflows: Counter | None = None,
        max_frames: int = MAX_FRAMES,
        close_code: int = TRY_AGAIN_LATER,
    ) -> None:
        self.dirty: dict[tuple[Board, str], None] = {}
        self.boards: dict[Board, None] = {}
        self._session = session
        self._frames: deque[Frame] = deque()
        self._max_frames = max_frames
        self._close_code = close_code
        self._overflows = overflows
        self._woken = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._farewell: tuple[int, str] | None = None
        self._is_sending = False

    @property
    def waiting(self) -> int:
        """How many account frames the socket has not taken yet: what can be left out should wait for fewer."""
        return len(self._frames)

    def post(self, frame: Frame) -> None:
        """An account frame: sent after all earlier ones, never dropped while the socket lives."""
        if self._session.closed_with is not None:
            return
        if len(self._frames) >= self._max_frames:
            self._overflow()
            return
        self._frames.append(frame)
        self._woken.set()

    def post_now(self, frame: Frame) -> None:
        """As `post`; where nothing waits and the socket has room the frame is on its way when this returns."""
        is_free = not self._is_sending and not self._frames and not self.dirty
        if not (is_free and self._session.send_now(frame)):
            self.post(frame)

    def close_after(self, code: int, reason: str) -> None:
        """Close the session when all that was posted is sent."""
        if self._farewell is None:
            self._farewell = (code, reason)
            self._woken.set()

    def wake(self) -> None:
        """Quotes are due."""
        self._woken.set()

    async def __aenter__(self) -> Outbox:
        self._sender = asyncio.create_task(self._send_for_ever(), name="outbox")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for board in self.boards:
            board.unfollow(self)
        assert self._sender is not None  # Set by __aenter__.
        self._sender.cancel()
        with suppress(asyncio.CancelledError):
            await self._sender

    async def _send_for_ever(self) -> None:
        with suppress(Disconnected):
            while True:
                await self._woken.wait()
                self._woken.clear()
                self._is_sending = True
                while frames := self._take():
                    await self._session.send(frames)
                self._is_sending = False
                if self._farewell is not None:
                    await self._session.close(*self._farewell)
                    return

    def _take(self) -> list[Frame]:
        """The next batch: account frames, and quotes once no more of those wait."""
        waiting = self._frames
        if len(waiting) > BATCH:
            return [waiting.popleft() for _ in range(BATCH)]
        frames = [*waiting, *[board.newest(symbol) for board, symbol in self.dirty]]
        waiting.clear()
        self.dirty.clear()
        return frames

    def _overflow(self) -> None:
        if self._overflows is not None:
            self._overflows.add()
        self._frames.clear()
        self._session.hang_up(self._close_code, "too slow: read your state again")
