"""Quotes to a hundred subscribers, two of which never read."""

import asyncio
import json
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import cast

import uvloop

from bench.figures import Figure, Options
from bench.servers import Server, tradehall

SUBSCRIBERS = 100
WARM_UP_S = 2
SAMPLES = 3
RATE = 1_000
SYMBOLS = 20


def run(options: Options) -> list[Figure]:
    """Lag from the feed's stamp to the subscriber, the server's CPU, and whether anything grows."""
    seconds = 5 if options.is_quick else 20
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(SYMBOLS):
            _write_recording(Path(scratch) / f"SYM{number}USD.csv", number, seconds + 30)
        with tradehall(TRADEHALL_FEED=f"replay:{scratch}?shift=now") as server:
            lags, cpu, grown, received = uvloop.run(_listen(server, seconds))
    lags.sort()
    return [
        Figure(f"quotes a second to each of {SUBSCRIBERS} subscribers", received / seconds, "frames/s"),
        Figure("lag, p50", lags[len(lags) // 2], "ms"),
        Figure("lag, p99", lags[int(len(lags) * 0.99)], "ms", 20.0),
        Figure("the server's CPU", 100 * cpu / seconds, "% of a core", 50.0),
        Figure("memory grown meanwhile", grown, "MiB", 32.0),
    ]


def _write_recording(path: Path, first: int, seconds: int) -> None:
    """Quotes of one of the symbols, whose stamps take turns; every quote is new."""
    start = 1_700_000_000_000
    lines = ["timestamp,bid,ask,bid_size,ask_size"]
    for number in range(first, seconds * RATE, SYMBOLS):
        bid = 15_000 + number // SYMBOLS % 50
        lines.append(f"{start + number},{bid / 100:.2f},{(bid + 2) / 100:.2f},100,100")
    path.write_text("\n".join(lines) + "\n")


class Listener(asyncio.Protocol):
    """A subscriber that takes little: all count bytes, samples read their frames. `never reads` pauses for good."""

    def __init__(self, host: str, *, is_sample: bool = False, reads: bool = True) -> None:
        self._host = host
        self._is_sample = is_sample
        self._reads = reads
        self._waiting = b""
        self._is_open = False
        self.received = 0
        self.is_measuring = False
        self.lags_ms: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)
        stream.write(
            f"GET /v1/ws HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        if not self._reads:
            stream.pause_reading()

    def data_received(self, data: bytes) -> None:
        if self.is_measuring:
            self.received += len(data)
        if not self._is_sample:
            return
        self._waiting += data
        if not self._is_open:
            _, end, rest = self._waiting.partition(b"\r\n\r\n")
            self._is_open, self._waiting = bool(end), rest if end else self._waiting
        while self._is_open and (frame := self._next_frame()) is not None:
            if self.is_measuring and frame.startswith(b'{"type":"quote"'):
                stamp = json.loads(frame)["quote"]["timestamp"]
                self.lags_ms.append(time.time() * 1e3 - _ms(stamp))

    def _next_frame(self) -> bytes | None:
        data = self._waiting
        if len(data) < 4:
            return None
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        if len(data) < start + size:
            return None
        self._waiting = data[start + size :]
        return data[start : start + size]


async def _listen(server: Server, seconds: float) -> tuple[list[float], float, float, int]:
    loop = asyncio.get_running_loop()
    host = server.url.removeprefix("http://")
    name, _, port = host.partition(":")
    listeners = [Listener(host, is_sample=number < SAMPLES) for number in range(SUBSCRIBERS)]
    stuck = [Listener(host, reads=False) for _ in range(2)]
    for listener in (*stuck, *listeners):
        await loop.create_connection(partial(_same, listener), name, int(port))
    await asyncio.sleep(WARM_UP_S)
    cpu, memory = server.cpu_s(), server.rss_mib()
    for listener in listeners:
        listener.is_measuring = True
    await asyncio.sleep(seconds)
    spent, grown = server.cpu_s() - cpu, server.rss_mib() - memory
    lags = [lag for listener in listeners for lag in listener.lags_ms]
    return lags, spent, grown, sum(len(listener.lags_ms) for listener in listeners[:SAMPLES]) // SAMPLES


def _same(listener: Listener) -> Listener:
    return listener


def _ms(stamp: str) -> float:
    """Milliseconds since 1970 of an RFC 3339 stamp with up to nine decimals."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone
    return seconds * 1e3 + float(f"0.{fraction or 0}") * 1e3
