"""Two people in one house: what is another's is as if it were not, at every door, in every route that takes a number."""

import re
from typing import Any, NamedTuple

import pytest

from tests.contracts.asks import order, pending, ticket, trade
from tests.contracts.one_house import CLIENT, DOORS, GATEWAY, TERMINAL, journey
from tests.faces.client.opened import MIRA, OTTO, rows_of
from tests.faces.client.test_alerts import ALERT
from tests.faces.client.test_belongings import SCRIPT
from tradehall.engine.commands import RegisterStrategy

# Fields by which a request may name something that belongs to somebody.
NAMES_THINGS = frozenset({"id", "order", "ticket", "alert_id", "order_id", "position_id", "strategy_id", "login"})
# Placeholders that name what belongs to nobody.
OF_NOBODY = frozenset({"symbol"})
# All other fields: they say what is wished for, or narrow down one's own. A new field belongs here or above.
NAMES_NOTHING = frozenset(
    re.findall(
        r"\w+",
        """action address all as_of autostart cancel_associated_orders cancel_orders channel_high channel_low city
    client_order_id cmd comment condition count country currency demo description detail deviation display_quantity email
    enabled end expiration expires_at filter format frame from_ group hidden indicator_name ip_allow iso key kind leverage
    limit limit_price magic margin_mode message move_threshold name new_password oco_group_id offset open_price order_type
    password phone post_only prefix price quantity reduce_only reference_price reference_time repeat_mode scope script
    search settings side since sl start state status stop_loss stop_price symbol take_profit target_price time_in_force
    timeframe to tp tradeType trailing_distance trailing_type type until value visibility volume where whereBetween whereIn
    whereNot whereNotBetween whereNotIn zipcode""",
    )
)
NUMBER_OF_NOTHING = 999_999_999
STRATEGY = "3f0c7f5e-52a1-4f0e-9d5b-8b8a8f4f7c11"

# What each number means, by door, path and field, of every route that takes one.
TICKETS, OPEN, PENDING = "order of a ticket", "open", "pending"
MEANINGS = {
    (GATEWAY, "/orders/{order_id}", "order_id"): ("ord_{pending}", "ord_{open}"),
    (GATEWAY, "/orders/{order_id}/explain", "order_id"): ("ord_{pending}", "ord_{open}"),
    (GATEWAY, "/positions/{position_id}", "position_id"): ("pos_{open}",),
    (GATEWAY, "/orders", "position_id"): ("pos_{open}",),
    (GATEWAY, "/orders/preview", "position_id"): ("pos_{open}",),
    (GATEWAY, "/trades", "order_id"): ("ord_{open}",),
    (GATEWAY, "/orders", "strategy_id"): ("{strategy}",),
    (GATEWAY, "/orders/preview", "strategy_id"): ("{strategy}",),
    (CLIENT, "/trade/close", "order"): ("{open}", "{pending}"),
    (CLIENT, "/trade/cancel", "order"): ("{open}", "{pending}"),
    (CLIENT, "/trade/modify", "order"): ("{open}", "{pending}"),
    (CLIENT, "/trade/modify/open", "order"): ("{open}", "{pending}"),
    (CLIENT, "/trade/modify/pending", "order"): ("{open}", "{pending}"),
    (CLIENT, "/script", "id"): ("{script}",),
    (CLIENT, "/script/{id}", "id"): ("{script}",),
    (CLIENT, "/price_alert", "id"): ("{alert}",),
    (CLIENT, "/price_alert/{id}", "id"): ("{alert}",),
    (CLIENT, "/price_alert/logs", "alert_id"): ("{alert}",),
    (CLIENT, "/price_alert/logs", "id"): ("{log}",),
    (CLIENT, "/price_alert/logs/{id}", "id"): ("{log}",),
    (CLIENT, "/notify/read", "id"): ("{notice}",),
    (TERMINAL, "/positions/{ticket}", "ticket"): ("{open}", "{pending}"),
    (TERMINAL, "/positions/{ticket}/close", "ticket"): ("{open}",),
    (TERMINAL, "/trade/modify", "ticket"): ("{open}",),
    (TERMINAL, "/trade/close", "ticket"): ("{open}",),
    (TERMINAL, "/orders/{ticket}", "ticket"): ("{pending}", "{open}"),
    (TERMINAL, "/order/{ticket}", "ticket"): ("{pending}", "{open}"),
    (TERMINAL, "/account/history", "ticket"): ("{open}",),
    (TERMINAL, "/v1/keys/{id}", "id"): ("{key}",),
    (TERMINAL, "/v1/keys/{id}/rotate", "id"): ("{key}",),
}  # fmt: skip
# What else a body needs, so that nothing but the number can be wrong with it.
NEEDED: dict[tuple[str, str], dict[str, Any]] = {
    (GATEWAY, "PATCH /orders/{order_id}"): {"limit_price": "1.04"},
    (GATEWAY, "PATCH /positions/{position_id}"): {"stop_loss": "1.07"},
    (GATEWAY, "POST /orders"): {"symbol": "EURUSD", "side": "SELL", "quantity": "1000", "order_type": "MARKET"},
    (GATEWAY, "POST /orders/preview"): {"symbol": "EURUSD", "side": "SELL", "quantity": "1000", "order_type": "MARKET"},
    (CLIENT, "/trade/modify"): {"sl": 1.04},
    (CLIENT, "/trade/modify/open"): {"sl": 1.04},
    (CLIENT, "/trade/modify/pending"): {"sl": 1.04},
    (CLIENT, "/settings"): {"key": "theme", "value": "light"},
    (CLIENT, "/notify/read"): {},
    (CLIENT, "/trade/open"): ticket().body or {},
    (CLIENT, "/trade/open/pending"): pending(2, 1.05).body or {},
    (CLIENT, "/market/watch"): {"symbol": "EURUSD"},
    (CLIENT, "/trade/close"): {"order": 1},
    (CLIENT, "/trade/cancel"): {"order": 1},
    (CLIENT, "/script"): SCRIPT,
    (CLIENT, "DELETE /script"): {"id": 1},
    (CLIENT, "DELETE /price_alert"): {"id": 1},
    (CLIENT, "/price_alert"): ALERT,
    (TERMINAL, "PUT /positions/{ticket}"): {"sl": 1.04},
    (TERMINAL, "PATCH /positions/{ticket}"): {"sl": 1.04},
    (TERMINAL, "/trade/modify"): {"sl": 1.04},
    (TERMINAL, "PUT /orders/{ticket}"): {"sl": 1.04},
    (TERMINAL, "PATCH /orders/{ticket}"): {"sl": 1.04},
    (TERMINAL, "PUT /order/{ticket}"): {"sl": 1.04},
    (TERMINAL, "PATCH /order/{ticket}"): {"sl": 1.04},
    (TERMINAL, "/v1/keys/{id}"): {"name": "mine now"},
    (TERMINAL, "/v1/keys"): {"name": "mine now", "scope": "full"},
}
# A login is no secret (see below).
ELSEWHERE = {(CLIENT, "/sign/in", "login")}


