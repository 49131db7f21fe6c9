"""The support desk explains the orders of its own tenant's people, under either name of an order."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.contracts.asks import order
from tests.contracts.one_house import GATEWAY, LOGIN_OF_DOOR, journey
from tradehall.app.explain import Explainer
from tradehall.app.principal import NO_ACCOUNT, Principal, PrincipalKind
from tradehall.app.snapshots import Snapshots
from tradehall.faces.kit import App, Door, RateLimiter, Route
from tradehall.faces.support.errors import SupportErrors
from tradehall.faces.support.routes.orders import get_explanation


def a_desk_of(domain, house, folder):
    """One route of the support door, for whoever has a token of `domain`."""

    def authenticate(request, route):
        return Principal(NO_ACCOUNT, frozenset(), PrincipalKind.PARTNER, domain=domain, role="viewer")

    room = house.client.client
    explainer = Explainer(room.desk, house.past, Snapshots(folder / "snapshots"))
    support: Any = SimpleNamespace(desk=room.desk, identity=room.identity, explainer=explainer)
    route = Route("GET", "/orders/{id}/explain", partial(get_explanation, support))
    door = Door(
        name="support", title="", prefixes=("",), routes=(route,), errors=SupportErrors(), authenticate=authenticate
    )
    return App([door], limiter=RateLimiter(enabled=False))


async def asked(app, path):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        return await http.get(path)


@pytest.mark.parametrize("quantity", ["10000", "90000000"])
def test_an_order_is_explained_to_its_tenant_and_is_not_there_for_another(tmp_path, quantity):
    async def steps(house):
        house.quote("EURUSD", "1.08700", "1.08710")
        login, ask = LOGIN_OF_DOOR[GATEWAY], order(quantity=quantity)
        await house.call(GATEWAY, ask.method, ask.path, ask.body, login=login)
        owner = house.client.client.identity.book.user_of_login(login)
        number = house.desk.state.next_order_id - 1
        ours, theirs = a_desk_of(owner.domain, house, tmp_path), a_desk_of("elsewhere.example", house, tmp_path)
        told = (await asked(ours, f"/orders/ord_{number}/explain")).json()
        assert (told["order_id"], told["user_id"], told["account_login"]) == (f"ord_{number}", owner.user_id, login)
        assert told["steps"][0]["kind"] == "request"
        assert told["redecided"]["same"] is True
        assert (await asked(ours, f"/orders/{number}/explain")).json() == told
        for app, name in ((theirs, f"ord_{number}"), (theirs, number), (ours, "ord_1"), (ours, "nothing")):
            answer = await asked(app, f"/orders/{name}/explain")
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ORDER_NOT_FOUND")

    journey(tmp_path, steps)
