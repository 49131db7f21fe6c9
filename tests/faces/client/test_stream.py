"""The stream: authorization, subscriptions, arrays in their layout and order, the ends of a session."""

import asyncio
import json
from decimal import Decimal

import pytest

from tests.faces.client.opened import MIRA, OTTO, STAFF, a_trade, journey
from tests.faces.kit.asgi import Closed
from tradehall.domain.account import MarginState
from tradehall.engine.commands import MoveFunds
from tradehall.faces.client import ClientSettings
from tradehall.faces.client.stream import QUEUE_MAX, SYMBOLS_MAX

LENGTHS = {"t": 5, "b": 11, "o": 18, "a": 18, "n": 10}

TICKET = ("order", "login", "symbol", "cmd", "volume", "open_price", "close_price", "open_time", "close_time", "tp", "sl",
          "state", "storage", "commission", "profit", "comment", "code")  # fmt: skip
BALANCE = (
    "login",
    "balance",
    "margin",
    "margin_free",
    "margin_level",
    "equity",
    "credit",
    "level_type",
    "profit",
    "code",
)


async def frame_of(socket):
    frame = await socket.receive_json()
    if isinstance(frame, list):
        assert len(frame) == LENGTHS[frame[0]], frame
    return frame


async def frames_of(socket, count):
    return [await frame_of(socket) for _ in range(count)]


def named(frame):
    return dict(zip({"o": TICKET, "b": BALANCE}[frame[0]], frame[1:], strict=True))


async def authorize(door, socket, login=MIRA):
    socket.send(json.dumps({"authorization": await door.token(login)}))
    assert await frame_of(socket) == {"event": "authorization", "success": True}


