"""The door itself: who may what, what strangers are told, limits, hostile input, the documents."""

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faces.dashboard.opened import ACCOUNT, Opened, journey
from tradehall.faces.kit import WEBSOCKET, document

# A body with which each writing route does something, or finds nothing to do it to.
BODIES: dict[str, dict[str, object]] = {
    "/trading/strategies": {"name": "a", "strategy_id": "a", "account_id": str(ACCOUNT), "instrument_id": "AAPL"},
    "/trading/orders": {
        "account_id": str(ACCOUNT), "instrument_id": "AAPL", "side": "BUY", "order_type": "MARKET", "quantity": 1,
    },
    "/trading/orders/preview": {
        "account_id": str(ACCOUNT), "instrument_id": "AAPL", "side": "BUY", "order_type": "MARKET", "quantity": 1,
    },
    "/trading/orders/{client_order_id}": {"quantity": 2},
    "/trading/positions/{position_id}/close": {"account_id": str(ACCOUNT)},
    "/trading/accounts/{account_id}/state": {"state": "NORMAL"},
    "/trading/strategies/{strategy_id}/state": {"state": "NORMAL"},
    "/trading/kill-switch": {"account_id": str(ACCOUNT)},
    "/budget/{strategy_id}/{currency}": {"allocated": 1},
}  # fmt: skip


def rest(door: Opened):
    return [route for route in door.app.doors[0].routes if route.method != WEBSOCKET]


def filled(path: str) -> str:
    values = {"client_order_id": "none", "strategy_id": "none", "account_id": str(ACCOUNT), "currency": "USD"}
    return re.sub(r"{(\w+)}", lambda match: values.get(match[1], "none"), path)


def test_strangers_are_sent_away_everywhere_and_a_viewer_from_all_that_changes(tmp_path):
    async def steps(door):
        routes = rest(door)
        assert len(routes) == 32
        for route in routes:
            body = BODIES.get(route.path) if route.method in {"POST", "PUT", "PATCH"} else None
            path = filled(route.path)
            for token in (None, "op_nobody", "gw_nobody", ""):
                if token == "":
                    continue
                answer = await door.call(route.method, path, body, token=token)
                assert answer.status_code == 401, (route.path, token)
                assert answer.json().keys() == {"detail"} and answer.headers["www-authenticate"] == "Bearer"
            answer = await door.call(route.method, path, body, token=door.viewer)
            writes = route.method != "GET" and not route.path.endswith("preview")
            assert (answer.status_code == 403) is writes, (route.method, route.path, answer.text)
            answer = await door.call(route.method, path, body)
            assert answer.status_code not in {401, 403, 500}, (route.path, answer.text)

    journey(tmp_path, steps)


def test_in_open_mode_nobody_needs_a_token_but_one_that_is_presented_counts(tmp_path):
    async def steps(door):
        path = f"/trading/accounts/{ACCOUNT}/state"
        assert (await door.call("PUT", path, {"state": "NORMAL"}, token=None)).status_code == 200
        assert (await door.call("PUT", path, {"state": "NORMAL"}, token=door.viewer)).status_code == 403
        assert (await door.call("GET", "/trading/orders", token="op_wrong")).status_code == 401
        assert (await door.call("GET", "/trading/orders", headers={"authorization": "Basic x"})).status_code == 401
        system = (await door.call("GET", "/trading/system", token=None)).json()
        assert (system["auth"], system["role"], system["mode"]) == ("open", "operator", "SIMULATED")
        assert (await door.call("GET", "/trading/system", token=door.viewer)).json()["role"] == "viewer"

    journey(tmp_path, steps, is_open=True)


def test_unknown_paths_and_methods_are_answered_in_the_doors_shape(tmp_path):
    async def steps(door):
        for path in ("/trading/nothing", "/budget", "/trading"):
            answer = await door.call("GET", path)
            assert (answer.status_code, answer.json().keys()) == (404, {"detail"}), path
        assert (await door.call("POST", "/trading/fills")).status_code == 405
        broken = await door.call("POST", "/trading/orders", '{"account_id": ')
        assert broken.status_code == 422
        (detail,) = broken.json()["detail"]
        assert (detail["loc"], detail["type"]) == (["body"], "json_invalid")
        missing = await door.call("POST", "/trading/orders", {"account_id": str(ACCOUNT)})
        (detail,) = missing.json()["detail"]
        assert (detail["loc"], detail["type"]) == (["body", "instrument_id"], "missing")

    journey(tmp_path, steps)


def test_reads_and_writes_have_limits_of_their_own(tmp_path):
    async def steps(door):
        answers = [await door.call("GET", "/trading/system") for _ in range(140)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert limited and int(limited[0].headers["retry-after"]) >= 1
        assert (await door.call("GET", "/trading/system", token=door.viewer)).status_code == 200
        path = f"/trading/accounts/{ACCOUNT}/state"
        codes = [(await door.call("PUT", path, {"state": "NORMAL"})).status_code for _ in range(40)]
        assert codes[0] == 200 and 429 in codes

    journey(tmp_path, steps, limits=True)


TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "0", "-1", "1e999", "NaN", "null", "ord_99999999999999999999", "pos_1", "%00", "a/b", "../x", "💥"]
    ),
)
VALUES = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


def test_nothing_that_is_sent_breaks_the_door(tmp_path):
    async def steps(door):
        await door.order(client_order_id="one")
        keygen = await door.strategy()

        async def send(route, texts, query, body):
            names = iter(texts)
            path = re.sub(
                r"{\w+}",
                lambda match: keygen if route.path.startswith("/budget") else _segment(next(names)),
                route.path,
            )
            text = json.dumps(body) if body is not None else None
            answer = await door.call(route.method, path, text, params=query)
            assert answer.status_code < 500, (route.method, path, query, text, answer.text)
            assert answer.status_code == 204 or answer.headers["content-type"] == "application/json"

        for route in rest(door):
            for texts, query, body in _cases(route):
                await send(route, texts, query, body if route.method in {"POST", "PUT", "PATCH"} else None)
        # And it still works.
        assert (await door.get("/trading/orders/one"))["status"] == "FILLED"

    journey(tmp_path, steps)


def _cases(route) -> list[tuple[list[str], dict[str, str], object]]:
    cases = []
    fields = [] if route.query is None else list(route.query.__struct_fields__)
    bodies = st.one_of(VALUES, st.fixed_dictionaries(dict.fromkeys(BODIES.get(route.path, {}), VALUES)))
    queries = st.dictionaries(st.sampled_from(fields or ["x"]), TEXTS, max_size=3)

    @settings(max_examples=12, database=None, deadline=None)
    @given(st.lists(TEXTS, min_size=3, max_size=3), queries, bodies)
    def gather(texts, query, body):
        cases.append((texts, query, body))

    gather()
    return cases


def _segment(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "replace")) or "-"


def test_the_document_names_every_route_and_answers_with_what_it_says(tmp_path):
    async def steps(door):
        described = document([door.app.doors[0]], title="Dashboard", version="1")
        assert len([1 for methods in described["paths"].values() for _ in methods]) == len(rest(door)) + 1
        row = described["components"]["schemas"]["Order"]["properties"]
        await door.order()
        assert (await door.get("/trading/orders"))[0].keys() == row.keys()

    journey(tmp_path, steps)
