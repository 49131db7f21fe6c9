"""Who may do what at the terminal: keys, scopes, limits, connection; market data; hostile input."""

from typing import Any

import pytest

from tests.faces.terminal.opened import MIRA, OTTO, a_trade, journey
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND
from tradehall.faces.kit import RateLimiter

SEVENTEEN: tuple[tuple[str, str, Any, str], ...] = (
    # method  path                      body                                                          scope of the route
    ("GET",    "/account",              None,                                                         "read"),
    ("GET",    "/account/history",      None,                                                         "read"),
    ("GET",    "/positions",            None,                                                         "read"),
    ("GET",    "/positions/{position}", None,                                                         "ticket"),
    ("PUT",    "/positions/{position}", {"sl": 1.08},                                                 "trade"),
    ("DELETE", "/positions/{position}", {"volume": 0.01},                                             "trade"),
    ("GET",    "/orders",               None,                                                         "read"),
    ("GET",    "/orders/{order}",       None,                                                         "ticket"),
    ("POST",   "/orders",               {"symbol": "EURUSD", "type": 2, "volume": 0.1, "price": 1.0}, "trade"),
    ("PUT",    "/orders/{order}",       {"price": 1.07},                                              "trade"),
    ("DELETE", "/orders/{order}",       None,                                                         "trade"),
    ("POST",   "/trade",                a_trade(),                                                    "trade"),
    ("POST",   "/trade/close-all",      {},                                                           "trade"),
    ("GET",    "/symbols",              None,                                                         "any"),
    ("GET",    "/symbols/EURUSD",       None,                                                         "any"),
    ("GET",    "/quotes/EURUSD",        None,                                                         "any"),
    ("GET",    "/candles/EURUSD?timeframe=M1", None,                                                  "any"),
)  # fmt: skip
OPENS = {
    "read": ("read", "ticket", "any"),
    "trade": ("trade", "ticket", "any"),
    "full": ("read", "trade", "ticket", "any"),
}


def test_there_are_seventeen(tmp_path):
    async def steps(door):
        documented = {
            (route.method, route.path) for route in door.app.doors[0].routes
            if route.path.startswith("/api/") and not route.hidden and route.method != "WEBSOCKET"
        }  # fmt: skip
        assert len(SEVENTEEN) == len(documented) == 17

    journey(tmp_path, steps)


@pytest.mark.parametrize("scope", ["read", "trade", "full"])
def test_a_key_opens_what_its_scope_says(tmp_path, scope):
    async def steps(door):
        for method, path, body, wanted in SEVENTEEN:
            numbers = {"position": await door.buy(0.1), "order": await door.pend()}
            answer = await door.call(method, path.format(**numbers), body, scope=scope)
            if wanted in OPENS[scope]:
                assert answer.status_code == 200, (method, path, answer.text)
                assert answer.json()["success"] is True
            else:
                assert answer.status_code == 403, (method, path)
                assert answer.json() == {
                    "success": False, "error": "API key scope does not allow this action", "code": "SCOPE_DENIED",
                }  # fmt: skip

    journey(tmp_path, steps)


def test_strangers_are_told_from_those_without_a_header(tmp_path):
    async def steps(door):
        key = await door.key()
        for method, pattern, body, _ in SEVENTEEN:
            path = pattern.format(position=1, order=1)
            assert await door.refused(method, path, body, login=None) == (401, "UNAUTHORIZED")
            for sent in ("", "Basic abc", key, f"Token {key}"):
                headers = {"authorization": sent}
                assert await door.refused(method, path, body, headers=headers) == (401, "UNAUTHORIZED"), sent
            for sent in (
                "Bearer ",
                "Bearer tk_live_unknown",
                f"Bearer {key}x",
                "Bearer gw_abc",
                f"Bearer {key[:-1]}\xe9",
            ):
                headers = {"authorization": sent.encode("latin-1")}
                assert await door.refused(method, path, body, headers=headers) == (403, "INVALID_API_KEY"), sent
        assert (await door.call("GET", "/account", headers={"authorization": f"bearer  {key} "})).status_code == 200
        assert await door.refused("GET", "/nowhere", login=None) == (401, "UNAUTHORIZED")
        assert await door.refused("GET", "/nowhere") == (404, "NOT_FOUND")
        assert await door.refused("POST", "/account") == (405, "METHOD_NOT_ALLOWED")
        assert await door.refused("GET", "/ws") == (426, "UPGRADE_REQUIRED")
        health = await door.call("GET", "/v1/health", login=None)
        assert health.json() == {"success": True, "data": {"status": "ok", "connected": True}}

    journey(tmp_path, steps)


