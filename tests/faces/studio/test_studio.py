"""The studio door: who may see what, how one asks, and how it says no."""

import json
import re
from typing import Any

import pytest

from tests.app.studio.world import MIRA, OTTO, run
from tests.faces.studio.opened import opened
from tradehall.app.records.api_keys import OPERATOR, VIEWER
from tradehall.app.strategies.templates import TEMPLATES

SCANNER = {"name": "hammers", "pattern_type": "CDLHAMMER", "universe": ["EURUSD"], "timeframe": "1m"}
NUMBER_OF_NOTHING = 999_999_999
# What a route's body needs, so that nothing but the number can be wrong with it.
BODIES = {
    ("PUT", "/strategies/{id}"): {"name": "mine now"},
    ("PUT", "/scanners/{id}"): {"name": "mine now"},
}


def say(socket, **words):
    socket.send(json.dumps(words))


async def heard(socket):
    return json.loads(await socket.receive())


async def belongings(house):
    """One of each thing that has a number, Mira's, by the first word of its path."""
    strategy = await house.strategy()
    deployment = await house.deployment(strategy["id"])
    scanner = await house.ok("POST", "/scanners", SCANNER, status=201)
    backtest = await house.ok("POST", f"/strategies/{strategy['id']}/backtests", status=202)
    return {
        "strategies": strategy["id"], "deployments": deployment["id"], "scanners": scanner["id"],
        "backtests": backtest["id"], "marketplace": strategy["id"],
    }  # fmt: skip


