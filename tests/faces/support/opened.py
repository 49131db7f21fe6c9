"""The support door on real rooms: two tenants, people with accounts, strategies that trade; a market moved by hand."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.app.studio.world import MIRA, OTTO, World
from tests.app.studio.world import opened as world_opened
from tests.faces.asking import Asking
from tradehall.adapters.signatures import Ed25519Signer
from tradehall.adapters.sqlite.audit_store import SqliteAudit
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.audit import AuditTrail
from tradehall.app.audit_export import AuditExports
from tradehall.app.explain import Explainer
from tradehall.app.identity.users import NewUser
from tradehall.app.outcome import Outcome, request_digest
from tradehall.app.past import Past
from tradehall.app.records.audit import HOUSE
from tradehall.app.records.users import DEFAULT_DOMAIN, User
from tradehall.app.snapshots import Snapshots
from tradehall.domain.order import OrderTerms, OrderType, Side
from tradehall.engine.commands import ClosePosition, PlaceOrder
from tradehall.faces.kit import App, Door, RateLimiter
from tradehall.faces.support import make_broker_door, make_door
from tradehall.ports.bookkeeping import Bookkeeper
from tradehall.wiring.support import SupportRooms

PREFIX = "/api/support/v1"
OTHER_DOMAIN = "other.example"
ADMIN, AGENT, VIEWER = "admin", "agent", "viewer"
WHY = {"reason": "ticket 4711"}


@dataclass
class Opened(Asking):
    """An open door. Calls are an admin's of the first tenant unless said otherwise."""

    app: App
    door: Door
    broker: Door
    rooms: SupportRooms
    trail: AuditTrail
    world: World
    http: httpx.AsyncClient
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    async def call(
        self, method: str, path: str, json: Any = None, *, role: str | None = ADMIN, domain: str = DEFAULT_DOMAIN,
        prefix: str = PREFIX, **more: Any,
    ) -> httpx.Response:  # fmt: skip
        """One request below the door's prefix; `role` None: without a token."""
        headers = dict(more.pop("headers", {}))
        if role is not None:
            headers.setdefault("authorization", f"Bearer {self.token(role, domain)}")
        if json is not None:
            more["json"] = json
        return await self.http.request(method, prefix + path, headers=headers, **more)

    def token(self, role: str = ADMIN, domain: str = DEFAULT_DOMAIN) -> str:
        """A token of a tenant's desk."""
        if (role, domain) not in self.tokens:
            self.tokens[role, domain] = self.world.identity.partner_tokens.mint(domain, role=role, name=f"{role}@desk")
        return self.tokens[role, domain]

    def user(self, login: int = MIRA) -> User:
        """Whose account that is."""
        found = self.world.identity.book.user_of_login(login)
        assert found is not None
        return found

    async def order(self, quantity: str = "1000", side: str = "BUY", *, login: int = MIRA, **terms: Any) -> Outcome:
        """An order by hand on EURUSD, at market unless a price is said."""
        is_limit = "limit_price" in terms
        wish = OrderTerms(
            account_id=login, symbol="EURUSD", side=Side(side), quantity=Decimal(quantity),
            type=OrderType.LIMIT if is_limit else OrderType.MARKET, **terms,
        )  # fmt: skip
        return await self.world.rooms.desk.submit(PlaceOrder(wish, digest=request_digest(wish)))

    async def close(self, position_id: int, *, login: int = MIRA) -> Outcome:
        """Close a position by hand."""
        return await self.world.rooms.desk.submit(ClosePosition(login, position_id))

    async def trades(self, login: int = MIRA, **filters: Any) -> list[dict[str, Any]]:
        """A user's trades, newest first."""
        page = await self.ok("GET", f"/users/{self.user(login).user_id}/trades", params=filters)
        found: list[dict[str, Any]] = page["items"]
        return found

    async def audit(self, **filters: Any) -> list[dict[str, Any]]:
        """Entries of the audit, newest first."""
        page = await self.ok("GET", "/audit", params=filters)
        found: list[dict[str, Any]] = page["items"]
        return found


MakeBookkeeper = Callable[[SqliteStore], Bookkeeper | None]


def nobody(store: SqliteStore) -> None:
    """The loop does all the bookkeeping."""


@asynccontextmanager
async def opened(
    folder: Path, *, limiter: RateLimiter | None = None, bookkeeper: MakeBookkeeper = nobody, **more: Any
) -> AsyncIterator[Opened]:
    """The door, open; nothing has been asked yet."""
    async with world_opened(folder, **more) as world:
        identity, studio = world.identity, world.rooms
        for domain in (DEFAULT_DOMAIN, OTHER_DOMAIN):
            if domain not in identity.book.partners:
                await identity.partners.create(domain, by=HOUSE)
        if identity.book.user_of_email(OTHER_DOMAIN, "eva@example.test") is None:
            wish = NewUser(email="eva@example.test", first_name="Eva", domain=OTHER_DOMAIN, is_demo=True)
            await identity.users.create(wish, by=HOUSE)
        store = SqliteAudit(world.records)
        trail = AuditTrail(store, world.store.journal, world.clock)
        exports = AuditExports(trail, store, Ed25519Signer(b"a house in a test".ljust(32)), world.clock)
        rooms = SupportRooms(folder / "support", world.store.journal, studio, trail, bookkeeper(world.store))
        rooms.store.lay_over(rooms.overlays.all())
        await rooms.keeper.flush()
        snapshots = Snapshots(folder / "snapshots")
        past = Past(world.store.journal, snapshots, studio.market, world.clock)
        support = rooms.door(world.access, Explainer(studio.desk, past, snapshots, trail), past, exports)
        door, broker = make_door(support), make_broker_door(support)
        app = App((door, broker), limiter=limiter or RateLimiter(enabled=False))
        transport = httpx.ASGITransport(app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                yield Opened(app, door, broker, rooms, trail, world, http)
        finally:
            rooms.close()


__all__ = [
    "ADMIN",
    "AGENT",
    "MIRA",
    "OTHER_DOMAIN",
    "OTTO",
    "PREFIX",
    "VIEWER",
    "WHY",
    "MakeBookkeeper",
    "Opened",
    "nobody",
    "opened",
]
