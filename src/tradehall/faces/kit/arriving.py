"""Bodies of requests that begin before they are complete."""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl

from tradehall.faces.kit.request import cut_off, too_large

# So much of a body is taken without asking whose it is.
HIGH_WATER: Final = 64 * 1024


class ArrivingBody:
    """See request.Arriving: a body that comes in pieces. Until somebody asks for it, it is not read past HIGH_WATER."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.WriteTransport, flow: FlowControl) -> None:
        self._loop = loop
        self._transport = transport
        self._flow = flow
        self._pieces = bytearray()
        self._is_complete = False
        self._is_lost = False
        self._max_bytes: int | None = None
        self._changed: asyncio.Future[None] | None = None
        # [bytes], if its sender said so.
        self.announced = 0
        # Its sender wants to hear that we take it.
        self.asks_leave = False

    async def whole(self, max_bytes: int) -> bytes:
        """See request.Arriving."""
        self._max_bytes = max_bytes
        if self.announced > max_bytes:
            raise too_large(max_bytes)
        if not self._is_decided():
            if self.asks_leave:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._changed = self._loop.create_future()
            self._flow.resume_reading()
            await self._changed
        if self._is_lost:
            raise cut_off()
        if len(self._pieces) > max_bytes:
            raise too_large(max_bytes)
        return bytes(self._pieces)

    def take(self, piece: bytes) -> int:
        """One more piece. How much there is now [bytes]."""
        self._pieces += piece
        if self._max_bytes is None and len(self._pieces) > HIGH_WATER:
            self._flow.pause_reading()
        self._tell()
        return len(self._pieces)

    def complete(self) -> bytes:
        """That was all."""
        self._is_complete = True
        self._tell()
        return bytes(self._pieces)

    def lose(self) -> None:
        """Its sender left."""
        self._is_lost = not self._is_complete
        self._tell()

    def _is_decided(self) -> bool:
        assert self._max_bytes is not None, "somebody asks"
        return self._is_complete or self._is_lost or len(self._pieces) > self._max_bytes

    def _tell(self) -> None:
        if self._changed is not None and not self._changed.done() and self._is_decided():
            self._changed.set_result(None)
