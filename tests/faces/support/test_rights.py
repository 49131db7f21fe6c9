"""Every route of both doors, read from their tables: who may, whose it is, and that nothing sent ever breaks them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.studio.world import BY, UP, opens_on, run
from tests.faces.support.opened import ADMIN, AGENT, OTHER_DOMAIN, PREFIX, VIEWER, Opened, opened
from tradehall.app.scanners.scanners import ScannerFields
from tradehall.faces.kit import Route

RANKS = (VIEWER, AGENT, ADMIN)
REASON = {"reason": "ticket 4711"}
# Bodies with which nothing is wrong but who asks, or for whom.
BODIES: dict[str, dict[str, Any]] = {
    "POST /users": {"email": "new@example.test", "first_name": "New", "last_name": "One", "country": "DE"},
    "PATCH /users/{user}/contact": {"phone": "+4930123"},
    "PUT /users/{user}/status": {"status": "active"},
    "POST /users/{user}/password-reset": {},
    "PUT /strategies/{id}/publication": {"published": False},
    "PATCH /deployments/{id}": {"action": "pause"},
    "PATCH /trades/{id}": {"result": "win"},
    "POST /register_user": {"email": "new@example.test", "first_name": "New", "country": "DE"},
}
# What the query must say of the broker layer's routes: {} stands for the number of what is named.
QUERIES: dict[str, dict[str, str]] = {
    "new_user_email": {"new_user_email": "other@example.test"},
    "phone": {"phone": "+4930123"},
    "is_active": {"is_active": "true"},
    "should_delete": {"should_delete": "true"},
    "should_publish": {"should_publish": "false"},
    "new_password": {"new_password": "another-one-1"},
    "result": {"result": "win"},
}
# Of a tenant and of nobody in particular: lists that are empty elsewhere.
OF_THE_TENANT = {
    "/users", "/audit", "/audit/export", "/audit/key", "/health", "/password-resets/complete", "/get_registered_users",
    "/register_user",
}  # fmt: skip


class Asking(NamedTuple):
    """A request that names something of Mira's."""

    method: str
    path: str
    prefix: str
    query: dict[str, str]
    body: dict[str, Any] | None


async def belongings(desk: Opened) -> dict[str, str]:
    """One of each thing that has a number, by what paths and parameters call it."""
    world, user = desk.world, desk.user()
    await world.quote("1.1000")
    strategy = await world.strategy(opens_on(UP))
    deployment = await world.deploy(strategy)
    fields = ScannerFields(name="s", pattern_type="CDLHAMMER", universe=("EURUSD",), timeframe="1h")
    scanner = await world.rooms.scanners.create(fields, world.owner(700_001), by=BY)
    bought = await desk.order()
    assert bought.order is not None
    await desk.close(bought.order.order_id)
    trade = (await desk.trades())[0]["id"]
    reset = await desk.ok("POST", f"/users/{user.user_id}/password-reset", REASON, status=202)
    return {
        "user": str(user.user_id), "user_email": user.email, "strategies": str(strategy.strategy_id),
        "strategy_id": str(strategy.strategy_id), "strategy_keygen": strategy.keygen,
        "deployments": str(deployment.deployment_id), "deployment_id": str(deployment.deployment_id),
        "scanners": str(scanner.scanner_id), "scanner_id": str(scanner.scanner_id), "trades": str(trade),
        "trade_id": str(trade), "orders": f"ord_{bought.order.order_id}", "reset_id": reset["reset_id"],
    }  # fmt: skip


def askings(desk: Opened, held: dict[str, str]) -> Iterator[tuple[Route, Asking]]:
    """A good request to every route, from the route tables."""
    for door, prefix in ((desk.door, PREFIX), (desk.broker, "/broker")):
        for route in door.routes:
            names = re.findall(r"\{(\w+)\}", route.path)
            path = route.path
            for name in names:
                kind = path.split("/")[1] if name == "id" else name
                path = path.replace(f"{{{name}}}", held[kind])
            fields = getattr(route.query, "__struct_encode_fields__", ())
            query = {name: held[name] for name in fields if name in held and (prefix == "/broker" or name == "user")}
            for name in fields:
                query |= QUERIES.get(name, {}) if prefix == "/broker" else {}
            if "reason" in fields:
                query |= REASON
            body = BODIES.get(f"{route.method} {route.path}")
            if route.body is not None:
                body = {**(body or {}), **({} if prefix == "/broker" else REASON)}
            yield route, Asking(route.method, path, prefix, {k: v for k, v in query.items() if k != "user"}, body)


