"""Clients and a stub for what is paced by acknowledgements.

python -m bench.pacing stub PORT COUNT   a server that only sends candles and awaits acknowledgements
python -m bench.pacing lean URL          a raw client that acknowledges everything; prints events and seconds
python -m bench.pacing sdk URL           the published SDK with an empty handler; prints events and seconds
"""

import asyncio
import base64
import hashlib
import re
import socket
import sys
import time
from collections.abc import Callable
from typing import Final, cast

import uvloop

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
EVENT_ID: Final = re.compile(rb'"event_id":"(evt-\d+)"')
CANDLE: Final = (
    b'{"type":"candle","bar":{"symbol":"ACME","provider":"stub","timeframe":"1m","timestamp":"2024-01-01T00:00:00Z",'
    b'"open":"100.00","high":"100.05","low":"99.76","close":"99.80","volume":"100"},'
    b'"timestamp":"2024-01-01T00:01:00Z","event_id":"evt-%d"}'
)
COMPLETE: Final = b'{"type":"backtest_complete","broker":"stub","timestamp":"2024-01-01T00:01:00Z","event_id":"evt-%d"}'
HEADER_MAX: Final = 126


class Stub(asyncio.Protocol):
    """Sends a candle, reads whatever comes as its acknowledgement, sends the next; then the end."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._sent = 0
        self._is_open = False
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        if not self._is_open:
            self._shake_hands()
            return
        while (size := frame_size(self._waiting)) is not None:
            is_close = self._waiting[0] & 15 == 8
            self._waiting = self._waiting[size:]
            if is_close:
                self._transport.close()
                return
            self._send()

    def _shake_hands(self) -> None:
        head, end, self._waiting = self._waiting.partition(b"\r\n\r\n")
        if not end:
            self._waiting = head
            return
        key = next(
            line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._is_open = True
        self._send()

    def _send(self) -> None:
        self._sent += 1
        if self._sent > self._count + 1:
            self._transport.write(b"\x88\x02\x03\xe8")
            return
        self._transport.write(wire((CANDLE if self._sent <= self._count else COMPLETE) % self._sent))


def wire(text: bytes) -> bytes:
    """A text frame from a server."""
    size = len(text)
    head = bytes((0x81, size)) if size < HEADER_MAX else b"\x81\x7e" + size.to_bytes(2, "big")
    return head + text


def frame_size(data: bytes) -> int | None:
    """Bytes of the first frame; None while it is not whole."""
    if len(data) < 2:
        return None
    size, start = data[1] & 127, 2
    if size == HEADER_MAX:
        size, start = int.from_bytes(data[2:4], "big"), 4
    start += 4 if data[1] & 128 else 0
    return start + size if len(data) >= start + size else None


async def serve(port: int, count: int) -> None:
    """Listen until killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Stub(count), "127.0.0.1", port)
    await server.serve_forever()


def lean(url: str) -> tuple[int, float]:
    """Acknowledge all that has an id, with as little work as can be; events, and seconds from the first to the end."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.sendall(
            f"GET /v1/ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        data = b""
        while b"\r\n\r\n" not in data:
            data += stream.recv(65_536)
        data, count, began = data.partition(b"\r\n\r\n")[2], 0, time.perf_counter()
        while True:
            while (size := frame_size(data)) is not None:
                frame, data = data[:size], data[size:]
                if frame[0] & 15 == 8:
                    return count, time.perf_counter() - began
                found = EVENT_ID.search(frame)
                if found is not None:
                    count += 1
                    stream.sendall(_acknowledgement(found[1]))
            more = stream.recv(65_536)
            if not more:
                return count, time.perf_counter() - began
            data += more


def _acknowledgement(event_id: bytes) -> bytes:
    """A client's frame, masked with zeros."""
    text = b'{"type":"event_ack","correlation_id":"lean","events_processed":["%b"],"timestamp":1}' % event_id
    return bytes((0x81, 0x80 | len(text))) + bytes(4) + text


def sdk(url: str) -> tuple[int, float]:
    """The same with the SDK's async client and nothing in its handler."""
    return asyncio.run(_sdk(url))


async def _sdk(url: str) -> tuple[int, float]:
    from tektii import AsyncTradingGateway

    count, began = 0, time.perf_counter()
    async with AsyncTradingGateway(base_url=url) as gateway, gateway.stream() as events:
        async for event in events:
            count += event.event_id is not None
    return count, time.perf_counter() - began


CLIENTS: Final[dict[str, Callable[[str], tuple[int, float]]]] = {"lean": lean, "sdk": sdk}


def main() -> None:
    """See above."""
    what, *arguments = sys.argv[1:]
    if what == "stub":
        uvloop.run(serve(int(arguments[0]), int(arguments[1])))
    else:
        print(*CLIENTS[what](arguments[0]))


if __name__ == "__main__":
    main()
