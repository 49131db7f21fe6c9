"""The door of a backtest, in process: recorded bars or quotes in a file, and strategies that acknowledge by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.faces.gateway.opened import an_order
from tests.faces.kit.asgi import WebSocketClient
from tradehall.config import check_server, read_config
from tradehall.domain.time import NS_PER_MINUTE, from_rfc3339
from tradehall.wiring.backtest_door import BacktestDoor
from tradehall.wiring.backtest_house import BacktestHouse

BEGIN = "2024-01-02T10:00:00Z"
BEGIN_NS = from_rfc3339(BEGIN)
COMPLETE = "backtest_complete"

# Open, high, low, close of five minutes; each opens away from the close before, so that a fill tells its bar.
BARS = (
    ("100.00", "101.00", "99.00", "100.50"),
    ("102.00", "103.00", "101.50", "102.50"),
    ("104.00", "104.50", "98.00", "99.00"),
    ("97.00", "99.00", "96.00", "98.00"),
    ("95.00", "96.00", "94.01", "95.50"),
)


def write_bars(
    folder: Path, bars: Iterable[Sequence[str]] = BARS, *, name: str = "ACME.1m.csv", every: int = NS_PER_MINUTE
) -> Path:
    """A recording of bars from BEGIN on, a thousand shares each."""
    rows = [f"{(BEGIN_NS + number * every) // 1_000_000},{','.join(bar)},1000" for number, bar in enumerate(bars)]
    return _written(folder / name, "timestamp,open,high,low,close,volume", rows)


def write_quotes(folder: Path, quotes: Iterable[tuple[int, str, str]], *, name: str = "ACME.csv") -> Path:
    """A recording of quotes: (seconds after BEGIN, bid, ask)."""
    rows = [f"{BEGIN_NS // 1_000_000 + second * 1000},{bid},{ask}" for second, bid, ask in quotes]
    return _written(folder / name, "timestamp,bid,ask", rows)


def _written(path: Path, header: str, rows: Iterable[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def words(frames: Iterable[dict[str, Any]]) -> list[str]:
    """What the frames tell, each in a word."""
    return [frame.get("event", frame["type"]) for frame in frames]


@dataclass
class Past:
    """An open door over a past, and what a test moves."""

    house: BacktestHouse
    door: BacktestDoor
    client: httpx.AsyncClient

    def follow(self, **headers: str) -> Strategy:
        return Strategy(WebSocketClient(self.door.app, "/v1/ws", headers=headers))

    async def call(self, method: str, path: str, json: Any = None) -> httpx.Response:
        return await self.client.request(method, path, **({} if json is None else {"json": json}))

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def place(self, **fields: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/orders", an_order(symbol=fields.pop("symbol", "ACME"), **fields))
        assert answer.status_code == 201, answer.text
        handle: dict[str, Any] = answer.json()
        return handle

    async def order(self, handle: dict[str, Any]) -> dict[str, Any]:
        order: dict[str, Any] = await self.get(f"/orders/{handle['id']}")
        return order


@dataclass
class Strategy:
    """A strategy at its socket; what it gets is kept, byte for byte."""

    socket: WebSocketClient
    told: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Strategy:
        await self.socket.__aenter__()
        hello = await self.next()
        assert (hello["type"], hello["event"]) == ("connection", "CONNECTED")
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.socket.__aexit__(*error)

    async def next(self) -> dict[str, Any]:
        """The next frame, pings left out."""
        while True:
            text = await self.socket.receive()
            frame: dict[str, Any] = json.loads(text)
            if frame["type"] != "ping":
                self.told.append(text)
                return frame

    def ack(self, *frames: dict[str, Any] | str) -> None:
        ids = [each if isinstance(each, str) else each["event_id"] for each in frames]
        self.socket.send(json.dumps(
            {"type": "event_ack", "correlation_id": "c", "events_processed": ids, "timestamp": 1}
        ))  # fmt: skip

    async def nothing(self) -> None:
        """Nothing comes, though the loop has had every chance."""
        for _ in range(200):
            await asyncio.sleep(0)
        await asyncio.sleep(0.02)
        assert self.socket.waiting() == 0, "time went on without an acknowledgement"

    async def until(
        self, kind: str, handle: Callable[[dict[str, Any]], Awaitable[None]] | None = None
    ) -> list[dict[str, Any]]:
        """Acknowledge everything up to the first frame of `kind`, which is the last of those returned and is not."""
        found = []
        while True:
            frame = await self.next()
            found.append(frame)
            if frame["type"] == kind:
                return found
            if handle is not None:
                await handle(frame)
            self.ack(frame)


@asynccontextmanager
async def past_opened(folder: Path, recording: Path, **settings: str) -> AsyncIterator[Past]:
    environment = {f"TRADEHALL_{name.upper()}": value for name, value in settings.items()}
    usual = {"MODE": "backtest", "FEED": f"replay:{recording}", "DATA": str(folder / "data")}
    environment = {f"TRADEHALL_{name}": text for name, text in usual.items()} | environment
    config = read_config(environment=environment, folder=folder).config
    check_server(config, demo=False)
    house = BacktestHouse(config)
    door = BacktestDoor(house, log=None, on_open=lambda: None)
    async with lifespan(door.app), httpx.AsyncClient(
        transport=httpx.ASGITransport(door.app), base_url="http://localhost"
    ) as client:  # fmt: skip
        try:
            yield Past(house, door, client)
        finally:
            await door.say_goodbye()


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Start and stop an app as its server would."""
    to_app: asyncio.Queue[Any] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.ensure_future(app({"type": "lifespan"}, to_app.get, from_app.put))
    to_app.put_nowait({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    try:
        yield
    finally:
        to_app.put_nowait({"type": "lifespan.shutdown"})
        await task


def through(folder: Path, recording: Path, steps: Callable[[Past], Awaitable[Any]], **settings: str) -> Any:
    """Open the door over the recording, take the steps, close it; the steps have 20 seconds."""

    async def run() -> Any:
        async with past_opened(folder, recording, **settings) as past:
            return await asyncio.wait_for(steps(past), 20)

    return asyncio.run(run())