class Naming(NamedTuple):
    """A route, and the field of it that names something: in the path, the query or the body."""

    door: str
    method: str
    path: str
    field: str
    place: str


def path_of(door, route):
    """A route's path as `House.call` takes it."""
    if door != TERMINAL:
        return route.path
    return f"/v1{route.path}" if route.path.startswith("/keys") else route.path.removeprefix("/api")


def namings_of(house):
    """All routes of all doors that name something, from their route tables."""
    for name, door in house.doors.items():
        for route in door.routes:
            if route.method == "WEBSOCKET":
                continue
            path = path_of(name, route)
            for field in set(re.findall(r"\{(\w+)\}", path)) - OF_NOBODY:
                yield Naming(name, route.method, path, field, "path")
            for place, struct in (("body", route.body), ("query", route.query)):
                for field in NAMES_THINGS & set(getattr(struct, "__struct_fields__", ())):
                    yield Naming(name, route.method, path, field, place)


async def belongings_of_mira(house):
    """One of each thing that has a number, in all doors' words."""
    held = await belongings(house, MIRA)
    await let_alerts_fire(house)
    return held | await what_was_told(house, MIRA)


async def belongings(house, login, mark="hers"):
    """One of each thing that somebody can make; `mark` stands wherever they may say something."""
    held = {}
    bought = await house.call(TERMINAL, "POST", "/trade", trade(sl=1.05, tp=1.2, comment=mark).body, login=login)
    held["open"] = bought.json()["data"]["ticket"]
    resting = {"cmd": 2, "symbol": "EURUSD", "volume": 10, "open_price": 1.05, "sl": 0, "tp": 0, "comment": mark}
    held["pending"] = (await house.call(CLIENT, "POST", "/trade/open/pending", resting, login=login)).json()["order"]
    script = SCRIPT | {"name": mark}
    held["script"] = (await house.call(CLIENT, "POST", "/script", script, login=login)).json()["id"]
    wish = ALERT | {"repeat_mode": 1, "message": mark}
    held["alert"] = (await house.call(CLIENT, "POST", "/price_alert", wish, login=login)).json()["rows"][0][0]
    made = await house.call(TERMINAL, "POST", "/v1/keys", {"name": mark, "scope": "full"}, login=login)
    held["key"], held["secret"] = made.json()["data"]["id"], made.json()["data"]["key"]
    await house.call(CLIENT, "PUT", "/settings", {"key": "note", "value": mark}, login=login)
    held["strategy"] = STRATEGY.replace("3f0c", "3f0c" if login == MIRA else "5e2b")
    assert (await house.desk.submit(RegisterStrategy(login, held["strategy"]))).rejection is None
    return held