def test_a_hundred_requests_a_second_and_the_refused_cost_nothing(tmp_path):
    seconds = [0.0]

    async def steps(door):
        for _ in range(150):
            assert (await door.call("GET", "/account", login=None)).status_code == 401
            assert (await door.call("POST", "/trade", a_trade(), scope="read")).status_code == 403
        answers = [await door.call("GET", "/symbols/EURUSD", scope="read") for _ in range(150)]
        statuses = [answer.status_code for answer in answers]
        assert statuses == [200] * 100 + [429] * 50
        assert answers[-1].headers["retry-after"] == "1"
        assert answers[-1].json() == {"success": False, "error": "Rate limit exceeded", "code": "RATE_LIMITED"}
        assert (await door.call("GET", "/account")).status_code == 200, "another key has its own"
        seconds[0] += 0.1
        assert [(await door.call("GET", "/account", scope="read")).status_code for _ in range(11)] == [200] * 10 + [429]

    journey(tmp_path, steps, limiter=RateLimiter(clock=lambda: seconds[0]))


def test_without_quotes_everything_but_the_list_of_symbols_and_candles_is_503(tmp_path):
    async def steps(door):
        numbers = {"position": await door.buy(0.1), "order": await door.pend()}
        door.pass_s(31)
        door.terminal.market.check_staleness(door.clock.at)
        for method, path, body, _ in SEVENTEEN:
            answer = await door.call(method, path.format(**numbers), body)
            if path == "/symbols" or path.startswith("/candles"):
                assert answer.status_code == 200, path
            else:
                assert (answer.status_code, answer.json()["error"], answer.json()["code"]) == (
                    503, "Not connected to trading server", "NOT_CONNECTED",
                ), path  # fmt: skip
        assert (await door.call("GET", "/v1/health", login=None)).json()["data"]["connected"] is False
        assert await door.refused("POST", "/trade", a_trade(volume=None)) == (400, "INVALID_PARAMETER"), (
            "what is wrong anyway"
        )
        assert await door.refused("POST", "/trade", a_trade(symbol="NOPE")) == (404, "SYMBOL_NOT_FOUND")
        door.freshen()
        assert (await door.get("/account"))["connected"] is True
        door.stream.say_goodbye()
        assert await door.refused("GET", "/account") == (503, "NOT_CONNECTED")

    journey(tmp_path, steps)


# Keys.


