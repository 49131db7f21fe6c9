"""Where the client's door shares a path with another: credentials and first frames decide."""

import json

import pytest

from tests.faces.client.opened import journey
from tests.faces.client.test_stream import frame_of
from tests.faces.kit.asgi import WebSocketClient
from tradehall.faces.client.auth import is_for_this_door
from tradehall.faces.client.errors import ClientErrors
from tradehall.faces.kit import WEBSOCKET, App, Door, FirstFrame, Frame, Route, Speaker
from tradehall.faces.kit.asgi import request_of

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"


@pytest.mark.parametrize(("headers", "is_ours"), [
    ({"authorization": JWT},                          True),
    ({"authorization": f"Bearer {JWT}"},              True),
    ({"authorization": "Bearer eyJh.e30."},           True),
    ({"cookie": f"token={JWT}"},                      True),
    ({},                                              False),
    ({"authorization": "Bearer gw_0123456789"},       False),
    ({"authorization": "gw.01.23"},                   False),
    ({"x-api-key": "gw_0123456789"},                  False),
    ({"x-api-key": "gw_0", "cookie": f"token={JWT}"}, False),
    ({"authorization": "Bearer gw_0", "cookie": f"token={JWT}"}, False),
    ({"x-api-key": "gw_0", "authorization": JWT},     True),
    ({"cookie": "token=gw_01"},                       False),
])  # fmt: skip
def test_a_token_of_three_parts_means_this_door(headers, is_ours):
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/trades", "query_string": b"", "headers": raw}
    assert is_for_this_door(request_of(scope)) is is_ours


def test_an_authorization_as_the_first_frame_means_this_door(tmp_path):
    async def other_door(session, texts):
        async for text in texts:
            await session.send([Frame(b"other: " + text.encode())])

    async def steps(door):
        switch = FirstFrame(Speaker(understands=lambda frame: "hello" in frame, serve=other_door))
        switch.add(door.stream.speaker)
        route = Route(WEBSOCKET, "/", switch.connect, public=True)
        app = App([Door(name="root", title="", prefixes=("",), routes=(route,), errors=ClientErrors())])
        async with WebSocketClient(app, "/") as socket:
            socket.send(json.dumps({"authorization": f"Bearer {await door.token(700001)}"}))
            assert await frame_of(socket) == {"event": "authorization", "success": True}
            await door.trade()
            assert [(await frame_of(socket))[0] for _ in range(2)] == ["o", "b"]
        async with WebSocketClient(app, "/") as socket:
            socket.send(json.dumps({"hello": 1}))
            assert await socket.receive() == 'other: {"hello": 1}'

    journey(tmp_path, steps)
