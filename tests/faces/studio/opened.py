"""The studio door on the studio's rooms: real people, their sessions, an operator's tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.app.identity.people import PASSWORD
from tests.app.studio.world import MIRA, World
from tests.app.studio.world import opened as world_opened
from tests.faces.asking import Asking
from tests.faces.kit.asgi import WebSocketClient
from tradehall.app.principal import NO_ACCOUNT
from tradehall.app.records.api_keys import DASHBOARD, OPERATOR, VIEWER, made_key
from tradehall.faces.kit import App, Door, Metrics, RateLimiter
from tradehall.faces.studio import StudioStream, make_door

PREFIX = "/api/studio/v1"


@dataclass
class Opened(Asking):
    """An open door. Calls are Mira's unless said otherwise."""

    app: App
    door: Door
    stream: StudioStream
    world: World
    http: httpx.AsyncClient
    tokens: dict[object, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, json: Any = None, *, by: object = MIRA, **more: Any) -> httpx.Response:
        """One request below the door's prefix, as somebody (a login, viewer, operator; None: nobody)."""
        headers = dict(more.pop("headers", {}))
        if by is not None:
            headers["authorization"] = f"Bearer {await self.token(by)}"
        if json is not None:
            more["json"] = json
        return await self.http.request(method, PREFIX + path, headers=headers, **more)

    async def token(self, by: object) -> str:
        """A token of somebody."""
        if by not in self.tokens:
            self.tokens[by] = await self._made(by)
        return self.tokens[by]

    async def _made(self, by: object) -> str:
        if isinstance(by, int):
            signed = await self.world.identity.signing_in.sign_in(by, PASSWORD, address="10.0.0.1")
            return signed.token
        assert by in (VIEWER, OPERATOR)
        key, secret = made_key(NO_ACCOUNT, self.world.clock.now(), door=DASHBOARD, scopes=(str(by),))
        self.world.identity.book.ring.put(key)
        return secret

    def socket(self) -> WebSocketClient:
        return WebSocketClient(self.app, f"{PREFIX}/ws")

    async def strategy(self, *, by: object = MIRA, **more: Any) -> dict[str, Any]:
        """A strategy of a template."""
        body = {"name": "test", "symbol": "EURUSD", "timeframe": "1m", "template": "ema_cross", **more}
        made: dict[str, Any] = await self.ok("POST", "/strategies", body, status=201, by=by)
        return made

    async def deployment(self, strategy_id: int, *, by: object = MIRA, **more: Any) -> dict[str, Any]:
        """A deployment of 0.01 lots that runs."""
        body = {"strategy_id": strategy_id, "size": "0.01", **more}
        made = await self.ok("POST", "/deployments", body, status=201, by=by)
        await self.world.settle()
        found: dict[str, Any] = await self.ok("GET", f"/deployments/{made['id']}", by=by)
        return found


@asynccontextmanager
async def opened(folder: Path, *, limiter: RateLimiter | None = None) -> AsyncIterator[Opened]:
    """The door, open; nothing has been asked yet."""
    async with world_opened(folder) as world:
        studio = world.rooms.door(world.access)
        stream = StudioStream(studio, Metrics())
        door = make_door(studio, stream)
        app = App((door,), limiter=limiter or RateLimiter(enabled=False))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            yield Opened(app, door, stream, world, http)