def test_a_key_is_made_shown_once_rotated_changed_and_revoked_by_its_owner(tmp_path):
    async def steps(door):
        mine = await door.session()
        answer = await door.call("POST", "/v1/keys", {"name": "bot", "scope": "trade"}, headers=mine)
        made = answer.json()["data"]
        assert answer.status_code == 201
        secret = made["key"]
        assert secret.startswith("tk_test_") and len(secret) == len("tk_test_") + 32
        assert made == made | {
            "name": "bot",
            "scope": "trade",
            "prefix": secret[:12],
            "last_used_at": None,
            "expires_at": None,
            "revoked_at": None,
        }
        shown = await door.ok("GET", "/v1/keys", headers=mine)
        assert [key["id"] for key in shown] == [made["id"]] and "key" not in shown[0]
        used = {"authorization": f"Bearer {secret}"}
        assert (await door.call("GET", "/symbols", headers=used)).status_code == 200
        assert (await door.ok("GET", "/v1/keys", headers=mine))[0]["last_used_at"] == door.clock.at // NS_PER_MS
        assert await door.refused("GET", "/account", headers=used) == (403, "SCOPE_DENIED")
        patched = await door.ok("PATCH", f"/v1/keys/{made['id']}", {"name": "reader", "scope": "read"}, headers=mine)
        assert (patched["name"], patched["scope"]) == ("reader", "read")
        assert (await door.call("GET", "/account", headers=used)).status_code == 200
        rotated = await door.ok("POST", f"/v1/keys/{made['id']}/rotate", headers=mine)
        assert rotated["id"] == made["id"] and rotated["key"] != secret
        assert await door.refused("GET", "/account", headers=used) == (403, "INVALID_API_KEY")
        fresh = {"authorization": f"Bearer {rotated['key']}"}
        assert (await door.call("GET", "/account", headers=fresh)).status_code == 200
        gone = await door.ok("DELETE", f"/v1/keys/{made['id']}", headers=mine)
        assert gone["revoked_at"] is not None
        assert await door.refused("GET", "/account", headers=fresh) == (403, "INVALID_API_KEY")
        assert await door.refused("POST", f"/v1/keys/{made['id']}/rotate", headers=mine) == (400, "ALREADY_CLOSED")
        assert (await door.ok("DELETE", f"/v1/keys/{made['id']}", headers=mine))["revoked_at"] == gone["revoked_at"]

    journey(tmp_path, steps)


def test_keys_expire_and_may_be_bound_to_addresses(tmp_path):
    async def steps(door):
        mine = await door.session()
        soon = door.clock.at // NS_PER_MS + 5_000
        made = (
            await door.call("POST", "/v1/keys", {"name": "short", "scope": "read", "expires_at": soon}, headers=mine)
        ).json()["data"]
        used = {"authorization": f"Bearer {made['key']}"}
        assert (await door.call("GET", "/account", headers=used)).status_code == 200
        door.clock.at += 5 * NS_PER_SECOND + NS_PER_MS
        assert await door.refused("GET", "/account", headers=used) == (403, "INVALID_API_KEY")
        body = {"name": "there", "scope": "read", "ip_allow": ["10.0.0.0/8"]}
        made = (await door.call("POST", "/v1/keys", body, headers=mine)).json()["data"]
        assert made["ip_allow"] == ["10.0.0.0/8"]
        assert await door.refused("GET", "/account", headers={"authorization": f"Bearer {made['key']}"}) == (
            403,
            "INVALID_API_KEY",
        )

    journey(tmp_path, steps)


@pytest.mark.parametrize(("what", "body", "field"), [
    ("no name",          {"scope": "read"},                                           "name"),
    ("an empty name",    {"name": "", "scope": "read"},                               "name"),
    ("another scope",    {"name": "a", "scope": "admin"},                             "scope"),
    ("in the past",      {"name": "a", "scope": "read", "expires_at": 1},             "expires_at"),
    ("no network",       {"name": "a", "scope": "read", "ip_allow": ["here"]},        "ip_allow"),
    ("an unknown field", {"name": "a", "scope": "read", "rights": "all"},             "rights"),
    ("a name of lines",  {"name": "a\nb", "scope": "read"},                           "name"),
])  # fmt: skip
def test_a_key_is_not_made_of_nonsense(tmp_path, what, body, field):
    async def steps(door):
        answer = await door.call("POST", "/v1/keys", body, headers=await door.session())
        assert (answer.status_code, answer.json()["error"]) == (400, f"Invalid parameter: {field}")

    journey(tmp_path, steps)


def test_keys_are_managed_by_their_owner_alone(tmp_path):
    async def steps(door):
        mine, others = await door.session(MIRA), await door.session(OTTO)
        key_id = (await door.call("POST", "/v1/keys", {"name": "a", "scope": "read"}, headers=mine)).json()["data"][
            "id"
        ]
        for method, path, body in (
            ("POST", f"/v1/keys/{key_id}/rotate", None), ("PATCH", f"/v1/keys/{key_id}", {"name": "b"}), ("DELETE", f"/v1/keys/{key_id}", None),
        ):  # fmt: skip
            assert await door.refused(method, path, body, headers=others) == (404, "NOT_FOUND")
            assert await door.refused(method, path, body) == (401, "UNAUTHORIZED"), "a key does not manage keys"
            assert await door.refused(method, path, body, login=None) == (401, "UNAUTHORIZED")
        assert await door.ok("GET", "/v1/keys", headers=others) == []
        assert await door.refused("GET", f"/v1/keys?login={MIRA}", headers=others) == (403, "FORBIDDEN")
        bearer = {"authorization": f"Bearer {mine['authorization']}"}
        assert key_id in [key["id"] for key in await door.ok("GET", "/v1/keys", headers=bearer)]
        assert await door.refused("PATCH", f"/v1/keys/{key_id}", {}, headers=mine) == (400, "INVALID_PARAMETER")

    journey(tmp_path, steps)