async def let_alerts_fire(house):
    """The price rises over what they wait for."""
    for bid in ("1.08900", "1.09100"):
        house.client.pass_s(2)
        house.quote("EURUSD", bid, f"{float(bid) + 0.0001:.5f}")
        await house.client.client.alerts.flush()


async def what_was_told(house, login):
    """The newest of what alerts left behind."""
    log = rows_of(await house.read(CLIENT, "/price_alert/logs", login=login))[0]["id"]
    return {"log": log, "notice": rows_of(await house.read(CLIENT, "/notify/list", login=login))[0]["id"]}


READS = {
    GATEWAY: ("/orders", "/orders/history", "/positions", "/trades", "/account"),
    CLIENT: (
        "/trades", "/account/me", "/scripts", "/script/{script}", "/price_alert/list", "/price_alert/logs", "/notify/list",
        "/settings", "/market/watch/list",
    ),
    TERMINAL: ("/account", "/account/history", "/positions", "/orders", "/v1/keys"),
}  # fmt: skip


async def all_of_mira(house, held):
    """Everything she can read."""
    found = {}
    for door, paths in READS.items():
        for path in paths:
            found[door, path] = await house.read(door, path.format(**held), login=MIRA)
    for key in found[TERMINAL, "/v1/keys"]["data"]:
        del key["last_used_at"]
    return found


def needed_by(naming):
    """What a body must say beside the name."""
    return NEEDED.get((naming.door, f"{naming.method} {naming.path}")) or NEEDED.get((naming.door, naming.path), {})


def request_of(naming, value):
    """Path, body and query that name `value`."""
    path, body, query = naming.path, None, {}
    if naming.method != "GET":
        is_told_by_path = naming.method == "DELETE" and naming.place == "path"
        body = None if is_told_by_path else dict(needed_by(naming))
    if naming.place == "path":
        path = path.replace(f"{{{naming.field}}}", str(value))
    elif naming.method == "GET":
        query[naming.field] = value
    else:
        body = {**(body or {}), naming.field: value}
    return path, body, query


async def tried(house, naming, value):
    """Otto's attempt; its status and what it was answered, the number left out."""
    path, body, query = request_of(naming, value)
    answer = await house.call(naming.door, naming.method, path, body, login=OTTO, params=query)
    said = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\"(latency_ms|time)\": ?\d+", "", answer.text)
    # A refused order has a number of its own, and the sentence names the position by its bare number.
    said = re.sub(r"\"order_id\":\"ord_\d+\"", "", said.replace(str(value), "IT"))
    return answer.status_code, said.replace(str(value).rpartition("_")[2], "ITS NUMBER")


def meanings(naming, held):
    """The values by which a naming could hit something of hers, each with one of the same shape that hits nothing."""
    for pattern in MEANINGS[naming.door, naming.path, naming.field]:
        nothing = pattern.format(**dict.fromkeys(held, NUMBER_OF_NOTHING))
        if "{key}" in pattern:
            nothing = f"key_{NUMBER_OF_NOTHING}"
        if "{strategy}" in pattern:
            nothing = STRATEGY.replace("3f0c", "4a1d")
        yield tuple(int(value) if value.isdigit() else value for value in (pattern.format(**held), nothing))


def test_every_route_that_names_something_is_tried(tmp_path):
    async def steps(house):
        found = {(each.door, each.path, each.field) for each in namings_of(house) if each.field != "login"}
        assert found - ELSEWHERE == MEANINGS.keys(), "a new route that takes a number needs its meaning here"
        fields = {
            field
            for door in house.doors.values()
            for route in door.routes
            for struct in (route.body, route.query)
            for field in getattr(struct, "__struct_fields__", ())
        }
        assert fields == NAMES_THINGS | NAMES_NOTHING, "a new field names something, or it does not: say which"

    journey(tmp_path, steps)


