"""A client of a small server, byte by byte, without sockets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any

from tests.faces.kit.asgi import run
from tests.faces.kit.doors import PlainDialect, a_door
from tradehall.faces.kit import App, Problem, ProblemKind, Response, Route
from tradehall.faces.kit.http import BoundedHttp
from tradehall.faces.kit.serve import Listening, make_server

HOST = "host: localhost\r\n"
LIMIT = 300_000


class Wire(asyncio.Transport):
    """A connection's other end: what was said to it, and whether it is still listened to."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_read = True
        self.has_ended = False
        self.is_closed = False

    def write(self, data):
        assert not self.is_closed
        assert not self.has_ended
        self.sent += data

    def write_eof(self):
        self.has_ended = True

    def close(self):
        self.is_closed = True

    def is_closing(self):
        return self.is_closed

    def pause_reading(self):
        self.is_read = False

    def resume_reading(self):
        self.is_read = True


class Peer:
    """A client of a small server: `/at/once`, `/later` (waits for `let`), `/guarded` (nobody may), POST `/sum`."""

    def __init__(self, **listening: Any) -> None:
        self.begun: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        door = a_door(
            authenticate=self._authenticate,
            routes=(
                Route("GET", "/at/{once}", self._at_once, public=True),
                Route("GET", "/later/{name}", self._later, public=True),
                Route("POST", "/sum", self._sum, public=True),
                Route("POST", "/guarded", self._sum),
            ),
        )
        other = a_door(name="other", prefixes=("/other",), errors=PlainDialect("OTHER_"))
        self.server = make_server(App([door, other], max_body_bytes=LIMIT), Listening(**listening))
        self.server.config.load()
        self.state = self.server.server_state
        self.wire = Wire()
        self.protocol = BoundedHttp(self.server.config, self.state, {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.wire)

    def _authenticate(self, request, route):
        raise Problem(ProblemKind.UNAUTHENTICATED, "Nobody may")

    async def _at_once(self, request):
        self.begun.append(request.params["once"])
        return Response(200, request.params["once"].encode(), content_type=b"text/plain")

    async def _later(self, request):
        name = request.params["name"]
        self.begun.append(name)
        await self.gates.setdefault(name, asyncio.Event()).wait()
        return Response(200, name.encode())

    async def _sum(self, request):
        self.begun.append("sum")
        return Response(200, b"%d" % sum(request.body))

    async def say(self, *data: str | bytes) -> None:
        """Send, each in a packet of its own."""
        for packet in data:
            raw = packet.encode() if isinstance(packet, str) else packet
            await self._outside(self.protocol.data_received, raw)

    async def leave(self) -> None:
        self.wire.is_closed = True
        await self._outside(self.protocol.connection_lost, None)

    async def let(self, name: str) -> None:
        """What waits under this name may go on."""
        self.gates.setdefault(name, asyncio.Event()).set()
        await turns()

    async def _outside(self, callback: Callable[..., object], *arguments: Any) -> None:
        asyncio.get_running_loop().call_soon(callback, *arguments)
        await turns()

    @property
    def heard(self) -> list[tuple[int, str]]:
        """Answers so far: status, body."""
        answers, rest = [], self.wire.sent
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            size = int(length[1]) if length else 0
            answers.append((int(head.split(b" ")[1]), rest[:size].decode()))
            rest = rest[size:]
        return answers


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def conversation(steps: Callable[[Peer], Coroutine[Any, Any, None]], **listening: Any) -> None:
    async def _run() -> None:
        await steps(Peer(**listening))

    run(_run())


def get(path: str, more: str = "", version: str = "1.1") -> str:
    return f"GET {path} HTTP/{version}\r\n{HOST}{more}\r\n"


def post(path: str, size: int, more: str = "") -> str:
    return f"POST {path} HTTP/1.1\r\n{HOST}{more}content-length: {size}\r\n\r\n"
