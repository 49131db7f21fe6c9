"""WebSocket sessions: frames out, text in, and upgrades refused with a real HTTP answer."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from tradehall.faces.kit.asgi import Message, Receive, Send
from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import Header, Response

MAX_INBOUND_BYTES = 64 * 1024
# Where the server offers it, finished frames go to the socket many at a time.
RAW_FRAMES = "tradehall.frames"

GOING_AWAY = 1001
POLICY_VIOLATION = 1008
TOO_BIG = 1009
TRY_AGAIN_LATER = 1013


class Disconnected(Exception):
    """The other side is gone: nothing can be sent any more."""


class Frame:
    """One text frame, encoded once and shared by all who get it. `text` is UTF-8."""

    __slots__ = ("text", "wire")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.wire = _wire(text)


class RawFrames(Protocol):
    """What a server offers in the scope's extensions under RAW_FRAMES."""

    async def send_wire(self, frames: bytes) -> None:
        """Write finished frames; waits while the socket is full; ConnectionError when gone."""

    def send_now(self, frames: bytes) -> bool:
        """Write finished frames if the socket has room; False if not, or if it is gone."""

    def hang_up(self, code: int, reason: str) -> None:
        """Close without waiting for a socket that may never drain."""


class Session:
    """One accepted WebSocket. Iterate over it for the texts that arrive, until it ends.

    Binary frames are ignored; a text longer than MAX_INBOUND_BYTES closes with 1009.
    """

    def __init__(self, request: Request, receive: Receive, send: Send) -> None:
        self.request = request
        self.closed_with: int | None = None
        self._receive = receive
        self._send = send
        self._raw: RawFrames | None = request.scope.get("extensions", {}).get(RAW_FRAMES)

    async def accept(self, headers: Sequence[Header] = ()) -> None:
        """Finish the handshake; the App does this before `run`."""
        await self._send({"type": "websocket.accept", "headers": headers})

    async def __aiter__(self) -> AsyncIterator[str]:
        """Texts in the order of their arrival."""
        while self.closed_with is None:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self.closed_with = message.get("code") or 1005
                return
            text: str | None = message.get("text")
            if text is None:
                continue
            # A character is at least a byte: only long texts need to be measured exactly.
            if len(text) * 4 > MAX_INBOUND_BYTES and len(text.encode()) > MAX_INBOUND_BYTES:
                await self.close(TOO_BIG, "frame too big")
                return
            yield text

    async def send(self, frames: Sequence[Frame]) -> None:
        """Send frames in order; waits while the socket is full; Disconnected if it is gone."""
        if self.closed_with is not None:
            raise Disconnected
        try:
            if self._raw is not None:
                await self._raw.send_wire(b"".join([frame.wire for frame in frames]))
                return
            for frame in frames:
                await self._send({"type": "websocket.send", "text": frame.text.decode()})
        except OSError:
            raise Disconnected from None

    def send_now(self, frame: Frame) -> bool:
        """Send at once, without waiting; False where that cannot be, and nothing was sent."""
        return self.closed_with is None and self._raw is not None and self._raw.send_now(frame.wire)

    async def close(self, code: int, reason: str = "") -> None:
        """Close with `code`; a second close does nothing."""
        if self.closed_with is None:
            self.closed_with = code
            try:
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
            except (OSError, RuntimeError):
                return  # Gone already.

    def hang_up(self, code: int, reason: str) -> None:
        """Close without waiting, also if the socket is stuck; for callers that cannot await."""
        if self.closed_with is not None:
            return
        if self._raw is not None:
            self.closed_with = code
            self._raw.hang_up(code, reason)
        else:
            _closing.add(task := asyncio.ensure_future(self.close(code, reason)))
            task.add_done_callback(_closing.discard)


Run: TypeAlias = Callable[[Session], Awaitable[None]]

_closing: set[asyncio.Future[None]] = set()  # The loop itself holds tasks only weakly.


class Upgrade(Response):
    """A handler's answer to a WebSocket request: accept it, then `run(session)` until it ends."""

    __slots__ = ("run",)

    def __init__(self, run: Run) -> None:
        super().__init__(101)
        self.run = run


async def refuse(scope_extensions: dict[str, object], response: Response, headers: list[Header], send: Send) -> None:
    """Answer an upgrade with plain HTTP; a server that cannot do so closes, which it shows as 403."""
    if "websocket.http.response" not in scope_extensions:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return
    start: Message = {"type": "websocket.http.response.start", "status": response.status, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": response.body})


def _wire(text: bytes) -> bytes:
    """A server's unmasked, final text frame (RFC 6455 §5.2)."""
    size = len(text)
    if size < 126:
        return bytes((0x81, size)) + text
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + text
    return struct.pack("!BBQ", 0x81, 127, size) + text
