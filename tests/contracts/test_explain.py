"""An order is explained to its owner, whichever door it came through, and to nobody else."""

from typing import Any

import pytest

from tests.contracts.asks import order, ticket, trade
from tests.contracts.one_house import CLIENT, DOORS, GATEWAY, LOGIN_OF_DOOR, TERMINAL, journey
from tradehall.app.explain.events import _TELLERS
from tradehall.faces.client import frames as of_client
from tradehall.faces.gateway import frames as of_gateway
from tradehall.faces.terminal import frames as of_terminal
from tradehall.wiring.explaining import STREAMS

BUY = {GATEWAY: order(), CLIENT: ticket(), TERMINAL: trade()}


@pytest.mark.parametrize("door", DOORS)
def test_an_order_through_any_door_is_explained_to_its_owner_alone(tmp_path, door):
    async def steps(house):
        house.quote("EURUSD", "1.08700", "1.08710")
        ask, login = BUY[door], LOGIN_OF_DOOR[door]
        assert (await house.call(door, ask.method, ask.path, ask.body, login=login)).status_code < 300
        [position] = house.account(login).positions.values()
        path = f"/orders/ord_{position.position_id}/explain"
        told = await house.read(GATEWAY, path, login=login)
        assert (told["outcome"], told["account_login"], told["redecided"]["same"]) == ("FILLED", login, True)
        kinds = [step["kind"] for step in told["steps"]]
        assert kinds[:4] == ["request", "quotes", "checks", "accepted"]
        assert f"through the {door} door: BUY 0.1 lots (10,000 units) of EUR/USD" in told["steps"][0]["text"]
        assert kinds.index("filled") > 3
        stranger = next(other for other in LOGIN_OF_DOOR.values() if other != login)
        hidden = await house.call(GATEWAY, "GET", path, login=stranger)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "ORDER_NOT_FOUND")

    journey(tmp_path, steps)


@pytest.mark.parametrize("name", ["ord_1", "ord_x", "7300001", "pos_7300001", "ord_99999999999999999999"])
def test_what_is_no_order_is_not_found(tmp_path, name):
    async def steps(house):
        answer = await house.call(GATEWAY, "GET", f"/orders/{name}/explain", login=LOGIN_OF_DOOR[GATEWAY])
        assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_FOUND")

    journey(tmp_path, steps)


def test_a_refused_order_is_explained_too(tmp_path):
    async def steps(house):
        house.quote("EURUSD", "1.08700", "1.08710")
        login, ask = LOGIN_OF_DOOR[GATEWAY], order(quantity="90000000")
        refused = await house.call(GATEWAY, ask.method, ask.path, ask.body, login=login)
        assert refused.status_code == 422
        told = await house.read(GATEWAY, f"/orders/{refused.json()['details']['order_id']}/explain", login=login)
        assert told["outcome"] == "REJECTED"
        assert told["text"].startswith("Refused: needs ")
        assert told["text"].endswith("would have passed")

    journey(tmp_path, steps)


def test_what_an_explanation_says_of_streams_is_what_they_are_made_of():
    of_doors: dict[str, Any] = {
        "gateway": of_gateway._TELL,
        "client": of_client._TELL,
        "terminal": of_terminal.ORDER_WORDS,
    }
    for door, table in of_doors.items():
        told = {kind for kind in table if _TELLERS[kind] is not None}
        assert told <= STREAMS[door].keys(), f"{door} tells more than is explained"
