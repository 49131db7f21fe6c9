"""An HTTP load generator: closed loop (N connections, each waits for its answer) or open loop (a fixed rate).

    python -m bench.load URL --connections 64 --seconds 5 [--rate 1000] --bodies limit | --mix FILE

Runs as a process of its own and prints one JSON line. It parses as little as it can, so that it takes
as little as possible of the cores it shares with the server.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop

from bench import mix

Body = Callable[[int], bytes]


def limit_body(number: int) -> bytes:
    """A LIMIT order that rests, with a client order id of its own."""
    return (
        b'{"symbol":"AAPL","side":"buy","quantity":"0.01","order_type":"limit","limit_price":"%d.%02d",'
        b'"client_order_id":"b%d-%d"}' % (50 + number % 40, number % 100, _RUN, number)
    )


def market_body(number: int) -> bytes:
    """A MARKET order that fills; sides alternate, so that the position stays small."""
    return b'{"symbol":"AAPL","side":"%s","quantity":"0.01","order_type":"market","client_order_id":"m%d-%d"}' % (
        b"buy" if number % 2 else b"sell",
        _RUN,
        number,
    )


BODIES: dict[str, Body] = {"limit": limit_body, "market": market_body}
_RUN = time.time_ns() // 1_000_000 % 1_000_000_000


class Connection(asyncio.Protocol):
    """One keep-alive connection; `send` starts a request, `on_answer` is told of its end."""

    def __init__(self, on_answer: Callable[["Connection", int, bytes], None]) -> None:
        self._on_answer = on_answer
        self._buffer = b""
        self.transport: asyncio.Transport | None = None
        self.started = 0.0
        self.asked: mix.Asked | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes | mix.Asked, started: float) -> None:
        assert self.transport is not None, "not connected"
        self.started = started
        self.asked = None if isinstance(request, bytes) else request
        self.transport.write(request if isinstance(request, bytes) else request.wire)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end].lower()
        at = head.index(b"content-length:") + 15
        end = head.find(b"\r", at)
        length = int(head[at:] if end < 0 else head[at:end])
        if len(self._buffer) < head_end + 4 + length:
            return
        body = self._buffer[head_end + 4 :]
        self._buffer = b""
        self._on_answer(self, int(head[9:12]), body)


class Load:
    """One run against one URL; with a `mixture`, against its host."""

    def __init__(self, url: str, body: Body | None, key: str | None, mixture: Path | None = None) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        method = "POST" if body else "GET"
        auth = f"Authorization: Bearer {key}\r\n" if key else ""
        self._head = (
            f"{method} {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n{auth}Content-Type: application/json\r\n"
        ).encode()
        self._body = body
        self._numbers: Iterator[int] = itertools.count()
        self._mix = mixture and mix.Mix(mix.read(mixture.read_bytes()), parts.netloc)
        self.statuses: dict[int, int] = {}
        self.latencies: list[float] = []
        self.latencies_of: dict[str, list[float]] = {}
        self.statuses_of: dict[str, dict[int, int]] = {}

    def request(self) -> bytes | mix.Asked:
        if self._mix:
            return self._mix.draw()
        body = self._body(next(self._numbers)) if self._body else b""
        return b"%sContent-Length: %d\r\n\r\n%s" % (self._head, len(body), body)

    def note(self, connection: Connection, status: int, body: bytes) -> None:
        """An answer came, now."""
        latency = time.perf_counter() - connection.started
        self.latencies.append(latency)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if self._mix and (asked := connection.asked):
            name = asked.template.name
            self._mix.answered(asked, status, body)
            self.latencies_of.setdefault(name, []).append(latency)
            statuses = self.statuses_of.setdefault(name, {})
            statuses[status] = statuses.get(status, 0) + 1

    async def connect(self, count: int, on_answer: Callable[[Connection, int, bytes], None]) -> list[Connection]:
        loop = asyncio.get_running_loop()
        made = [await loop.create_connection(lambda: Connection(on_answer), self.host, self.port) for _ in range(count)]
        return [connection for _, connection in made]

    async def closed(self, connections: int, seconds: float) -> float:
        """Every connection sends again as soon as it is answered; returns the seconds it took."""
        end = time.perf_counter() + seconds
        left = connections
        done = asyncio.Event()

        def on_answer(connection: Connection, status: int, body: bytes) -> None:
            nonlocal left
            self.note(connection, status, body)
            now = time.perf_counter()
            if now < end:
                connection.send(self.request(), now)
                return
            left -= 1
            if not left:
                done.set()

        lines = await self.connect(connections, on_answer)
        started = time.perf_counter()
        for connection in lines:
            connection.send(self.request(), time.perf_counter())
        await done.wait()
        return time.perf_counter() - started

    async def open(self, connections: int, seconds: float, rate: float) -> float:
        """Requests start on schedule whether or not earlier ones are answered; lateness counts as latency."""
        # In turn, so that none is idle for so long that the server closes it.
        idle: deque[Connection] = deque()
        waiting: deque[float] = deque()
        pending = 0

        def on_answer(connection: Connection, status: int, body: bytes) -> None:
            nonlocal pending
            pending -= 1
            self.note(connection, status, body)
            if waiting:
                connection.send(self.request(), waiting.popleft())
            else:
                idle.append(connection)

        idle.extend(await self.connect(connections, on_answer))
        started = time.perf_counter()
        total = int(rate * seconds)
        for number in range(total):
            due = started + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            pending += 1
            if idle:
                idle.popleft().send(self.request(), due)
            else:
                waiting.append(due)
        while pending:  # noqa: ASYNC110 - a wait of its own would cost the loop more than this look.
            await asyncio.sleep(0.01)
        return time.perf_counter() - started


async def run(options: argparse.Namespace) -> dict[str, object]:
    """One run; the figures, latencies in milliseconds."""
    load = Load(options.url, BODIES.get(options.bodies), options.key, options.mix)
    if options.rate:
        took = await load.open(options.connections, options.seconds, options.rate)
    else:
        took = await load.closed(options.connections, options.seconds)
    ordered = sorted(load.latencies)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3 for share in (0.5, 0.95, 0.99)]
    return {
        "requests": len(ordered),
        "per_second": round(len(ordered) / took),
        "p50_ms": round(at[0], 3),
        "p95_ms": round(at[1], 3),
        "p99_ms": round(at[2], 3),
        "max_ms": round(ordered[-1] * 1e3, 3),
        "statuses": load.statuses,
        "templates": mix.figures_of(load.latencies_of, load.statuses_of),
    }


def main() -> None:
    """Parse, run, print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--bodies", choices=[*BODIES, "none"], default="limit")
    parser.add_argument("--key")
    parser.add_argument("--mix", type=Path, help="templates, as bench.mix writes them")
    options = parser.parse_args()
    print(json.dumps(uvloop.run(run(options))))


if __name__ == "__main__":
    main()
