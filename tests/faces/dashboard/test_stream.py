"""The stream: news in order and counted, quotes conflated, tokens first, nothing for who did not ask."""

import asyncio
import json
from typing import Any

import pytest

from tests.faces.dashboard.opened import ACCOUNT, OTHER_ACCOUNT, Opened, journey
from tests.faces.kit.asgi import Closed, WebSocketClient
from tradehall.faces.dashboard.stream import TOPICS


async def subscribed(door: Opened, socket: WebSocketClient, *topics: str, **more: Any) -> None:
    say(socket, type="auth", token=door.viewer)
    assert await socket.receive_json() == {"type": "authenticated"}
    say(socket, type="subscribe", topics=list(topics), **more)
    assert await socket.receive_json() == {
        "type": "subscribed",
        "topics": [topic for topic in TOPICS if topic in topics],
    }


def say(socket: WebSocketClient, **words: Any) -> None:
    socket.send(json.dumps(words))


async def heard(socket: WebSocketClient, *topics: str) -> list[dict[str, Any]]:
    """The next frames; their topics must be these."""
    frames = [await socket.receive_json() for _ in topics]
    assert [frame["type"] for frame in frames] == list(topics)
    return frames


def test_what_a_decision_did_is_told_in_rows_as_lists_have_them(tmp_path):
    async def steps(door):
        keygen = await door.strategy()
        await door.call("PUT", f"/budget/{keygen}/USD", {"allocated": 1000})
        async with door.socket() as socket:
            await subscribed(door, socket, "order", "fill", "position", "budget")
            await door.order(strategy_id=keygen, client_order_id="a")
            frames = [await socket.receive_json() for _ in range(6)]
            assert [frame["seq"] for frame in frames] == list(range(1, 7))
            kinds = [frame["type"] for frame in frames]
            assert kinds == ["order", "budget", "order", "fill", "position", "budget"]
            assert frames[0]["data"]["status"] == "ACCEPTED"
            assert frames[2]["data"] == await door.get("/trading/orders/a")
            assert frames[3]["data"] == (await door.get("/trading/fills"))[0]
            assert frames[4]["data"] == (await door.get("/trading/positions"))[0]
            assert frames[5]["data"] == (await door.get(f"/budget/{keygen}"))["entries"][0]
            await door.order(strategy_id=keygen, side="SELL", client_order_id="b")
            closed = [frame for frame in [await socket.receive_json() for _ in range(6)] if frame["type"] == "position"]
            assert [(frame["data"]["status"], frame["data"]["side"]) for frame in closed] == [("closed", "FLAT")]

    journey(tmp_path, steps)


def test_a_filter_by_strategy_leaves_out_the_rest(tmp_path):
    async def steps(door):
        first, second = await door.strategy("first"), await door.strategy("second")
        async with door.socket() as socket:
            await subscribed(door, socket, "order", strategy_id=second)
            await door.order(strategy_id=first)
            await door.order()
            await door.order(strategy_id=second, client_order_id="mine")
            frames = await heard(socket, "order", "order")
            assert {frame["data"]["client_order_id"] for frame in frames} == {"mine"}

    journey(tmp_path, steps)


def test_quotes_of_the_symbols_asked_for_come_newest_only(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await subscribed(door, socket, "quote", symbols=["EUR/USD", "AAPL.SIM", "NOTHING"])
            (first,) = await heard(socket, "quote")
            assert first["data"]["symbol"] == "EURUSD"
            for step in range(50):
                door.quote("EURUSD", f"1.08{700 + step}", f"1.08{710 + step}")
                door.quote("AAPL", "150.00", "150.02")
            (newest,) = await heard(socket, "quote")
            assert (newest["data"]["bid"], newest["seq"]) == (1.08749, 2)

    journey(tmp_path, steps)


def test_an_account_is_told_when_it_is_worth_something_else(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await subscribed(door, socket, "account")
            await door.order(account_id=str(OTHER_ACCOUNT))
            (frame,) = await heard(socket, "account")
            assert frame["data"]["account_id"] == str(OTHER_ACCOUNT)
            equity = frame["data"]["equity"]
            door.quote("BTCUSD", "50100", "50110")
            (frame,) = await heard(socket, "account")
            assert frame["data"]["equity"] > equity

    journey(tmp_path, steps)


def test_the_trail_is_told_as_it_grows(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await subscribed(door, socket, "audit")
            await door.call("PUT", f"/trading/accounts/{ACCOUNT}/state", {"state": "HALTED", "reason": "r"})
            while (frame := await socket.receive_json())["data"]["action"] != "account.state":
                pass
            assert frame["data"] == (await door.get("/trading/audit", action="account.state"))[0]

    journey(tmp_path, steps)


def test_in_token_mode_nothing_is_said_to_who_does_not_prove_himself(tmp_path):
    async def steps(door):
        for words in (
            {"type": "subscribe", "topics": ["order"]},
            {"type": "auth", "token": "op_wrong"},
            {"type": "auth"},
        ):
            async with door.socket() as socket:
                say(socket, **words)
                assert (await socket.receive_json())["type"] == "error"
                with pytest.raises(Closed, match="4401"):
                    await socket.receive()

    journey(tmp_path, steps)


def test_in_open_mode_a_token_is_not_needed_and_a_wrong_one_ends_it(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            say(socket, type="ping")
            assert await socket.receive_json() == {"type": "pong"}
            say(socket, type="subscribe", topics=["order", "nonsense"])
            assert (await socket.receive_json())["type"] == "error"
            socket.send("not json")
            assert (await socket.receive_json())["type"] == "error"
            say(socket, type="sing")
            assert (await socket.receive_json())["detail"] == "Unknown message type: sing"
            say(socket, type="auth", token="op_wrong")
            with pytest.raises(Closed, match="4401"):
                await socket.receive()

    journey(tmp_path, steps, is_open=True)


def test_who_left_is_told_nothing_and_costs_nothing(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await subscribed(door, socket, "order")
            await door.order()
            await heard(socket, "order", "order")
        await asyncio.sleep(0)
        assert door.stream._followers == {}
        await door.order()

    journey(tmp_path, steps)
