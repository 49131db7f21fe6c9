"""One person never sees, guesses or touches what is another's; and no input is a fault of ours."""

import json

import pytest

from tests.faces.client.opened import MIRA, OTTO, a_trade, journey, rows_of
from tests.faces.client.test_alerts import ALERT, quote
from tests.faces.client.test_belongings import SCRIPT


async def belongings_of_mira(door):
    """One of each thing that has a number."""
    found = {
        "ticket": await door.trade(),
        "pending": await door.pending(),
        "script": (await door.ok("POST", "/script", SCRIPT))["id"],
        "alert": (await door.ok("POST", "/price_alert", ALERT | {"repeat_mode": 1}))["rows"][0][0],
    }
    await quote(door, "1.08900")
    await quote(door, "1.09100")
    found["log"] = rows_of(await door.get("/price_alert/logs"))[0]["id"]
    found["notice"] = rows_of(await door.get("/notify/list"))[0]["id"]
    return found


def touches(of):
    """Every request that names a thing by its number, in every verb it has."""
    for method in ("POST", "DELETE"):
        yield method, "/trade/close", {"order": of["ticket"]}
        yield method, "/trade/close", {"order": of["pending"]}
        yield method, "/trade/cancel", {"order": of["ticket"]}
        yield method, "/trade/cancel", {"order": of["pending"]}
    for method in ("PUT", "POST"):
        for path in ("/trade/modify", "/trade/modify/open", "/trade/modify/pending"):
            yield method, path, {"order": of["ticket"], "sl": 1.0}
            yield method, path, {"order": of["pending"], "sl": 1.0}
        yield method, "/script", SCRIPT | {"id": of["script"]}
        yield method, "/price_alert", ALERT | {"id": of["alert"]}
    yield "GET", f"/script/{of['script']}", None
    yield "DELETE", f"/script/{of['script']}", None
    yield "DELETE", "/script", {"id": of["script"]}
    yield "DELETE", f"/price_alert/{of['alert']}", None
    yield "DELETE", "/price_alert", {"id": of["alert"]}
    yield "DELETE", f"/price_alert/logs/{of['log']}", None
    yield "POST", "/notify/read", {"id": of["notice"]}


@pytest.mark.parametrize("prefix", ["", "/client"])
def test_another_s_things_are_as_if_they_were_not(tmp_path, prefix):
    async def steps(door):
        mira = await belongings_of_mira(door)
        nobody = dict.fromkeys(mira, 999_999_999)
        for (method, path, body), (_, other_path, other_body) in zip(touches(mira), touches(nobody), strict=True):
            foreign = await door.call(method, prefix + path, body, login=OTTO)
            absent = await door.call(method, prefix + other_path, other_body, login=OTTO)
            assert (foreign.status_code, foreign.json()["error"]) == (absent.status_code, absent.json()["error"])
            assert foreign.status_code == 404, (method, path)
        assert {row["order"] for row in await door.trades() if row["symbol"]} == {mira["ticket"], mira["pending"]}
        assert (await door.get(f"/script/{mira['script']}"))["name"] == SCRIPT["name"]
        assert [row["id"] for row in rows_of(await door.get("/price_alert/list"))] == [mira["alert"]]
        assert rows_of(await door.get("/notify/list"))[0]["open_time"] == 0

    journey(tmp_path, steps)


LISTS = [
    "/trades", "/trades?tradeType=1", "/trades/history/login?from=0&to=300000000", "/scripts", "/settings",
    "/price_alert/list", "/price_alert/list?status=3", "/price_alert/logs", "/notify/list",
]  # fmt: skip


def test_lists_hold_one_s_own_and_nothing_else(tmp_path):
    async def steps(door):
        mira = await belongings_of_mira(door)
        await door.ok("PUT", "/settings", {"key": "x", "value": 1})
        for path in LISTS:
            rows = (await door.get(path, login=OTTO))["rows"]
            assert not [row for row in rows if MIRA in (row if isinstance(row, list) else row.values())], path
            assert not [row for row in rows if not isinstance(row, dict) and set(mira.values()) & ints_of(row)], path

    journey(tmp_path, steps)


