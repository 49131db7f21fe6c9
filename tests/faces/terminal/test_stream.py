"""The terminal's stream: authentication, subscriptions, ticks, account events, keys that end, and the shared path."""

import asyncio
import json
from decimal import Decimal

import pytest

from tests.app.shard import an_order
from tests.faces.terminal.opened import MIRA, NETTING, OTTO, a_trade, journey
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND
from tradehall.engine.commands import MoveFunds, Tick
from tradehall.faces.kit import Frame, Speaker
from tradehall.faces.terminal import TerminalSettings
from tradehall.faces.terminal.stream import CONNECTIONS_PER_KEY_MAX, STRANGERS_MAX, SYMBOLS_MAX


async def say(socket, **frame):
    """Send a frame and be given the next that comes."""
    socket.send(json.dumps(frame))
    return await socket.receive_json()


async def sign_in(door, socket, login=MIRA, scope="full"):
    answer = await say(socket, type="auth", apiKey=await door.key(login, scope))
    assert answer == {"type": "auth", "success": True, "message": "Authenticated"}


async def follow(door, socket, *channels, login=MIRA, scope="full"):
    await sign_in(door, socket, login, scope)
    answer = await say(socket, type="subscribe", channels=list(channels))
    assert answer == {"type": "subscribed", "totalSubscriptions": 0, "channels": list(channels)}


async def told(socket, count):
    return [await socket.receive_json() for _ in range(count)]


def words(frames):
    return [(frame["type"], frame.get("event", frame.get("code"))) for frame in frames]


def test_before_authentication_everything_is_refused_and_the_connection_stays(tmp_path):
    async def steps(door):
        refusal = {"type": "error", "message": "Authentication required"}
        async with door.socket() as socket:
            for text in (
                '{"type":"subscribe","symbol":"EURUSD"}',
                "ping",
                "[]",
                "{",
                "\udcff",
                '{"type":1}',
                '{"authorization":"x"}',
            ):
                socket.send(text)
                assert await socket.receive_json() == refusal
            await sign_in(door, socket)
            assert await say(socket, type="auth", apiKey="x") == {"type": "error", "message": "Already authenticated"}

    journey(tmp_path, steps)


@pytest.mark.parametrize("key", ["tk_live_wrong", "", None, "x" * 10_000, "gw_key"])
def test_a_bad_key_is_told_and_hung_up_on(tmp_path, key):
    async def steps(door):
        async with door.socket() as socket:
            assert await say(socket, type="auth", apiKey=key) == {
                "type": "auth",
                "success": False,
                "message": "Invalid API key",
            }
            assert await socket.end() == 4403

    journey(tmp_path, steps)


