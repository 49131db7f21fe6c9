"""What one door does is told on the streams of all, to the owner of the account and to nobody else."""

import json
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest

from tests.contracts.asks import Ask, order, ticket, trade
from tests.contracts.one_house import CLIENT, DOORS, GATEWAY, LOGIN_OF_DOOR, TERMINAL, journey
from tests.faces.client.opened import OTTO
from tests.faces.kit.asgi import WebSocketClient

LOGIN = LOGIN_OF_DOOR[CLIENT]
BUY = {
    GATEWAY: order(symbol="EURUSD", stop_loss="1.08", take_profit="1.095"),
    CLIENT: ticket(sl=1.08, tp=1.095),
    TERMINAL: trade(sl=1.08, tp=1.095),
}
CLOSE = {
    GATEWAY: Ask("DELETE", "/positions/pos_{n}"),
    CLIENT: Ask("DELETE", "/trade/close", {"order": "{n}"}),
    TERMINAL: Ask("DELETE", "/positions/{n}"),
}
PATHS = {GATEWAY: "/v1/ws", CLIENT: "/ws/client", TERMINAL: "/v1/api/ws"}


async def streams_of(house, stack, login):
    """A socket at each door, opened by the owner of an account, that has said its hello."""
    sockets = {}
    for door, path in PATHS.items():
        sent = (await house.credential(door, login))["authorization"]
        socket = WebSocketClient(house.app, path, headers={"authorization": sent} if door == GATEWAY else {})
        sockets[door] = await stack.enter_async_context(socket)
        if door == CLIENT:
            socket.send(json.dumps({"authorization": sent}))
        if door == TERMINAL:
            socket.send(json.dumps({"type": "auth", "apiKey": sent.removeprefix("Bearer ")}))
            await socket.receive()
            socket.send(
                json.dumps({"type": "subscribe", "channels": ["positions", "orders", "account", "notifications"]})
            )
        await socket.receive()
    return sockets


async def next_that(socket, is_it):
    """The first frame that is asked for; those before it are left."""
    while not is_it(frame := await socket.receive_json()):
        pass
    return frame


IS_OPENED = {
    GATEWAY: lambda frame: frame.get("event") == "POSITION_OPENED",
    CLIENT: lambda frame: frame[0] == "o" and frame[-1] == 0,
    TERMINAL: lambda frame: (frame["type"], frame.get("event")) == ("position", "opened"),
}
IS_CLOSED = {
    GATEWAY: lambda frame: frame.get("event") == "POSITION_CLOSED",
    CLIENT: lambda frame: frame[0] == "o" and frame[-1] == 6,
    TERMINAL: lambda frame: (frame["type"], frame.get("event")) == ("position", "closed"),
}


async def heard(sockets, is_it):
    return {door: await next_that(socket, is_it[door]) for door, socket in sockets.items()}


async def sent(house, door, ask, number=0):
    text = json.dumps(ask.body).replace('"{n}"', str(number))
    path = ask.path.replace("{n}", str(number))
    answer = await house.call(door, ask.method, path, json.loads(text), login=LOGIN)
    assert answer.status_code < 300, answer.text


@pytest.mark.parametrize("door", DOORS)
def test_opened_and_closed_are_told_at_every_door_with_one_number(tmp_path, door):
    async def steps(house):
        async with AsyncExitStack() as stack:
            sockets, strangers = await streams_of(house, stack, LOGIN), await streams_of(house, stack, OTTO)
            await sent(house, door, BUY[door])
            [number] = house.account(LOGIN).positions
            opened = await heard(sockets, IS_OPENED)
            assert opened[GATEWAY]["position"]["id"] == f"pos_{number}"
            assert opened[GATEWAY]["position"]["quantity"] == "10000"
            _, ticket_number, login, symbol, cmd, volume, open_price, *_ = opened[CLIENT]
            assert (ticket_number, login, symbol, cmd, volume, open_price) == (number, LOGIN, "EURUSD", 0, 10, 1.0871)
            shown = opened[TERMINAL]["data"]
            assert (shown["ticket"], shown["volume"], shown["open_price"]) == (number, 0.1, 1.0871)
            house.quote("EURUSD", "1.09000", "1.09010")
            await sent(house, door, CLOSE[door], number)
            closed = await heard(sockets, IS_CLOSED)
            assert closed[GATEWAY]["position"]["id"] == f"pos_{number}"
            assert Decimal(closed[GATEWAY]["position"]["realized_pnl"]) == 29
            assert (closed[CLIENT][1], closed[CLIENT][7], closed[CLIENT][15]) == (number, 1.09, 29.0)
            shown = closed[TERMINAL]
            assert (shown["data"]["ticket"], shown["close_price"], shown["profit"]) == (number, 1.09, 29.0)
            for each, socket in strangers.items():
                assert socket.waiting() == 0, f"another person heard of it at the door {each}"

    journey(tmp_path, steps)
