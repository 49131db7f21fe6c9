"""Who comes and goes beside the steady load: sockets, sign-ins, makers of strategies, and people who mean harm."""

import asyncio
import contextlib
import json
import random
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import httpx
import websockets.asyncio.client as ws
from websockets.exceptions import WebSocketException

from bench.callers import Caller
from bench.soak.steady import Steady

STAY_S_MAX: Final = 20.0
TESTED_WITHIN_S: Final = 30
SILENT: Final = 0.1  # Of the sockets never read what they are told.
ABRUPT: Final = 0.4  # Of the sockets leave without a word.
BODY_TOO_LARGE: Final = b"[" * (3 * 2**20)
Visit = Callable[["Visitors"], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Sheet:
    """What visitors know of the server: where it is, and keys of every kind."""

    url: str
    people: list[Caller]
    gateway_key: str
    terminal_key: str
    operator: str
    support: str


class Visitors:
    """All of them, by one pair of dice."""

    def __init__(self, sheet: Sheet, steady: Steady) -> None:
        self.sheet = sheet
        self.dice = random.Random(2)
        self.http = httpx.AsyncClient(base_url=sheet.url, timeout=30)
        self._steady = steady
        self.streamed = 0

    async def call(self, name: str, method: str, path: str, **more: Any) -> httpx.Response | None:
        """One request, counted; None when it was not answered."""
        started = time.perf_counter()
        try:
            answer = await self.http.request(method, path, **more)
        except httpx.HTTPError as error:
            self._steady.note(name, 599, time.perf_counter() - started, repr(error).encode())
            return None
        self._steady.note(name, answer.status_code, time.perf_counter() - started, answer.content)
        return answer

    async def signed_in(self) -> str:
        """The token of one of the people; AssertionError where that is refused, which nobody here deserves."""
        answer = await self.call("sign in", "POST", "/client/sign/in", json=self.credentials())
        assert answer is not None and answer.is_success, f"nobody signs in: {answer and answer.text}"
        return str(answer.json()["__token"])

    def credentials(self) -> dict[str, Any]:
        """Somebody's."""
        person = self.dice.choice(self.sheet.people)
        return {"login": person.login, "password": person.password}

    async def come(self, visit: Visit, every_s: float, until: float) -> None:
        """A visitor each `every_s` seconds, one after the other or side by side, and none after `until`."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as visits:
            while loop.time() < until:
                visits.create_task(self._made(visit))
                await asyncio.sleep(every_s * self.dice.uniform(0.5, 1.5))

    async def _made(self, visit: Visit) -> None:
        try:
            await visit(self)
        except Exception as error:  # One visit that goes wrong fails the soak at its end, and does not end it.
            self._steady.note(f"visit: {visit.__name__}", 599, 0.0, repr(error).encode())


async def sign_in_and_out(visitors: Visitors) -> None:
    """A session that is ended, and one in five that is forgotten."""
    token = await visitors.signed_in()
    headers = {"authorization": token}
    await visitors.call("me", "GET", "/client/account/me", headers=headers)
    if visitors.dice.random() < 0.8:
        await visitors.call("sign out", "POST", "/client/sign/out", headers=headers)


async def stranger(visitors: Visitors) -> None:
    """A wrong password. So seldom that the address, which is everybody's here, is not locked out."""
    wrong = {**visitors.credentials(), "password": f"wrong {visitors.dice.random()}"}
    await visitors.call("stranger", "POST", "/client/sign/in", json=wrong)


async def socket(visitors: Visitors) -> None:
    """A stream of one of the doors: says who it is, listens for a while or not at all, leaves politely or not."""
    sheet, dice = visitors.sheet, visitors.dice
    token = await visitors.signed_in() if dice.random() < 0.3 else ""
    operator = {"type": "auth", "token": sheet.operator}
    ways: list[tuple[str, list[Any]]] = [
        ("/v1/ws", []),
        ("/v1/ws", [{"type": "ping"}]),
        ("/ws/client", [{"authorization": token}, {"event": "subscribe", "data": ["EURUSD", "GBPUSD"]}]),
        ("/v1/api/ws", [{"type": "auth", "apiKey": sheet.terminal_key},
                        {"type": "subscribe", "symbols": ["EURUSD"], "channels": ["positions", "account"]}]),
        ("/api/trading/ws", [operator, {"type": "subscribe", "topics": ["order", "fill", "quote", "account", "audit"],
                                        "symbols": [], "strategy_id": None}]),
        ("/api/studio/v1/ws", [{"token": sheet.operator}]),
        ("/", [{"type": "auth", "apiKey": sheet.terminal_key}]),
        (dice.choice(["/ws/client", "/v1/api/ws", "/api/studio/v1/ws", "/"]), [{"what": "nonsense"}, "\x00" * 999]),
    ]  # fmt: skip
    path, words = dice.choice(ways)
    headers = {"authorization": f"Bearer {sheet.gateway_key}"} if path == "/v1/ws" else {}
    with contextlib.suppress(WebSocketException, OSError, TimeoutError):
        line = await ws.connect(sheet.url.replace("http", "ws", 1) + path, additional_headers=headers, max_queue=4)
        try:
            for word in words:
                await line.send(json.dumps(word))
            await listen(visitors, line, dice.uniform(0.1, STAY_S_MAX))
        finally:
            await leave(line, is_abrupt=dice.random() < ABRUPT)


async def listen(visitors: Visitors, line: ws.ClientConnection, seconds: float) -> None:
    """Read what comes; some take nothing at all, and their window fills."""
    if visitors.dice.random() < SILENT:
        await asyncio.sleep(seconds)
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                await line.recv()
                visitors.streamed += 1


async def leave(line: ws.ClientConnection, *, is_abrupt: bool) -> None:
    """By the closing handshake, or by hanging up."""
    if is_abrupt:
        line.transport.abort()
    await line.close()


async def maker(visitors: Visitors) -> None:
    """A strategy from its making to its end: deployed, paused, asked why, backtested, stopped, deleted."""
    headers = {"authorization": f"Bearer {await visitors.signed_in()}"}

    async def do(method: str, path: str, body: Any = None, **more: str) -> Any:
        answer = await visitors.call(
            f"maker {method} {path.rstrip('0123456789')}", method, f"/api/studio/v1{path}", json=body,
            headers={**headers, **more},
        )  # fmt: skip
        return answer.json() if answer is not None and answer.content and answer.is_success else {"id": 0}

    wish = {"name": "one of a soak", "symbol": "EURUSD", "timeframe": "1m", "template": "heartbeat"}
    key = f"soak-{visitors.dice.random()}"
    made = await do("POST", "/strategies", wish, **{"idempotency-key": key})
    await do("POST", "/strategies", wish, **{"idempotency-key": key})
    strategy = made["id"]
    size = {"strategy_id": strategy, "size": "0.01", "size_type": "lots"}
    deployed = (await do("POST", "/deployments", size))["id"]
    await asyncio.sleep(visitors.dice.uniform(8, 20))
    for path in ("why", "signals", "equity"):
        await do("GET", f"/deployments/{deployed}/{path}")
    await do("POST", f"/deployments/{deployed}/pause")
    await do("POST", f"/deployments/{deployed}/resume")
    await do("PUT", f"/strategies/{strategy}", {"name": "one with another name"})
    scanner = await do("POST", "/scanners", {
        "name": "soaked", "pattern_type": "CDLDOJI", "universe": ["EURUSD", "GBPUSD"], "timeframe": "1m",
    })  # fmt: skip
    await do("POST", f"/scanners/{scanner['id']}/run")
    await do("DELETE", f"/scanners/{scanner['id']}")
    await do("POST", f"/deployments/{deployed}/stop", {"policy": "flatten"})
    await do("DELETE", f"/strategies/{strategy}?deployments=stop")


async def curious(visitors: Visitors) -> None:
    """An order, and why it became what it is: a part of the history is decided again for that."""
    headers = {"authorization": f"Bearer {visitors.sheet.gateway_key}"}
    wish = {"symbol": "AAPL", "side": "BUY", "quantity": "1e9", "order_type": "MARKET"}
    await visitors.call("curious order", "POST", "/v1/orders", json=wish, headers=headers)
    listed = await visitors.call("curious list", "GET", "/v1/orders/history?limit=1", headers=headers)
    if listed is not None and (found := re.search(r'"(ord_\d+)"', listed.text)):
        await visitors.call("curious explain", "GET", f"/v1/orders/{found[1]}/explain", headers=headers)
        await visitors.call("curious as of", "GET", f"/v1/account?as_of={stamp(-30)}", headers=headers)


def stamp(seconds: float) -> str:
    """An instant so far from now, as RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


async def tester(visitors: Visitors) -> None:
    """A backtest beside the server, its report read, and taken away again."""
    headers = {"authorization": f"Bearer {await visitors.signed_in()}"}
    base = "/api/studio/v1"
    wish = {"name": "to be tested", "symbol": "EURUSD", "timeframe": "1h", "template": "ema_cross"}
    made = await visitors.call("tester make", "POST", f"{base}/strategies", json=wish, headers=headers)
    if made is None or not made.is_success:
        return
    path = f"{base}/strategies/{made.json()['id']}/backtests"
    run = await visitors.call("tester run", "POST", path, json={}, headers=headers)
    if run is None or not run.is_success:
        return
    path = f"{base}/backtests/{run.json()['id']}"
    for _ in range(TESTED_WITHIN_S):
        await asyncio.sleep(1)
        found = await visitors.call("tester look", "GET", path, headers=headers)
        if found is None or found.json().get("state") not in ("queued", "running"):
            break
    for part in ("/report", "/trades"):
        await visitors.call("tester read", "GET", path + part, headers=headers)
    await visitors.call("tester delete", "DELETE", path, headers=headers)


async def hostile(visitors: Visitors) -> None:
    """One of many ways to be rude over HTTP; each is to be refused, none may be a 5xx."""
    dice = visitors.dice
    odd = f"{dice.random()}"
    ways: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/orders", {"content": b'{"symbol":'}),
        ("POST", "/v1/orders", {"content": BODY_TOO_LARGE}),
        ("POST", "/v1/orders", {"content": b"\xff\xfe\x00" * 99}),
        ("POST", "/v1/orders", {"content": b"[" * 50_000}),
        ("POST", "/v1/orders", {"json": {"symbol": odd, "side": "BUY", "quantity": "1e999999999"}}),
        ("GET", f"/v1/orders/ord_{dice.randrange(10**30)}", {}),
        ("GET", f"/nothing/{odd}/{odd}", {}),
        ("GET", "/v1/account", {"headers": {"authorization": f"Bearer gw_{odd}"}}),
        ("GET", "/v1/api/account", {"headers": {"authorization": f"Bearer tk_test_{odd}"}}),
        ("GET", "/client/account/me", {"headers": {"authorization": f"eyJh.{odd}.x"}}),
        ("GET", "/api/studio/v1/strategies", {"headers": {"authorization": f"Bearer {odd}"}}),
        ("GET", "/api/support/v1/users", {"headers": {"authorization": f"Bearer eyJh.{odd}.x"}}),
        ("POST", "/client/sign/in", {"json": {"login": odd, "password": ["secret"]}}),
        ("GET", "/client/trades?where=" + "%5B" * 500, {}),
        ("GET", "/api/trading/orders?limit=99999&since=yesterday", {}),
        ("PUT", f"/api/budget/{odd}/USD", {"json": {"allocated": -1}}),
        ("GET", "/v1/account", {"headers": {"host": "evil.example"}}),
        ("GET", "/v1/account", {"headers": {"origin": "http://evil.example"}}),
        ("POST", "/api/studio/v1/strategies/validate",
         {"json": {"definition": {"rules": [[]] * 999}}, "headers": {"authorization": visitors.sheet.operator}}),
        ("POST", "/api/studio/v1/strategies/validate",
         {"content": b'{"definition":{"rules":1e-320}}', "headers": {"authorization": visitors.sheet.operator}}),
        (f"ODD{dice.randrange(10**6)}", "/v1/orders", {}),
    ]  # fmt: skip
    method, path, more = dice.choice(ways)
    await visitors.call("hostile", method, path, **more)


async def slow(visitors: Visitors) -> None:
    """A bare connection that says half of something, or nothing, and hangs up after a while."""
    host, _, port = visitors.sheet.url.removeprefix("http://").partition(":")
    said = visitors.dice.choice([
        b"", b"GET /v1/account HTTP/1.1\r\nHost: ", b"\x16\x03\x01" + b"\x00" * 200, b"GET " + b"/x" * 40_000,
        b"POST /v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{",
        b"POST /v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n{",
    ])  # fmt: skip
    with contextlib.suppress(OSError):
        _, line = await asyncio.open_connection(host, int(port))
        line.write(said)
        await asyncio.sleep(visitors.dice.uniform(0.1, 10))
        line.close()
        await line.wait_closed()


# Who comes how often, in seconds between two of them.
VISITS: Final[tuple[tuple[Visit, float], ...]] = (
    (sign_in_and_out, 2.0),
    (stranger, 75.0),
    (socket, 0.5),
    (maker, 10.0),
    (tester, 120.0),
    (curious, 15.0),
    (hostile, 0.2),
    (slow, 1.0),
)