# The market.


def test_symbols_are_listed_searched_and_understood_in_all_spellings(tmp_path):
    async def steps(door):
        answer = (await door.call("GET", "/symbols")).json()
        assert answer["count"] == answer["total"] == len(answer["data"]) == 11
        assert [s["symbol"] for s in await door.get("/symbols?search=euro")] == ["EURUSD"]
        assert {s["group"] for s in await door.get("/symbols?group=crypto")} == {"Crypto"}
        assert await door.get("/symbols?group=none") == []
        for spelling in ("EURUSD", "eurusd", "EUR/USD", "eur%2Fusd"):
            symbol = await door.get(f"/symbols/{spelling}")
            assert symbol == {
                "symbol": "EURUSD", "description": "Euro vs US Dollar (simulated)", "group": "Forex", "base": "EUR", "quote": "USD",
                "digits": 5, "point": 0.00001, "contract_size": 100000, "volume_min": 0.01, "volume_max": 10000000.0,
                "volume_step": 0.01, "stops_level": 0, "bid": 1.0842, "ask": 1.08428, "spread": 8, "trade_mode": "full",
                "market_open": True, "swap_long": -6.0, "swap_short": 2.0, "sessions": [],
            }  # fmt: skip
            quote = await door.get(f"/quotes/{spelling}")
            assert quote == {"symbol": "EURUSD", "bid": 1.0842, "ask": 1.08428, "spread": 8, "time": quote["time"]}
        assert "sessions" not in answer["data"][0]
        assert await door.refused("GET", "/quotes/GBPUSD") == (400, "NO_QUOTE")
        assert await door.refused("GET", "/quotes/NOPE") == (404, "SYMBOL_NOT_FOUND")
        assert await door.refused("GET", "/symbols/NOPE") == (404, "SYMBOL_NOT_FOUND")
        assert (await door.get("/symbols/GBPUSD"))["bid"] is None

    journey(tmp_path, steps)


def test_candles_come_oldest_first_and_the_running_one_says_so(tmp_path):
    async def steps(door):
        for _ in range(5):
            door.pass_s(60)
            door.quote("EURUSD", "1.08500", "1.08508")
        candles = await door.get("/candles/eurusd?timeframe=M1&limit=3")
        assert len(candles) == 3
        assert [candle["time"] for candle in candles] == sorted(candle["time"] for candle in candles)
        assert [candle.get("complete", True) for candle in candles] == [True, True, False]
        assert await door.get("/candles/EURUSD?timeframe=1m&limit=3") == candles
        first = await door.get(f"/candles/EURUSD?timeframe=M1&from={candles[0]['time']}&to={candles[1]['time']}")
        assert first == candles[:2]
        for query in (
            "",
            "timeframe=M2",
            "timeframe=1x",
            "timeframe=M1&limit=0",
            "timeframe=M1&limit=5001",
            "timeframe=M1&from=then",
        ):
            assert await door.refused("GET", f"/candles/EURUSD?{query}") == (400, "INVALID_PARAMETER"), query
        assert await door.refused("GET", "/candles/NOPE?timeframe=M1") == (404, "SYMBOL_NOT_FOUND")

    journey(tmp_path, steps)