def ints_of(row):
    return {value for value in row if isinstance(value, int) and value > 1000}


LOGINS = [
    ("GET", "/account/me"), ("GET", "/account/balance"), ("GET", "/trades"), ("GET", "/market"), ("GET", "/market/short/list"),
    ("GET", "/trades/history/login?from=1&to=2"), ("GET", "/market/symbol?symbol=EURUSD"), ("GET", "/market/watch/list"),
    ("GET", "/scripts"), ("GET", "/script/1"), ("GET", "/settings"), ("GET", "/price_alert/list"), ("GET", "/price_alert/logs"),
    ("GET", "/notify/list"), ("DELETE", "/price_alert/logs"), ("DELETE", "/script/1"), ("DELETE", "/price_alert/1"),
    ("DELETE", "/settings?key=x"), ("DELETE", "/market/watch?symbol=EURUSD"),
]  # fmt: skip
BODIES = [
    ("/trade/open", a_trade()), ("/trade/open/pending", a_trade(cmd=2, open_price=1.05)), ("/trade/close", {"order": 1}),
    ("/trade/cancel", {"order": 1}), ("/trade/modify", {"order": 1, "sl": 1}), ("/trade/modify/open", {"order": 1, "sl": 1}),
    ("/trade/modify/pending", {"order": 1, "sl": 1}), ("/market/watch", {"symbol": "EURUSD"}), ("/script", SCRIPT),
    ("/script", {"id": 1, "name": "x"}), ("/settings", {"key": "x", "value": 1}), ("/price_alert", ALERT),
    ("/price_alert", {"id": 1, "message": "x"}), ("/notify/read", {"all": True}),
]  # fmt: skip


def test_the_login_of_another_is_forbidden_everywhere(tmp_path):
    """§12 check 3."""

    async def steps(door):
        for method, path in LOGINS:
            joint = "&" if "?" in path else "?"
            assert await door.refused(method, f"{path}{joint}login={OTTO}") == (403, "PERMISSION_DENIED"), path
            assert await door.refused(method, path, {"login": OTTO}) == (403, "PERMISSION_DENIED"), path
        for path, body in BODIES:
            assert await door.refused("POST", path, body | {"login": OTTO}) == (403, "PERMISSION_DENIED"), path

    journey(tmp_path, steps)


HOSTILE = [
    b"", b"null", b"[]", b"5", b'"x"', b"{", b"{}" * 2, b"\xff\xfe", b'{"login": 1e999}', b"[" * 100_000,
    b'{"order": 99999999999999999999999999999}', b'{"order": -1}', b'{"order": null}', b'{"order": [1]}',
    b'{"order": 1, "volume": 1e400}', b'{"order": 1, "volume": NaN}', b'{"order": 1, "sl": Infinity}',
    b'{"order": 1, "sl": 1e-300}', b'{"order": 1, "sl": 99999999999999999999999999999999999999999999}',
    b'{"cmd": 0, "symbol": "\\ud800", "volume": 1}', b'{"cmd": 0, "symbol": "", "volume": 1}',
    b'{"cmd": 0, "symbol": "EURUSD", "volume": 1, "comment": "\\u0000"}',
    b'{"cmd": 0, "symbol": "EURUSD", "volume": 1, "sl": 1e27, "tp": 1e27}',
    b'{"cmd": 2, "symbol": "EURUSD", "volume": 1, "open_price": 1e-28}',
    b'{"cmd": 2, "symbol": "EURUSD", "volume": 1, "open_price": 1e27}',
    b'{"key": "x", "value": ' + b"[" * 40 + b"]" * 40 + b"}", b'{"key": "x", "value": ' + b"[" * 200 + b"]" * 200 + b"}",
    b'{"settings": {"x": 1e999}}', b'{"settings": null}', b'{"id": true}', b'{"id": 9223372036854775807}',
    b'{"name": "\\ud800", "script": "\\udfff"}', b'{"name": "' + b"x" * 5000 + b'", "script": "y"}',
    b'{"symbol": "EURUSD", "side": 0, "condition": 0, "repeat_mode": 0, "target_price": 1e27}',
    b'{"symbol": "EURUSD", "side": 0, "condition": 0, "repeat_mode": 0, "target_price": 1.5, "expires_at": 9e18}',
    b'{"symbol": "EURUSD", "side": 0, "condition": 0, "repeat_mode": 0, "target_price": 1.5, "expires_at": 4611686018427387904}',
    b'{"login": 700001, "password": "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"}',
    b'{"password": "correct horse", "new_password": "\\ud800abcdef"}',
]  # fmt: skip