def test_a_market_buy_is_told_as_ticket_then_balance(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            ticket = await door.trade(sl=1.08, tp=1.1, comment="hello")
            opened, balance = await frames_of(socket, 2)
            row = named(opened)
            assert (row["order"], row["login"], row["symbol"], row["cmd"], row["volume"]) == (
                ticket,
                MIRA,
                "EURUSD",
                0,
                10,
            )
            assert (row["tp"], row["sl"], row["state"], row["code"], row["comment"]) == (1.1, 1.08, 0, 0, "hello")
            value = named(balance)
            assert (value["login"], value["margin"], value["profit"], value["level_type"]) == (MIRA, 217.42, -1.0, 0)
            assert value["equity"] == pytest.approx(value["balance"] + value["credit"] + value["profit"])
            me = await door.get("/account/balance")
            assert (me["equity"], me["margin_free"]) == (value["equity"], value["margin_free"])

    journey(tmp_path, steps)


def test_a_stop_loss_is_told_as_closed_ticket_then_balance(tmp_path):
    async def steps(door):
        ticket = await door.trade(sl=1.08, tp=1.1)
        async with door.socket() as socket:
            await authorize(door, socket)
            door.quote("EURUSD", "1.07900", "1.07910")
            closed, balance = await frames_of(socket, 2)
            row = named(closed)
            assert (row["order"], row["state"], row["code"], row["close_price"], row["profit"]) == (
                ticket,
                3,
                6,
                1.079,
                -81.0,
            )
            assert (row["sl"], row["tp"]) == (1.08, 1.1)
            assert named(balance)["balance"] == pytest.approx(100_000 - 81)

    journey(tmp_path, steps)


def test_a_partial_close_is_told_as_changed_ticket_and_new_record(tmp_path):
    async def steps(door):
        ticket = await door.trade(sl=1.08)
        async with door.socket() as socket:
            await authorize(door, socket)
            await door.ok("POST", "/trade/close", {"order": ticket, "volume": 4})
            told = await frames_of(socket, 3)
            left, part = named(told[0]), named(told[1])
            assert (left["order"], left["volume"], left["state"], left["code"], left["sl"]) == (ticket, 6, 0, 1, 1.08)
            assert (part["volume"], part["state"], part["code"], part["comment"]) == (4, 4, 6, f"part of #{ticket}")
            assert told[2][0] == "b"

    journey(tmp_path, steps)


def test_a_pending_ticket_is_told_when_made_changed_opened_and_taken_out(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            ticket = await door.pending(cmd=4, open_price=1.09, sl=1.08)
            made, balance = await frames_of(socket, 2)
            assert (named(made)["cmd"], named(made)["code"], named(made)["state"], named(made)["sl"]) == (4, 0, 0, 1.08)
            assert named(balance)["margin"] > 0, "a pending ticket holds its margin"
            await door.ok("PUT", "/trade/modify", {"order": ticket, "open_price": 1.0905, "sl": 1.081})
            changed, balance = await frames_of(socket, 2)
            assert (named(changed)["code"], named(changed)["sl"]) == (1, 1.081)
            assert named(balance)["margin"] == 218.1, "it holds the margin of its new price"
            door.quote("EURUSD", "1.09100", "1.09110")
            opened, balance = await frames_of(socket, 2)
            row = named(opened)
            assert (row["order"], row["cmd"], row["code"], row["open_price"], row["sl"]) == (
                ticket,
                0,
                5,
                1.0911,
                1.081,
            )
            other = await door.pending()
            await frames_of(socket, 2)
            await door.ok("DELETE", "/trade/cancel", {"order": other})
            gone, balance = await frames_of(socket, 2)
            row = named(gone)
            assert (row["order"], row["state"], row["code"]) == (other, 6, 2) and row["close_time"] > 0

    journey(tmp_path, steps)


def test_stops_that_move_are_changes_of_their_ticket(tmp_path):
    async def steps(door):
        ticket = await door.trade()
        async with door.socket() as socket:
            await authorize(door, socket)
            for change, shown in (({"sl": 1.08}, (1.08, 0)), ({"tp": 1.1}, (1.08, 1.1)), ({"sl": 0}, (0, 1.1))):
                await door.ok("PUT", "/trade/modify", {"order": ticket} | change)
                row = named(await frame_of(socket))
                assert (row["order"], row["code"], row["sl"], row["tp"]) == (ticket, 1, *shown)

    journey(tmp_path, steps)


def test_funds_and_a_margin_call_are_told(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            await door.client.desk.submit(MoveFunds(MIRA, Decimal("-90000")))
            finance, balance = await frames_of(socket, 2)
            assert (named(finance)["cmd"], named(finance)["profit"], named(finance)["code"]) == (8, -90000.0, 0)
            assert named(balance)["balance"] == 10000.0
            await door.trade(volume=400)
            await frames_of(socket, 2)
            door.quote("EURUSD", "1.08300", "1.08310")
            called = named(await frame_of(socket))
            assert called["level_type"] == 1, MarginState.CALLED

    journey(tmp_path, steps)


def test_every_session_of_a_login_hears_and_nobody_else(tmp_path):
    async def steps(door):
        async with door.socket() as first, door.socket() as second, door.socket() as other:
            await authorize(door, first)
            await authorize(door, second)
            await authorize(door, other, OTTO)
            await door.trade()
            for socket in (first, second):
                assert [frame[0] for frame in await frames_of(socket, 2)] == ["o", "b"]
            await door.trade(as_login=OTTO, volume=3)
            told = await frames_of(other, 2)
            assert named(told[0])["volume"] == 3 and named(told[0])["login"] == OTTO

    journey(tmp_path, steps)


def test_quotes_come_for_what_was_subscribed_and_the_latest_at_once(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            socket.send(json.dumps({"event": "subscribe", "data": ["eurusd", "NOPE", "GBP/USD", "MSFT"]}))
            answer, euro, pound = await frames_of(socket, 3)
            assert answer == {
                "event": "subscribe", "success": True, "data": ["EURUSD", "GBPUSD", "MSFT"], "rejected": ["NOPE"],
            }  # fmt: skip
            assert euro[:4] == ["t", "EURUSD", 1.087, 1.0871] and pound[1] == "GBPUSD"
            door.quote("AAPL", "151.00", "151.02")
            door.quote("EURUSD", "1.08800", "1.08810")
            assert await frame_of(socket) == ["t", "EURUSD", 1.088, 1.0881, door.clock.at // 10**6]
            socket.send(json.dumps({"event": "unsubscribe", "data": ["EURUSD"]}))
            assert await frame_of(socket) == {
                "event": "unsubscribe",
                "success": True,
                "data": ["EURUSD"],
                "rejected": [],
            }
            door.quote("EURUSD", "1.08900", "1.08910")
            door.quote("GBPUSD", "1.26000", "1.26010")
            assert (await frame_of(socket))[1] == "GBPUSD"

    journey(tmp_path, steps)


def test_a_slow_reader_gets_the_latest_quote_of_each_symbol_and_all_tickets(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            socket.send(json.dumps({"event": "subscribe", "data": ["EURUSD"]}))
            await frames_of(socket, 2)
            socket.stall()
            for index in range(50):
                door.quote("EURUSD", f"1.08{500 + index}", f"1.08{510 + index}")
                await asyncio.sleep(0)
            tickets = [await door.trade(volume=1) for _ in range(5)]
            socket.resume()
            told: list[int] = []
            last = None
            while len(told) < 5 or last != 1.08549:
                frame = await frame_of(socket)
                if frame[0] == "o":
                    told.append(frame[1])
                if frame[0] == "t":
                    last = frame[2]
            assert told == tickets

    journey(tmp_path, steps)


def test_who_never_reads_is_let_go(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            socket.stall()
            [follower] = door.stream._followers
            for _ in range(QUEUE_MAX + 100):
                socket.send("ping")
            for _ in range(2000):
                await asyncio.sleep(0)
                if follower.session.closed_with is not None:
                    break
            socket.resume()
            with pytest.raises(Closed) as closed:
                while True:
                    await socket.receive()
            assert closed.value.code == 4429

    journey(tmp_path, steps)


def test_balances_follow_quotes_while_positions_are_open(tmp_path):
    async def steps(door):
        await door.trade()
        async with door.socket() as socket:
            await authorize(door, socket)
            for bid in ("1.08800", "1.08900"):
                door.quote("EURUSD", bid, bid[:-2] + "10")
            await door.stream.beat()
            assert named(await frame_of(socket))["profit"] == 19.0
            door.quote("AAPL", "151.00", "151.02")
            await door.stream.beat()
            await door.stream.beat()
            socket.send("ping")
            assert await socket.receive() == "pong", "nothing of it moved"

    journey(tmp_path, steps)


@pytest.mark.parametrize(
    "first", ["nonsense", "{}", '{"authorization": "nonsense"}', '{"authorization": 5}', "[]", "ping"]
)
def test_who_does_not_authorize_is_told_and_let_go(tmp_path, first):
    async def steps(door):
        async with door.socket() as socket:
            socket.send(first)
            assert await frame_of(socket) == {"event": "authorization", "success": False, "error": "INVALID_TOKEN"}
            assert await socket.end() == 4401

    journey(tmp_path, steps)


def test_who_says_nothing_is_let_go(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            assert await socket.end() == 4401

    journey(tmp_path, steps, options=ClientSettings(hello_s=0.05))


def test_who_falls_silent_is_let_go_and_a_ping_is_a_word(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            socket.send("ping")
            assert await socket.receive() == "pong"
            assert await socket.end() == 4408

    journey(tmp_path, steps, options=ClientSettings(idle_s=0.1))


def test_a_stream_ends_with_its_session(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            await door.ok("POST", "/sign/out")
            assert await socket.end() == 4401
        door.tokens.clear()
        async with door.socket() as socket:
            await authorize(door, socket)
            door.pass_s(86_401)
            await door.stream.beat()
            assert await socket.end() == 4401

    journey(tmp_path, steps)


def test_staff_choose_whose_account_they_watch(tmp_path):
    async def steps(door):
        async with door.socket() as socket, door.socket() as user:
            await authorize(door, socket, STAFF)
            for word in ({"active_login": MIRA}, {"login": OTTO}, {"data": {"active_login": MIRA}}):
                socket.send(json.dumps({"event": "account.switch"} | word))
                answer = await frame_of(socket)
                assert answer["success"] and answer["active_login"] in (MIRA, OTTO)
            await door.trade(as_login=OTTO)
            ticket = await door.trade()
            assert (await frame_of(socket))[1] == ticket
            await frame_of(socket)
            refusals: list[tuple[dict[str, object], str]] = [
                ({"active_login": 1}, "INVALID_USER"),
                ({"active_login": "x"}, "INVALID_DATA"),
                ({}, "INVALID_LOGIN"),
                ({"data": {"active_login": "x"}}, "INVALID_LOGIN"),
            ]
            for wrong, error in refusals:
                socket.send(json.dumps({"event": "account.switch"} | wrong))
                assert (await frame_of(socket))["error"] == error
            await authorize(door, user)
            user.send(json.dumps({"event": "account.switch", "active_login": OTTO}))
            assert (await frame_of(user))["error"] == "PERMISSION_DENIED"

    journey(tmp_path, steps)


HOSTILE = [
    "nonsense", "[]", "5", '""', "null", '{"event": 5}', '{"event": "dance"}', '{"event": "subscribe"}',
    '{"event": "subscribe", "data": 5}', '{"event": "subscribe", "data": [5]}', '{"event": "subscribe", "data": {}}',
    '{"event": "unsubscribe", "data": null}', "[" * 5000, '{"event": "' + "x" * 10_000 + '"}', "\ud800",
    '{"active_login": 99999999999999999999999999}', '{"event": "subscribe", "data": [1e999]}',
    '{"event": "unsubscribe", "data": 1.5}',
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=[each[:30] for each in HOSTILE])
def test_a_word_nobody_understands_is_answered_and_the_stream_goes_on(tmp_path, text):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            socket.send(text)
            assert (await frame_of(socket))["success"] is False
            socket.send("ping")
            assert await socket.receive() == "pong"

    journey(tmp_path, steps)


def test_so_many_symbols_and_no_more(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            names = ["NOPE"] * SYMBOLS_MAX + ["EURUSD"]
            socket.send(json.dumps({"event": "subscribe", "data": names}))
            answer = await frame_of(socket)
            assert answer["data"] == [] and len(answer["rejected"]) == SYMBOLS_MAX + 1

    journey(tmp_path, steps)


def test_an_answer_comes_before_or_with_what_it_set_off_and_rest_agrees(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await authorize(door, socket)
            acks = await asyncio.gather(*[door.ok("POST", "/trade/open", a_trade(volume=1)) for _ in range(10)])
            told = await frames_of(socket, 20)
            assert [frame[0] for frame in told] == ["o", "b"] * 10
            assert {frame[1] for frame in told if frame[0] == "o"} == {ack["order"] for ack in acks}
            assert named(told[-1])["equity"] == (await door.get("/account/balance"))["equity"]

    journey(tmp_path, steps)


def test_a_netting_account_has_one_ticket_a_symbol(tmp_path):
    async def steps(door):
        body = {"name": "Net", "email": "net@example.test", "password": "correct horse", "group": "demo-usd-netting"}
        profile = await door.ok("PUT", "/sign/up", body, login=None)
        login, headers = profile["login"], {"authorization": profile["__token"]}
        door.tokens[login] = profile["__token"]
        async with door.socket() as socket:
            await authorize(door, socket, login)
            first = await door.ok("POST", "/trade/open", a_trade(volume=10), headers=headers)
            door.quote("EURUSD", "1.08900", "1.08910")
            more = await door.ok("POST", "/trade/open", a_trade(volume=10), headers=headers)
            less = await door.ok("POST", "/trade/open", a_trade(volume=5, cmd=1), headers=headers)
            assert first["order"] == more["order"] == less["order"]
            told = [named(frame) for frame in await frames_of(socket, 7) if frame[0] == "o"]
            assert [(row["volume"], row["code"], row["state"]) for row in told] == [
                (10, 0, 0),
                (20, 1, 0),
                (15, 1, 0),
                (5, 6, 4),
            ]
            assert told[1]["open_price"] == pytest.approx(1.0881)
            resting = a_trade(cmd=2, open_price=1.08, volume=5)
            added = await door.ok("POST", "/trade/open/pending", resting, headers=headers)
            resting = a_trade(cmd=3, open_price=1.1, volume=20)
            closing = await door.ok("POST", "/trade/open/pending", resting, headers=headers)
            await frames_of(socket, 4)
            door.quote("EURUSD", "1.07900", "1.07910")
            told = [named(frame) for frame in await frames_of(socket, 3)]
            assert [(row.get("order"), row.get("volume"), row["code"]) for row in told] == [
                (added["order"], 5, 2),
                (first["order"], 20, 1),
                (None, None, 1),
            ], "a pending ticket that merged into the position is told to be gone"
            door.quote("EURUSD", "1.10000", "1.10010")
            told = [named(frame) for frame in await frames_of(socket, 3)]
            assert [(row.get("order"), row["code"]) for row in told[:2]] == [(closing["order"], 2), (first["order"], 6)]
        assert await door.trades(tradeType=1) == [], "these are not Mira's"

    journey(tmp_path, steps)
