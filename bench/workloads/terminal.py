"""The terminal door at 100 requests a second: one key, one connection; half are trades, durable before the answer."""

import json
import socket
import time
from collections.abc import Iterator
from statistics import quantiles
from typing import Final
from urllib.parse import urlsplit

from bench.figures import Figure, Options
from bench.servers import Server, tradehall

RATE: Final = 100
WARM_UP_S: Final = 2
BOUGHT: Final = b'{"symbol":"EURUSD","action":"BUY","volume":0.01}'


def run(options: Options) -> list[Figure]:
    """How long reads, trades and all of them take, by the clock of who asks."""
    seconds = 10 if options.is_quick else 60
    with tradehall() as server, Terminal(server) as terminal:
        _asked(terminal, WARM_UP_S)
        before = server.cpu_s()
        found = _asked(terminal, seconds)
        cpu_us = (server.cpu_s() - before) / (seconds * RATE) * 1e6
    reads, trades = found["account"] + found["quote"], found["open"] + found["close"]
    return [
        *_times("reads", reads),
        *_times("trades", trades),
        *_times("all", reads + trades, 2.0),
        Figure("the server's CPU", cpu_us, "µs/request"),
    ]


def _times(what: str, took: list[float], promised: float | None = None) -> Iterator[Figure]:
    cuts = quantiles(took, n=100)
    yield Figure(f"{what}, p50", cuts[49], "ms")
    yield Figure(f"{what}, p95", cuts[94], "ms", promised)
    yield Figure(f"{what}, p99", cuts[98], "ms")


class Terminal:
    """A connection that asks and waits; as little as possible of what is measured is its own."""

    def __init__(self, server: Server) -> None:
        place = urlsplit(server.url)
        key = json.loads((server.data / "demo.json").read_text())["terminal"]["full"]
        self._head = (
            f"Host: {place.netloc}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n".encode()
        )
        self._socket = socket.create_connection((place.hostname, place.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, method: bytes, path: bytes, body: bytes = b"") -> tuple[float, bytes]:
        """Milliseconds until the answer was there, and its body."""
        line = b"%s /v1/api%s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (method, path, self._head, len(body))
        started = time.perf_counter()
        self._socket.sendall(line + body)
        head, _, answer = self._socket.recv(65_536).partition(b"\r\n\r\n")
        took = time.perf_counter() - started
        assert head.startswith(b"HTTP/1.1 200 "), f"refused: {head!r} {answer!r}"
        assert f"content-length: {len(answer)}\r".encode() in head.lower() + b"\r", "the answer came in pieces"
        return 1e3 * took, answer


def _asked(terminal: Terminal, seconds: int) -> dict[str, list[float]]:
    """What each kind of request took [ms]; each is sent when its time has come, to the microsecond."""
    found: dict[str, list[float]] = {"account": [], "quote": [], "open": [], "close": []}
    begun = time.perf_counter()
    ticket = 0
    for number in range(seconds * RATE):
        kind = list(found)[number % 4]
        while (rest := begun + number / RATE - time.perf_counter()) > 0:
            time.sleep(rest)
        if kind == "account":
            took, _ = terminal.ask(b"GET", b"/account")
        elif kind == "quote":
            took, _ = terminal.ask(b"GET", b"/quotes/EURUSD")
        elif kind == "open":
            took, answer = terminal.ask(b"POST", b"/trade", BOUGHT)
            ticket = json.loads(answer)["data"]["ticket"]
        else:
            took, _ = terminal.ask(b"DELETE", b"/positions/%d" % ticket)
        found[kind].append(took)
    return found