def test_who_does_not_authenticate_in_time_is_hung_up_on(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            assert await socket.end() == 4401

    journey(tmp_path, steps, settings=TerminalSettings(auth_within_s=0.02))


def test_symbols_are_followed_listed_and_left(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await sign_in(door, socket)
            answer = await say(socket, type="subscribe", symbol="EURUSD")
            assert answer == {"type": "subscribed", "symbols": ["EURUSD"], "totalSubscriptions": 1}
            tick = await socket.receive_json()
            assert tick == {"type": "tick", "symbol": "EURUSD", "bid": 1.0842, "ask": 1.08428, "time": tick["time"]}
            answer = await say(socket, type="subscribe", symbols=["eur/usd", "GBPUSD", "NOPE", "btcusd"])
            assert answer == {"type": "subscribed", "symbols": ["EURUSD", "GBPUSD", "BTCUSD"], "totalSubscriptions": 3}
            assert await socket.receive_json() == {"type": "error", "message": "Unknown symbol: NOPE"}
            assert [frame["symbol"] for frame in await told(socket, 2)] == ["EURUSD", "BTCUSD"], (
                "GBPUSD has no quote yet"
            )
            assert await say(socket, type="list") == {
                "type": "list", "symbols": ["EURUSD", "GBPUSD", "BTCUSD"], "channels": [], "totalSubscriptions": 3,
            }  # fmt: skip
            door.quote("USDJPY", "151", "151.01")
            door.quote("EURUSD", "1.08500", "1.08508")
            assert (await socket.receive_json())["bid"] == 1.085
            answer = await say(socket, type="unsubscribe", symbols=["EURUSD", "AAPL"])
            assert answer == {"type": "unsubscribed", "symbols": ["EURUSD"], "totalSubscriptions": 2}
            door.quote("EURUSD", "1.08600", "1.08608")
            assert (await say(socket, type="ping"))["type"] == "pong"
            assert await say(socket, type="subscribe", symbol="NOPE") == {
                "type": "error",
                "message": "Unknown symbol: NOPE",
            }

    journey(tmp_path, steps)


@pytest.mark.parametrize(("text", "message"), [
    ("{",                                   "Malformed message: a JSON object with a type is expected"),
    ("[1]",                                 "Malformed message: a JSON object with a type is expected"),
    ('{"type":7}',                          "Malformed message: a JSON object with a type is expected"),
    ('{"type":"subscribe","symbol":7}',     "Malformed message: a JSON object with a type is expected"),
    ("[" * 10_000,                          "Malformed message: a JSON object with a type is expected"),
    ('{"type":"buy"}',                      "Unknown message type: buy"),
    ('{"type":"subscribe"}',                "symbol, symbols or channels is required"),
    ('{"type":"unsubscribe"}',              "symbol, symbols or channels is required"),
    ('{"type":"subscribe","channels":["news"]}', "Unknown channel: news"),
])  # fmt: skip
def test_what_is_not_understood_is_said_and_the_connection_stays(tmp_path, text, message):
    async def steps(door):
        async with door.socket() as socket:
            await sign_in(door, socket)
            socket.send(text)
            assert await socket.receive_json() == {"type": "error", "message": message}
            assert (await say(socket, type="ping")) == {"type": "pong", "time": door.clock.at // NS_PER_MS}

    journey(tmp_path, steps)


def test_the_scope_of_a_key_opens_its_channels(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await sign_in(door, socket, scope="trade")
            answer = await say(socket, type="subscribe", channels=["positions", "orders", "account", "notifications"])
            assert answer == {"type": "subscribed", "channels": ["orders"], "totalSubscriptions": 0}
            for frame in await told(socket, 3):
                assert (frame["type"], frame["code"]) == ("error", "SCOPE_DENIED")
            assert (await say(socket, type="subscribe", symbol="EURUSD"))["symbols"] == ["EURUSD"]
        async with door.socket() as socket:
            await follow(door, socket, "positions", "orders", "account", "notifications", scope="read")

    journey(tmp_path, steps)


def test_the_life_of_a_position_is_told(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await follow(door, socket, "positions")
            ticket = await door.buy(0.1, sl=1.08)
            [opened] = await told(socket, 1)
            assert opened == {"type": "position", "event": "opened", "data": await door.get(f"/positions/{ticket}")}
            await door.ok("PUT", f"/positions/{ticket}", {"tp": 1.1})
            await door.ok("PUT", f"/positions/{ticket}", {"sl": 0})
            made, removed = await told(socket, 2)
            assert words([made, removed]) == [("position", "modified")] * 2
            assert (made["data"]["sl"], made["data"]["tp"]) == (1.08, 1.1)
            assert (removed["data"]["sl"], removed["data"]["tp"]) == (0.0, 1.1)
            door.quote("EURUSD", "1.08548", "1.08556")
            part = await door.ok("DELETE", f"/positions/{ticket}", {"volume": 0.04})
            [updated] = await told(socket, 1)
            assert (updated["event"], updated["data"]["volume"], updated["data"]["ticket"]) == ("updated", 0.06, ticket)
            assert updated["deal"] == {
                "deal": part["deal"],
                "volume": 0.04,
                "price": 1.08548,
                "profit": 4.8,
                "reason": "api",
            }
            door.quote("EURUSD", "1.10010", "1.10018")
            [closed] = await told(socket, 1)
            assert (closed["event"], closed["close_price"], closed["reason"]) == ("closed", 1.1, "tp")
            assert closed["profit"] == closed["data"]["profit"] == 94.32
            assert (closed["data"]["ticket"], closed["data"]["volume"], closed["data"]["close_price"]) == (
                ticket,
                0.06,
                1.1,
            )

    journey(tmp_path, steps)


def test_the_life_of_pending_orders_is_told_and_a_fill_keeps_the_ticket(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await follow(door, socket, "orders", "positions")
            ticket = await door.pend(sl=1.07)
            await door.ok("PUT", f"/orders/{ticket}", {"price": 1.081})
            door.quote("EURUSD", "1.08090", "1.08098")
            frames = await told(socket, 4)
            assert words(frames) == [
                ("order", "placed"),
                ("order", "modified"),
                ("order", "filled"),
                ("position", "opened"),
            ]
            assert {frame["data"]["ticket"] for frame in frames} == {ticket}
            assert (frames[2]["data"]["state"], frames[2]["data"]["position_ticket"]) == ("filled", ticket)
            gone = await door.pend()
            await door.ok("DELETE", f"/orders/{gone}")
            late = await door.pend(expiration=door.clock.at // NS_PER_MS + 1000)
            door.pass_s(2)
            await door.desk.submit(Tick())
            assert late != gone
            await door.refused("POST", "/orders", {"symbol": "EURUSD", "type": 2, "volume": 100, "price": 1.07})
            frames = await told(socket, 5)
            assert [frame["event"] for frame in frames] == ["placed", "cancelled", "placed", "expired", "rejected"]
            await door.buy(0.1)
            assert words(await told(socket, 1)) == [("position", "opened")], "an order at market is no pending one"

    journey(tmp_path, steps)


def test_what_other_doors_do_is_told_too_and_another_persons_affairs_are_not(tmp_path):
    async def steps(door):
        async with door.socket() as socket, door.socket() as other:
            await follow(door, socket, "positions", "orders", "notifications")
            await follow(door, other, "positions", "orders", "account", "notifications", login=OTTO)
            assert (await other.receive_json())["type"] == "account"
            await door.desk.submit(an_order("0.5", account=MIRA))
            [opened] = await told(socket, 1)
            assert (opened["data"]["symbol"], opened["data"]["volume"]) == ("BTCUSD", 0.5)
            await door.desk.submit(an_order("0.5", limit="40000", account=MIRA))
            assert (await socket.receive_json())["data"]["type_name"] == "buy_limit"
            assert (await say(other, type="ping"))["type"] == "pong", "nothing came before it"

    journey(tmp_path, steps)


def test_margin_calls_and_stop_outs_are_notifications(tmp_path):
    async def steps(door):
        await door.desk.submit(MoveFunds(MIRA, Decimal(-99_000)))
        async with door.socket() as socket:
            await follow(door, socket, "notifications", "positions")
            ticket = await door.buy(0.4)
            assert words(await told(socket, 1)) == [("position", "opened")]
            door.quote("EURUSD", "1.08020", "1.08028")
            [call] = await told(socket, 1)
            assert (call["type"], call["level"], call["code"]) == ("notification", "warning", "MARGIN_CALL")
            assert call["time"] == door.clock.at // NS_PER_MS
            door.quote("EURUSD", "1.06900", "1.06908")
            frames = await told(socket, 3)
            assert sorted(words(frames)) == [
                ("notification", "LIQUIDATION"),
                ("notification", "STOP_OUT"),
                ("position", "closed"),
            ]
            [closed] = [frame for frame in frames if frame["type"] == "position"]
            assert (closed["data"]["ticket"], closed["reason"]) == (ticket, "stop_out")

    journey(tmp_path, steps)


def test_the_account_is_told_at_most_twice_a_second_and_only_when_it_is_news(tmp_path):
    async def steps(door):
        loop = asyncio.get_running_loop()
        async with door.socket() as socket:
            await follow(door, socket, "account")
            first = await socket.receive_json()
            assert first == {"type": "account", "data": {
                "balance": 100000.0, "equity": 100000.0, "margin": 0.0, "free_margin": 100000.0, "margin_level": None, "profit": 0.0,
            }}  # fmt: skip
            begun = loop.time()
            await door.buy(0.1)
            for tick in range(50):
                door.quote("EURUSD", f"1.085{tick:02}", f"1.086{tick:02}")
            frames = [await socket.receive_json()]
            assert loop.time() - begun > 0.3
            data = frames[0]["data"]
            assert round(data["balance"] + data["profit"], 6) == data["equity"]
            account = await door.get("/account")
            assert data == {name: account[name] for name in data}, "the latest, and one frame for fifty quotes"
            await door.stream._pulse.beat()
            assert (await say(socket, type="ping"))["type"] == "pong", "nothing new, nothing said"

    journey(tmp_path, steps)


def test_a_key_has_ten_connections_and_a_connection_two_hundred_symbols(tmp_path):
    async def steps(door):
        sockets = [door.socket() for _ in range(CONNECTIONS_PER_KEY_MAX)]
        for socket in sockets:
            await socket.__aenter__()
            await sign_in(door, socket)
        async with door.socket() as socket:
            answer = await say(socket, type="auth", apiKey=await door.key())
            assert answer["success"] is False and "at most 10" in answer["message"]
        async with door.socket() as socket:
            await sign_in(door, socket, scope="read")
        for socket in sockets:
            await socket.__aexit__(None, None, None)
        async with door.socket() as socket:
            await sign_in(door, socket)
            for number in range(SYMBOLS_MAX):
                next(iter(door.stream._followers)).symbols[f"S{number}"] = None
            answer = await say(socket, type="subscribe", symbol="EURUSD")
            assert answer == {"type": "error", "message": "Too many symbols: at most 200 per connection"}

    journey(tmp_path, steps)


@pytest.mark.parametrize("how", ["rotate", "revoke", "scope", "expire"])
def test_a_key_that_ends_loses_its_streams(tmp_path, how):
    async def steps(door):
        mine = await door.session()
        soon = door.clock.at // NS_PER_MS + 60_000
        made = (
            await door.call("POST", "/v1/keys", {"name": "a", "scope": "full", "expires_at": soon}, headers=mine)
        ).json()["data"]
        async with door.socket() as socket, door.socket() as other:
            assert (await say(socket, type="auth", apiKey=made["key"]))["success"] is True
            await sign_in(door, other)
            if how == "rotate":
                await door.ok("POST", f"/v1/keys/{made['id']}/rotate", headers=mine)
            elif how == "revoke":
                await door.ok("DELETE", f"/v1/keys/{made['id']}", headers=mine)
            elif how == "scope":
                await door.ok("PATCH", f"/v1/keys/{made['id']}", {"scope": "read"}, headers=mine)
            else:
                door.clock.at += 61 * NS_PER_SECOND
                door.stream.look()
            assert await socket.end() == 4403
            assert (await say(other, type="ping"))["type"] == "pong", "another key's stream stays"

    journey(tmp_path, steps)


def test_a_slow_reader_gets_the_newest_tick_and_every_position(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await follow(door, socket, "positions")
            await say(socket, type="subscribe", symbol="EURUSD")
            await socket.receive_json()
            socket.stall()
            tickets = [await door.buy(0.01) for _ in range(40)]
            for tick in range(200):
                door.quote("EURUSD", f"1.08{tick:03}", f"1.09{tick:03}")
            await asyncio.sleep(0.02)
            socket.resume()
            frames = []
            while True:
                frames.append(await socket.receive_json())
                if frames[-1]["type"] == "tick" and frames[-1]["bid"] == 1.08199:
                    break
            assert [frame["data"]["ticket"] for frame in frames if frame["type"] == "position"] == tickets
            assert sum(frame["type"] == "tick" for frame in frames) <= 3

    journey(tmp_path, steps)


def test_the_market_falling_silent_is_a_notification(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await follow(door, socket, "notifications")
            door.pass_s(31)
            door.terminal.market.check_staleness(door.clock.at)
            assert words(await told(socket, 1)) == [("notification", "DISCONNECTED")]
            door.freshen()
            assert words(await told(socket, 1)) == [("notification", "CONNECTED")]

    journey(tmp_path, steps)


def test_a_netting_flip_closes_one_ticket_and_opens_another(tmp_path):
    async def steps(door):
        first = await door.buy(0.1, login=NETTING)
        async with door.socket() as socket:
            await follow(door, socket, "positions", login=NETTING)
            turned = await door.ok("POST", "/trade", a_trade(action="sell", volume=0.3), login=NETTING)
            closed, opened = await told(socket, 2)
            assert (closed["event"], closed["data"]["ticket"], closed["reason"]) == ("closed", first, "api")
            assert (opened["event"], opened["data"]["ticket"]) == ("opened", turned["ticket"])

    journey(tmp_path, steps)


def test_strangers_are_counted_and_the_last_too_many_is_sent_away(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await sign_in(door, socket)
            door.stream._strangers = STRANGERS_MAX
            async with door.socket() as other:
                assert await other.end() == 1013
            door.stream._strangers = 0

    journey(tmp_path, steps)


# The path that doors share.


async def echo(session, texts):
    """Another door's stream, for the tests."""
    async for text in texts:
        await session.send([Frame(json.dumps({"heard": text}).encode())])


def test_the_first_frame_that_is_understood_tells_whose_connection_it_is(tmp_path):
    async def steps(door):
        door.first_frame.add(Speaker(lambda frame: "authorization" in frame, echo))
        async with door.socket("/") as socket:
            socket.send("what is this")
            assert await socket.receive_json() == {"type": "error", "message": "Authentication required"}
            await sign_in(door, socket)
            socket.send('{"type":"ping","authorization":"too late"}')
            assert (await socket.receive_json())["type"] == "pong"
        async with door.socket("/") as socket:
            socket.send("ping")
            assert (await socket.receive_json())["type"] == "error"
            first = '{"authorization":"a.b.c"}'
            socket.send(first)
            assert await socket.receive_json() == {"heard": first}
            socket.send('{"type":"auth","apiKey":"x"}')
            assert await socket.receive_json() == {"heard": '{"type":"auth","apiKey":"x"}'}
        async with door.socket("/v1/api/ws") as socket:
            socket.send(first)
            assert (await socket.receive_json())["type"] == "error", "that path is the terminal's alone"

    journey(tmp_path, steps)


def test_who_was_taken_over_is_not_hung_up_on_by_the_terminals_clock(tmp_path):
    async def steps(door):
        door.first_frame.add(Speaker(lambda frame: "authorization" in frame, echo))
        async with door.socket("/") as socket:
            socket.send('{"authorization":"a"}')
            await socket.receive_json()
            await asyncio.sleep(0.05)
            socket.send("still here")
            assert await socket.receive_json() == {"heard": "still here"}
        async with door.socket("/") as socket:
            assert await socket.end() == 4401

    journey(tmp_path, steps, settings=TerminalSettings(auth_within_s=0.02))
