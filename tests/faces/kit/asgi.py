"""Calls an ASGI app without sockets: requests through httpx, WebSockets through a small session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from types import TracebackType
from typing import Any, TypeVar

import httpx

Message = MutableMapping[str, Any]
T = TypeVar("T")


def run(awaitable: Awaitable[T]) -> T:
    """Run one test's coroutine to its end."""

    async def _run() -> T:
        return await asyncio.wait_for(awaitable, 20)

    return asyncio.run(_run())


class Caller:
    """A synchronous client: `Caller(app).get("/orders")`, or `.call("POST", …)` with httpx's arguments."""

    def __init__(self, app: Any, *, headers: Mapping[str, str] | None = None, host: str = "localhost") -> None:
        self._app = app
        self._headers = dict(headers or {})
        self._base = f"http://{host}"

    def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One request."""

        async def _call() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self._base, headers=self._headers) as client:
                return await client.request(method, path, **arguments)

        return run(_call())

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        """GET."""
        return self.call("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        """POST."""
        return self.call("POST", path, **arguments)


class Refused(Exception):
    """The upgrade was answered with plain HTTP."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        super().__init__(f"{status} {body!r}")
        self.status = status
        self.headers = dict(headers)
        self.body = body


class Closed(Exception):
    """The server closed the WebSocket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class WebSocketClient:
    """One WebSocket to `app`: `async with WebSocketClient(app, "/ws") as socket: await socket.receive()`.

    With `stalled`, the server's sends wait until `resume()`, as on a full socket.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], path: str, *, headers: Any = ()) -> None:
        self._app = app
        url = httpx.URL(f"ws://localhost{path}")
        pairs = [(name.lower().encode(), value.encode()) for name, value in dict(headers).items()]
        if not any(name == b"host" for name, _ in pairs):
            pairs.append((b"host", b"localhost"))
        self._scope: Message = {
            "type": "websocket",
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "headers": pairs,
            "client": ("127.0.0.1", 50_000),
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._open = asyncio.Event()
        self._open.set()

    async def __aenter__(self) -> WebSocketClient:
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.ensure_future(self._app(self._scope, self._to_app.get, self._take))
        answer = await self._next()
        if answer["type"] == "websocket.accept":
            return self
        if answer["type"] == "websocket.http.response.start":
            body = await self._next()
            await self._task
            raise Refused(answer["status"], answer["headers"], body["body"])
        raise Closed(answer.get("code", 1000), answer.get("reason", ""))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1005})
        self._open.set()
        await self._task

    def stall(self) -> None:
        """From now on the socket takes nothing."""
        self._open.clear()

    def resume(self) -> None:
        """The socket has room again."""
        self._open.set()

    def send(self, text: str) -> None:
        """Send a text frame."""
        self._to_app.put_nowait({"type": "websocket.receive", "text": text})

    def send_bytes(self, body: bytes) -> None:
        """Send a binary frame."""
        self._to_app.put_nowait({"type": "websocket.receive", "bytes": body})

    async def receive(self) -> str:
        """The next text frame; Closed if the server closed instead."""
        message = await self._next()
        if message["type"] == "websocket.close":
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": message["code"]})
            raise Closed(message["code"], message.get("reason", ""))
        text: str = message["text"]
        return text

    async def receive_json(self) -> Any:
        """The next text frame, read as JSON."""
        return json.loads(await self.receive())

    async def end(self) -> int:
        """The code that the server closes with, and with nothing before that."""
        message = await self._next()
        assert message["type"] == "websocket.close", message
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": message["code"]})
        code: int = message["code"]
        return code

    def waiting(self) -> int:
        """How many messages came that nobody has looked at."""
        return self._from_app.qsize()

    async def _next(self) -> Message:
        getting = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait({getting, self._task}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        if getting.done():
            return getting.result()
        getting.cancel()
        assert self._task.done(), "the server sent nothing for 10 s"
        self._task.result()
        raise AssertionError("the app ended without a word")

    async def _take(self, message: Message) -> None:
        await self._open.wait()
        self._from_app.put_nowait(message)