@pytest.mark.parametrize("door", DOORS)
def test_another_s_things_are_as_if_they_were_not(tmp_path, door):
    async def steps(house):
        held = await belongings_of_mira(house)
        before = await all_of_mira(house, held)
        count = 0
        for naming in namings_of(house):
            if naming.door != door or naming.field == "login" or naming[0:1] + naming[2:4] in ELSEWHERE:
                continue
            for hers, nobodys in meanings(naming, held):
                foreign, absent = await tried(house, naming, hers), await tried(house, naming, nobodys)
                assert foreign == absent, naming
                is_a_filter = naming.method == "GET" and naming.place == "query"
                assert foreign[0] == (200 if is_a_filter else status_of(naming)), (naming, foreign)
                count += 1
        assert count >= 10
        assert await all_of_mira(house, held) == before
        used = await house.http.get("/v1/api/account", headers={"authorization": f"Bearer {held['secret']}"})
        assert used.status_code == 200, "her key works on"

    journey(tmp_path, steps)


def status_of(naming):
    """How a door says that there is no such thing."""
    if naming[:3] == (GATEWAY, "POST", "/orders/preview") and naming.field == "position_id":
        return 200  # A preview answers what would become of the wish: here, its refusal.
    if naming[:3] == (GATEWAY, "POST", "/orders") and naming.field == "position_id":
        return 422  # A refusal by the rules, like any other: the order is listed REJECTED.
    return 404


def test_filters_never_reach_what_is_another_s(tmp_path):
    async def steps(house):
        held = await belongings_of_mira(house)
        for number in (held["open"], held["pending"]):
            for clause in (
                f'where=[["order",{number}]]',
                f'whereIn=[["order",[{number}]]]',
                f'where=[["login",{MIRA}]]',
            ):
                assert (await house.read(CLIENT, f"/trades?{clause}", login=OTTO))["rows"] == []
        assert (await house.read(CLIENT, f"/price_alert/logs?alert_id={held['alert']}", login=OTTO))["rows"] == []
        assert (await house.read(TERMINAL, f"/account/history?ticket={held['open']}", login=OTTO))["data"] == []
        assert await house.read(GATEWAY, f"/trades?order_id=ord_{held['open']}", login=OTTO) == []
        assert await house.read(GATEWAY, "/orders?status=FILLED", login=OTTO) == []

    journey(tmp_path, steps)


def test_a_login_that_is_another_s_is_forbidden_wherever_one_can_be_said(tmp_path):
    async def steps(house):
        held = await belongings_of_mira(house)
        before = await all_of_mira(house, held)
        count = 0
        for naming in namings_of(house):
            if naming.field != "login" or naming[0:1] + naming[2:4] in ELSEWHERE:
                continue
            body = None if naming.method == "GET" else {**needed_by(naming), "login": MIRA}
            query = {"login": MIRA, "from": 1, "to": 2, "symbol": "EURUSD"} if naming.method == "GET" else {}
            path = naming.path.replace("{id}", "1")
            answer = await house.call(naming.door, naming.method, path, body, login=OTTO, params=query)
            assert answer.status_code == 403, (naming, answer.text)
            count += 1
        assert count > 30
        assert await all_of_mira(house, held) == before

    journey(tmp_path, steps)


NAMED = {
    GATEWAY: order(client_order_id="mine"),
    CLIENT: ticket()._replace(headers={"Idempotency-Key": "mine"}),
    TERMINAL: trade(client_order_id="mine"),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_name_that_another_used_is_free(tmp_path, door):
    async def steps(house):
        ask, answers = NAMED[door], []
        for login in (MIRA, OTTO, MIRA, OTTO):
            answer = await house.call(door, ask.method, ask.path, ask.body, login=login, headers=dict(ask.headers))
            assert answer.status_code < 300
            answers.append(answer.json())
        hers, his, hers_again, his_again = (str(each) for each in answers)
        assert hers == hers_again != his == his_again
        for login in (MIRA, OTTO):
            assert len(house.account(login).positions) == 1

    journey(tmp_path, steps)


def test_a_group_of_one_cancels_nothing_of_another(tmp_path):
    async def steps(house):
        asked = [order(order_type="LIMIT", limit_price=at, oco_group_id="either").body for at in ("1.07", "1.06")]
        for login in (MIRA, OTTO):
            for body in asked:
                assert (await house.call(GATEWAY, "POST", "/orders", body, login=login)).status_code == 201
        one, _ = house.account(OTTO).orders
        assert (await house.call(GATEWAY, "DELETE", f"/orders/ord_{one}", login=OTTO)).status_code == 200
        assert (await house.call(GATEWAY, "DELETE", "/orders", login=OTTO)).status_code == 200
        assert len(house.account(MIRA).orders) == 2 and not house.account(OTTO).orders
        filters = await house.read(GATEWAY, "/orders?oco_group_id=either", login=OTTO)
        assert filters == []

    journey(tmp_path, steps)