def test_what_is_anothers_is_not_there_in_any_route(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            numbers = await belongings(house)
            asked = 0
            for route in house.door.routes:
                if "{id}" not in route.path:
                    continue
                kind = route.path.split("/")[1]
                said = set()
                for number in (numbers[kind], NUMBER_OF_NOTHING):
                    path = route.path.replace("{id}", str(number)).replace("{n}", "1")
                    answer = await house.call(route.method, path, BODIES.get((route.method, route.path)), by=OTTO)
                    assert answer.status_code == 404, (route.method, route.path, answer.text)
                    error = answer.json()["error"]
                    said.add(re.sub(rf"\b{number}\b", "it", f"{error['code']} {error['message']} {error['details']}"))
                assert len(said) == 1, (route.method, route.path, said)
                asked += 1
            assert asked >= 25
            for kind in ("strategies", "deployments", "scanners", "backtests"):
                assert (await house.ok("GET", f"/{kind}", by=OTTO))["total"] == 0
                assert (await house.ok("GET", f"/{kind}", by=OPERATOR))["total"] == 1
            wish = {"strategy_id": numbers["strategies"], "size": "0.01"}
            assert (await house.refused("POST", "/deployments", wish, by=OTTO))[0] == 404

    run(journey())


def test_another_persons_account_is_not_there(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            strategy = await house.strategy()
            wish = {"strategy_id": strategy["id"], "size": "0.01", "account_login": OTTO}
            assert await house.refused("POST", "/deployments", wish) == (404, "NOT_FOUND")

    run(journey())


def test_every_route_wants_a_token_and_a_viewer_changes_nothing(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            for route in house.door.routes:
                if route.method == "WEBSOCKET":
                    continue
                path = re.sub(r"\{\w+\}", "1", route.path)
                assert await house.refused(route.method, path, by=None) == (401, "TOKEN_MISSING")
                if route.method != "GET":
                    assert await house.refused(route.method, path, by=VIEWER) == (403, "ROLE_FORBIDDEN")
            answer = await house.http.get("/api/studio/v1/strategies", headers={"authorization": "Bearer nonsense"})
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")

    run(journey())


def test_a_token_is_taken_raw_and_as_bearer(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            token = await house.token(MIRA)
            for text in (token, f"Bearer {token}", f"bearer {token}"):
                answer = await house.http.get("/api/studio/v1/strategies", headers={"authorization": text})
                assert answer.status_code == 200

    run(journey())


HOSTILE = [
    # what it is                 the definition                                                       where it is wrong
    ("no object",                [],                                                                  "definition"),
    ("nothing to do",            {"rules": []},                                                       "definition.rules"),
    ("an unknown word",          {"rules": [{"when": {"beyond": ["close", "1"]}, "do": [{"open": "long"}]}]}, "definition.rules[0].when"),
    ("an unknown indicator",     {"inputs": {"x": {"indicator": "MAGIC"}}, "rules": [{"when": {"above": ["x", "1"]}, "do": [{"open": "long"}]}]}, "definition.inputs.x.indicator"),
    ("an absurd period",         {"inputs": {"x": {"indicator": "EMA", "of": "close", "period": 10**9}}, "rules": [{"when": {"above": ["x", "1"]}, "do": [{"open": "long"}]}]}, "definition.inputs.x.period"),
    ("no number",                {"rules": [{"when": {"above": ["close", "NaN"]}, "do": [{"open": "long"}]}]}, "definition.rules[0].when.above[1]"),
    ("a negative distance",      {"rules": [{"when": {"above": ["close", "1"]}, "do": [{"open": "long", "stop_loss": {"percent": "-5"}}]}]}, "definition.rules[0].do[0].stop_loss.percent"),
    ("too many rules",           {"rules": [{"when": {"above": ["close", "1"]}, "do": [{"open": "long"}]}] * 1000}, "definition.rules"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "definition", "path"), HOSTILE, ids=[each[0] for each in HOSTILE])
def test_a_definition_that_cannot_run_is_refused_with_the_path_of_the_block(tmp_path, what, definition, path):
    async def journey():
        async with opened(tmp_path) as house:
            judged = await house.ok("POST", "/strategies/validate", {"definition": definition})
            assert judged["valid"] is False and judged["problems"] and judged["text"] == ""
            if isinstance(definition, list):
                return
            body = {"name": "bad", "symbol": "EURUSD", "timeframe": "1m", "definition": definition}
            answer = await house.call("POST", "/strategies", body)
            assert answer.status_code == 422
            fields = [each["field"] for each in answer.json()["error"]["details"]["fields"]]
            assert any(field.startswith(path) for field in fields), fields
            assert (await house.ok("GET", "/strategies"))["total"] == 0

    run(journey())


def test_a_definition_may_be_nested_and_long_only_so_far(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            deep: dict[str, Any] = {"above": ["close", "1"]}
            for _ in range(40):
                deep = {"not": deep}
            definition = {"rules": [{"when": deep, "do": [{"open": "long"}]}]}
            judged = await house.call("POST", "/strategies/validate", {"definition": definition})
            assert judged.status_code == 400 or judged.json()["valid"] is False
            long = {"inputs": {"x" * 100_000: {}}, "rules": []}
            assert (await house.ok("POST", "/strategies/validate", {"definition": long}))["valid"] is False

    run(journey())


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_every_template_makes_a_strategy_that_speaks_plainly(tmp_path, template):
    async def journey():
        async with opened(tmp_path) as house:
            made = await house.strategy(template=template)
            assert made["status"] == "active" and made["text"]
            assert made["definition"] == TEMPLATES[template]

    run(journey())


def test_exactly_one_of_definition_and_template_unless_it_is_a_draft(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            plain = {"name": "x", "symbol": "EURUSD", "timeframe": "1m"}
            both = plain | {"template": "breakout", "definition": TEMPLATES["breakout"]}
            for body in (plain, both):
                assert await house.refused("POST", "/strategies", body) == (422, "VALIDATION_FAILED")
            draft = await house.ok("POST", "/strategies", plain | {"draft": True}, status=201)
            assert draft["status"] == "draft"
            assert await house.refused("POST", "/deployments", {"strategy_id": draft["id"], "size": "0.01"}) == (
                409, "NOT_DEPLOYABLE",
            )  # fmt: skip
            ready = await house.ok("PUT", f"/strategies/{draft['id']}", {"definition": TEMPLATES["breakout"]})
            assert (ready["status"], ready["definition_version"]) == ("active", 1)

    run(journey())


def test_every_definition_is_a_version_that_can_be_read_again(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            made = await house.strategy()
            await house.ok("PUT", f"/strategies/{made['keygen']}", {"definition": TEMPLATES["breakout"]})
            page = await house.ok("GET", f"/strategies/{made['id']}/versions")
            assert [each["version"] for each in page["items"]] == [2, 1]
            first = await house.ok("GET", f"/strategies/{made['id']}/versions/1")
            assert first["definition"] == TEMPLATES["ema_cross"]
            assert (await house.refused("GET", f"/strategies/{made['id']}/versions/3"))[0] == 404

    run(journey())


def test_a_change_that_was_not_seen_is_412(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            made = await house.strategy()
            path, body = f"/strategies/{made['id']}", {"name": "new"}
            stale = await house.call("PUT", path, body, headers={"if-match": '"7"'})
            assert (stale.status_code, stale.json()["error"]["code"]) == (412, "VERSION_MISMATCH")
            assert (await house.call("PUT", path, body, headers={"if-match": '"1"'})).json()["version"] == 2
            wrong = await house.call("PUT", path, body, headers={"if-match": "yesterday"})
            assert wrong.status_code == 422

    run(journey())


def test_a_repeated_key_gives_the_first_answer_and_another_request_is_refused(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            body = {"name": "x", "symbol": "EURUSD", "timeframe": "1m", "template": "breakout"}
            key = {"idempotency-key": "once"}
            first = await house.call("POST", "/strategies", body, headers=key)
            again = await house.call("POST", "/strategies", body, headers=key)
            assert (again.status_code, again.content) == (201, first.content)
            assert again.headers["idempotent-replayed"] == "true"
            other = await house.refused("POST", "/strategies", body | {"name": "y"}, headers=key)
            assert other == (422, "IDEMPOTENCY_MISMATCH")
            assert (await house.ok("GET", "/strategies"))["total"] == 1
            # Keys are each caller's own.
            assert (await house.call("POST", "/strategies", body, headers=key, by=OTTO)).status_code == 201
            bad = body | {"symbol": "NOPE"}
            refusals = [
                await house.call("POST", "/strategies", bad, headers={"idempotency-key": "bad"}) for _ in range(2)
            ]
            assert [each.status_code for each in refusals] == [422, 422]
            assert refusals[1].headers["idempotent-replayed"] == "true"

    run(journey())


def test_pages_are_cut_and_counted(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            for number in range(3):
                await house.strategy(name=f"s{number}")
            page = await house.ok("GET", "/strategies?size=2&page=2&sort=name")
            assert ([each["name"] for each in page["items"]], page["total"], page["pages"]) == (["s2"], 3, 2)
            assert (await house.ok("GET", "/strategies?page=9"))["items"] == []
            for wrong in ("size=0", "size=101", "page=0", "sort=colour", "status=lost"):
                assert (await house.refused("GET", f"/strategies?{wrong}"))[0] == 422
            assert (await house.ok("GET", "/strategies?q=S1"))["total"] == 1

    run(journey())


def test_unknown_fields_are_refused(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            body = {"name": "x", "symbol": "EURUSD", "timeframe": "1m", "template": "breakout", "leverag": 3}
            assert await house.refused("POST", "/strategies", body) == (422, "VALIDATION_FAILED")

    run(journey())


def test_a_running_strategy_is_not_deleted_unless_its_deployments_are_to_stop(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            made = await house.strategy()
            running = await house.deployment(made["id"])
            path = f"/strategies/{made['id']}"
            assert await house.refused("DELETE", path) == (409, "STRATEGY_HAS_LIVE_DEPLOYMENTS")
            deleted = await house.ok("DELETE", f"{path}?deployments=stop")
            assert deleted["effects"] == {"unpublished": False, "deployments_stopped": [running["id"]]}
            await house.world.settle()
            assert (await house.ok("GET", f"/deployments/{running['id']}"))["state"] == "stopped"
            assert await house.refused("POST", f"/deployments/{running['id']}/restart") == (409, "PRECONDITION_FAILED")
            assert (await house.ok("POST", f"{path}/restore"))["status"] == "active"
            assert await house.refused("POST", f"{path}/restore") == (409, "STRATEGY_NOT_DELETED")

    run(journey())


def test_publishing_needs_a_backtest_and_is_no_affair_of_a_copy(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            made = await house.strategy()
            answer = await house.call("POST", f"/strategies/{made['id']}/publish")
            assert answer.json()["error"]["details"]["problems"] == ["no_backtest"]
            copy = await house.ok("POST", f"/strategies/{made['id']}/copy", status=201)
            answer = await house.call("POST", f"/strategies/{copy['id']}/publish")
            assert answer.json()["error"]["details"]["problems"] == ["no_backtest", "copied"]
            assert (await house.ok("GET", f"/strategies/{made['id']}"))["copier_count"] == 1

    run(journey())


def test_live_is_refused_clearly(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            made = await house.strategy()
            wish = {"strategy_id": made["id"], "size": "0.01", "mode": "live"}
            assert await house.refused("POST", "/deployments", wish) == (409, "LIVE_UNAVAILABLE")

    run(journey())


@pytest.mark.parametrize(("what", "wish", "field"), [
    ("no size",            {},                                                       "size"),
    ("a size of nothing",  {"size": "0"},                                            "size"),
    ("half a step",        {"size": "0.015"},                                        "size"),
    ("an unknown symbol",  {"size": "0.01", "symbols": ["EURUSD", "NOPE"]},          "symbols[1]"),
    ("yesterday",          {"size": "0.01", "expires_at": "2020-01-01T00:00:00Z"},   "expires_at"),
    ("a strange currency", {"size": "0.01", "budget": {"currency": "$", "allocated": "1"}}, "budget.currency"),
    ("less than nothing",  {"size": "0.01", "budget": {"currency": "USD", "allocated": "-1"}}, "budget.allocated"),
    ("too many positions", {"size": "0.01", "limits": {"max_open_positions": 0}},    "limits.max_open_positions"),
])  # fmt: skip
def test_a_deployment_that_makes_no_sense_is_refused_with_the_field(tmp_path, what, wish, field):
    async def journey():
        async with opened(tmp_path) as house:
            made = await house.strategy()
            answer = await house.call("POST", "/deployments", {"strategy_id": made["id"], **wish})
            assert answer.status_code == 422
            assert [each["field"] for each in answer.json()["error"]["details"]["fields"]] == [field]
            assert (await house.ok("GET", "/deployments"))["total"] == 0

    run(journey())


def test_why_it_has_not_traded_is_told_with_conditions_and_values(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            definition = {"rules": [{"when": {"above": ["close", "2"]}, "do": [{"open": "long"}]}]}
            made = await house.strategy(template=None, definition=definition)
            running = await house.deployment(made["id"])
            before = await house.ok("GET", f"/deployments/{running['id']}/why")
            assert before["summary"] == "Nothing can be opened now: there is no quote of EURUSD yet."
            await house.world.minute("1.0800", "1.0810")
            told = await house.ok("GET", f"/deployments/{running['id']}/why")
            (evaluation,) = told["evaluations"]
            condition = evaluation["rules"][0]["condition"]
            assert (condition["verdict"], condition["values"][0]["value"]) == ("unmet", 1.081)
            assert "no rule was met" in told["summary"] and told["next_look_at"]

    run(journey())


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59Z", "2030-01-15T10:30:00+02:00", "2030-01-15T10:30:00 02:00"])
def test_a_period_may_end_in_any_year_and_with_a_plus_sign_that_nobody_encoded(tmp_path, until):
    async def journey():
        async with opened(tmp_path) as house:
            scanner = await house.ok("POST", "/scanners", SCANNER, status=201)
            matches = await house.ok("GET", f"/scanners/{scanner['id']}/matches", params={"to": until})
            assert (matches["items"], matches["total"]) == ([], 0)

    run(journey())


def test_a_scanner_finds_what_is_there_at_the_last_bar(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            await house.world.minute("1.0800", "1.0810")
            body = SCANNER | {"pattern_type": "condition", "condition": {"when": {"above": ["close", "open"]}}}
            made = await house.ok("POST", "/scanners", body, status=201)
            for _ in range(2):
                found = await house.ok("POST", f"/scanners/{made['id']}/run")
                assert [each["symbol"] for each in found["matches"]] == ["EURUSD"]
            assert (await house.ok("GET", f"/scanners/{made['id']}/matches"))["total"] == 1
            await house.world.rooms.watch.turn()
            await house.world.minute("1.0810", "1.0805")
            await house.world.minute("1.0805", "1.0815")
            await house.world.rooms.watch.turn()
            assert (await house.ok("GET", f"/scanners/{made['id']}"))["match_count"] == 2
            refused = await house.refused("POST", "/scanners", SCANNER | {"pattern_type": "tea leaves"})
            assert refused == (422, "VALIDATION_FAILED")

    run(journey())


def test_the_stream_tells_ones_own_and_counts(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            made = await house.strategy()
            async with house.socket() as mine, house.socket() as others:
                say(mine, token=await house.token(MIRA))
                say(others, token=await house.token(OTTO))
                assert (await heard(mine))["type"] == "ready"
                assert (await heard(others))["type"] == "ready"
                await house.deployment(made["id"])
                frames = [await heard(mine) for _ in range(2)]
                assert [(each["type"], each["seq"], each["data"]["state"]) for each in frames] == [
                    ("deployment", 2, "starting"), ("deployment", 3, "running"),
                ]  # fmt: skip
                await house.world.rooms.keeper.keep()
                told = await heard(mine)
                assert (told["type"], told["seq"], told["data"]["point"]["realized_pnl"]) == ("equity", 4, "0.00")
                say(others, type="ping")
                assert (await heard(others))["type"] == "pong"

    run(journey())


def test_a_stream_without_a_good_token_is_hung_up_on(tmp_path):
    async def journey():
        async with opened(tmp_path) as house:
            socket = house.socket()
            async with socket:
                say(socket, token="nonsense")
                assert (await heard(socket))["code"] == "TOKEN_INVALID"

    run(journey())