@pytest.mark.parametrize("path", [
    "/account/history?limit=0", "/account/history?limit=1001", "/account/history?limit=x", "/account/history?offset=-1",
    "/account/history?kind=none", "/account/history?from=then", "/account/history?ticket=0", "/account/history?limit=1&limit=2",
    "/orders?type=9", "/orders?type=x", "/account?iso=maybe", "/positions/abc", "/positions/0", "/positions/-1", "/positions/1.5",
    "/orders/99999999999999999999", "/orders/%00", "/positions/%E2%91%A0",
])  # fmt: skip
def test_a_malformed_filter_or_ticket_is_400(tmp_path, path):
    async def steps(door):
        assert await door.refused("GET", path) == (400, "INVALID_PARAMETER")

    journey(tmp_path, steps)


def test_unknown_query_fields_are_ignored_and_unknown_symbols_are_not(tmp_path):
    async def steps(door):
        assert await door.get("/positions?colour=red") == []
        assert await door.refused("GET", "/positions?symbol=NOPE") == (404, "SYMBOL_NOT_FOUND")
        long_ago = "/account/history?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z"
        assert len(await door.get(long_ago)) == 1
        assert len(await door.get("/account/history?from=2020-01-01T00:00:00+01:00&to=999999999999999999999")) == 1

    journey(tmp_path, steps)


BODIES = [
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b'{"symbol":"\\ud800","action":"buy","volume":1}', b'{"symbol":"EURUSD","action":"buy","volume":1e999}',
    b'{"symbol":"EURUSD","action":"buy","volume":' + b"9" * 5000 + b"}", b'{"symbol":"EURUSD","action":"' + b"b" * 100_000 + b'","volume":1}',
    b'{"symbol":"EURUSD","action":"buy","volume":0.' + b"0" * 26 + b"1}", b'{"symbol":"EURUSD","action":"buy","volume":1e27}',
    b'{"ticket":1e3}', b'{"ticket":99999999999999999999999}', b'{"ticket":true}', b'{"price":1e27,"sl":1e-28}', b'{"type":{}}',
    b'{"symbol":"EURUSD","type":2,"volume":0.1,"price":1e-28}', b'{"symbol":"EURUSD","type":4,"volume":0.1,"price":1e27,"sl":1e-28}',
    b'{"symbol":"EURUSD","type":"9999999999999999999999","volume":0.1}', b'{"comment":"\\u0000"}', b'{"expires_at":99999999999999999}',
]  # fmt: skip
WRITES = (
    "POST /trade", "POST /orders", "PUT /orders/{order}", "PUT /positions/{position}", "DELETE /positions/7399999",
    "POST /trade/close", "PUT /trade/modify", "POST /trade/close-all", "POST /v1/keys", "PATCH /v1/keys/key_1",
)  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
def test_hostile_bodies_are_refused_in_the_doors_shape(tmp_path, write):
    async def steps(door):
        numbers = {"position": await door.buy(0.1), "order": await door.pend()}
        method, _, path = write.format(**numbers).partition(" ")
        headers = {"content-type": "application/json"}
        if path.startswith("/v1"):
            headers |= await door.session()
        for body in BODIES:
            answer = await door.call(method, path, content=body, headers=headers)
            if (method, path, body) == ("POST", "/trade/close-all", b""):
                assert answer.status_code == 200, "closing everything needs no body"
                continue
            # A price may be as far from the market as it likes.
            expected = (200,) if b'"price":1e-28' in body and path in ("/trade", "/orders") else (400, 404)
            assert answer.status_code in expected, (body[:60], answer.text)
            assert answer.json()["success"] is (expected == (200,))
        big = await door.call(method, path, content=b" " * (1024 * 1024 + 1), headers=headers)
        assert (big.status_code, big.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")

    journey(tmp_path, steps)


def test_an_instant_has_its_iso_twin_on_request(tmp_path):
    async def steps(door):
        ticket = await door.pend()
        order = await door.get(f"/orders/{ticket}?iso=true")
        assert order["created_time_iso"].startswith("20") and order["expiration_iso"] is None
        assert "created_time_iso" not in await door.get(f"/orders/{ticket}")
        data = await door.ok("POST", "/trade?iso=1", a_trade())
        assert data["time_iso"].endswith("Z")

    journey(tmp_path, steps)