def test_no_body_is_a_fault_of_ours(tmp_path):
    async def steps(door):
        writes = [route for route in door.app.doors[0].routes if route.method in ("PUT", "POST", "DELETE")]
        reads = [route for route in door.app.doors[0].routes if route.method == "GET"]
        for route in (*writes, *reads):
            if route.path == "/sign/out":
                continue
            for body in HOSTILE:
                answer = await door.call(
                    route.method,
                    route.path.replace("{id}", "1"),
                    content=body,
                    headers={"content-type": "application/json"},
                )
                assert answer.status_code < 500 or answer.json()["error"] == "RET_TRADE_OFFQUOTES", (
                    route.path,
                    body,
                    answer.text,
                )
                if answer.status_code >= 400:
                    assert answer.json().keys() <= {"error", "message", "code"}, answer.text

    journey(tmp_path, steps)


QUERIES = [
    "limit=999999999999999999999", "limit=", "limit=null", "offset=1e9", "login=", "login=x", "login=%00", "id=%F0%9F%92%A9",
    "symbol=" + "x" * 500, "symbol=%ff", "from=1e99&to=1e99", "from=-99999999999999999&to=5", "where=%5B%5B", "filter=%00",
    "key=%00", "prefix=" + "x" * 70, "status=9", "tradeType=-1", "frame=%00&symbol=EURUSD", "login=1&login=2",
    "where=" + json.dumps([["comment", "\x00"]]), "where=" + json.dumps([["symbol", {"a": 1}]]), "format=%00",
    'where=[["comment","\\ud800"]]', "expiration=5", "count=99999999999999999999&symbol=EURUSD",
]  # fmt: skip


def test_no_query_is_a_fault_of_ours(tmp_path):
    async def steps(door):
        for route in door.app.doors[0].routes:
            if route.method not in ("GET", "DELETE") or route.path == "/sign/out":
                continue
            for query in QUERIES:
                answer = await door.call(route.method, f"{route.path.replace('{id}', '1')}?{query}")
                assert answer.status_code < 500, (route.method, route.path, query, answer.text)

    journey(tmp_path, steps)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 30, "%F0%9F%92%A9", "\u0661", "1/2", "%00"])
def test_a_number_in_a_path_that_is_none_names_nothing(tmp_path, number):
    async def steps(door):
        for method, path in (
            ("GET", "/script"), ("DELETE", "/script"), ("DELETE", "/price_alert"), ("DELETE", "/price_alert/logs"),
        ):  # fmt: skip
            assert (await door.refused(method, f"{path}/{number}"))[0] == 404

    journey(tmp_path, steps)


def test_paths_and_methods_that_are_not_are_said_in_this_door_s_words(tmp_path):
    async def steps(door):
        assert await door.refused("GET", "/client/nothing") == (404, "NOT_FOUND")
        assert await door.refused("PATCH", "/client/account/me") == (405, "METHOD_NOT_ALLOWED")
        too_large = await door.call("POST", "/script", content=b"x" * (1024 * 1024 + 1))
        assert (too_large.status_code, too_large.json()["error"]) == (413, "INVALID_DATA")
        foreign = await door.call("GET", "/account/me", headers={"host": "evil.example"})
        assert (foreign.status_code, foreign.json()["error"]) == (403, "PERMISSION_DENIED")

    journey(tmp_path, steps)