async def ask(desk: Opened, asking: Asking, **more: Any) -> Any:
    return await desk.call(asking.method, asking.path, asking.body, prefix=asking.prefix, params=asking.query, **more)


def test_every_route_is_closed_to_strangers_and_lower_roles_and_empty_to_another_tenant(tmp_path: Path):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            held = await belongings(desk)
            for route, asking in list(askings(desk, held)):
                name = f"{route.method} {asking.prefix}{route.path}"
                if route.public:
                    continue
                assert (await ask(desk, asking, role=None)).status_code == 401, name
                for role in RANKS[: RANKS.index(route.scope)] if route.scope else ():
                    refused = await ask(desk, asking, role=role)
                    assert refused.status_code == 403, (name, role, refused.text)
                    # Before existence: what is not there is forbidden all the same.
                    gone = asking._replace(path=re.sub(r"\d{1,}", "999999", asking.path))
                    assert (await ask(desk, gone, role=role)).status_code == 403, (name, role)
                foreign = await ask(desk, asking, domain=OTHER_DOMAIN)
                if route.path not in OF_THE_TENANT:
                    assert foreign.status_code == 404, (name, foreign.status_code, foreign.text)
                    unknown = await ask(desk, asking._replace(
                        path=asking.path.replace(held["user"], "424242") if "user" in route.path else asking.path,
                    ), domain=OTHER_DOMAIN)  # fmt: skip
                    assert shown(unknown) == shown(foreign), name
                for word in ("mira", held["strategy_keygen"]):
                    assert word not in foreign.text, name

    run(story())


def shown(answer: Any) -> tuple[int, Any]:
    """An answer without the request's own name."""
    body = answer.json()
    error = body.get("error")
    return answer.status_code, (error["code"], error["message"]) if isinstance(error, dict) else error


def test_a_good_request_to_every_route_is_answered_and_told(tmp_path: Path):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            held = await belongings(desk)
            for route, asking in list(askings(desk, held)):
                answer = await ask(desk, asking, role=None if route.public else ADMIN)
                assert answer.status_code < 500, (route.method, route.path, answer.text)
                assert answer.status_code not in {401, 403, 405}, (route.method, route.path, answer.text)
                assert answer.status_code != 422 or "complete" in route.path, (route.method, route.path, answer.text)
                if not route.public:
                    assert "x-request-id" in answer.headers, route.path
                    assert "ratelimit-limit" in answer.headers, route.path

    run(story())


def test_a_misspelt_parameter_never_looks_like_success(tmp_path: Path):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            held = await belongings(desk)
            for route, asking in list(askings(desk, held)):
                if route.public or asking.prefix != PREFIX:
                    continue
                misspelt = asking._replace(query=asking.query | {"staus": "active"})
                answer = await ask(desk, misspelt)
                assert answer.status_code == 422, (route.method, route.path, answer.text)
                assert answer.json()["error"]["details"]["fields"][0]["field"] == "staus"

    run(story())


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20),
    st.sampled_from(["\x00", "1e999", "-1", "2026-13-01T00:00:00Z", "ord_", "'; --", "0" * 400, "١٢"]),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_hostile_values_are_refused_and_never_break_a_route(tmp_path_factory: pytest.TempPathFactory, data: Any):
    async def story() -> None:
        async with opened(tmp_path_factory.mktemp("hostile")) as desk:
            held = await belongings(desk)
            for route, asking in list(askings(desk, held)):
                fields = getattr(route.query, "__struct_encode_fields__", ())
                query = {name: str(data.draw(JUNK))[:200] for name in fields}
                body = None
                if route.body is not None:
                    names = route.body.__struct_encode_fields__
                    body = {name: data.draw(JUNK) for name in names} | (
                        {"reason": "because"} if "reason" in names else {}
                    )
                text = data.draw(st.text(min_size=1, max_size=12))
                path = asking.path if data.draw(st.booleans()) else re.sub(r"/(\d+)", f"/{quoted(text)}", asking.path)
                junk = Asking(asking.method, path, asking.prefix, query, body)
                answer = await ask(desk, junk, role=None if route.public else ADMIN)
                assert answer.status_code < 500, (route.method, path, query, body, answer.text)

    run(story())


def quoted(text: str) -> str:

    return quote(text, safe="", errors="replace") or "x"
