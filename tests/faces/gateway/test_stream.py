"""The stream: frames as the SDK reads them, in the order of the contract, to the right clients."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from pydantic import TypeAdapter
from tektii.models import GatewayEvent

from tests.faces.gateway.opened import HEDGING_KEY, MASTER_KEY, OTHER_KEY, READER_KEY, an_order, journey
from tests.faces.kit.asgi import Closed, Refused
from tradehall.config.values import Subscription
from tradehall.domain.time import NS_PER_DAY
from tradehall.engine.commands import Tick
from tradehall.faces.gateway import GatewaySettings, Subscriptions
from tradehall.faces.gateway.stream import complaint_about
from tradehall.faces.kit import RateLimiter

EVENT = TypeAdapter(GatewayEvent)
MARKET = ("quote", "candle")


async def frames(socket, count, *, market=False):
    """The next `count` frames, each as the SDK takes it; market data left out unless wanted."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        frame = await socket.receive_json()
        EVENT.validate_python(frame)
        assert "event_id" not in frame, "event ids belong to backtests"
        if market or frame["type"] not in MARKET:
            found.append(frame)
    return found


def words(found):
    return [frame.get("event", frame["type"]) for frame in found]


def test_a_fill_is_told_in_order(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            [hello] = await frames(socket, 1)
            assert (hello["type"], hello["event"]) == ("connection", "CONNECTED")
            handle = await door.place(quantity="2", stop_loss="140", take_profit="160")
            told = await frames(socket, 7)
            assert words(told) == [
                "ORDER_CREATED", "ORDER_FILLED", "TRADE_FILLED", "POSITION_OPENED", "BALANCE_UPDATED",
                "ORDER_CREATED", "ORDER_CREATED",
            ]  # fmt: skip
            assert told[0]["order"]["status"] == "OPEN"
            assert told[1]["order"]["id"] == handle["id"]
            assert told[2]["trade"]["order_id"] == handle["id"]
            [position] = await door.get("/positions")
            assert told[3]["position"]["id"] == position["id"]
            assert {frame["parent_order_id"] for frame in told[5:]} == {handle["id"]}
            door.quote("AAPL", "160.00", "160.02")
            told = await frames(socket, 5)
            assert words(told) == [
                "ORDER_FILLED", "TRADE_FILLED", "POSITION_CLOSED", "BALANCE_UPDATED", "ORDER_CANCELLED",
            ]  # fmt: skip
            assert told[0]["parent_order_id"] == told[4]["parent_order_id"] == handle["id"]
            assert told[2]["position"]["quantity"] == "0"
            assert told[3]["account"]["balance"] == (await door.get("/account"))["balance"]

    journey(tmp_path, steps)


def test_a_flip_is_a_close_and_an_opening(tmp_path):
    async def steps(door):
        await door.place(quantity="1")
        async with door.socket() as socket:
            await frames(socket, 1)
            await door.place(side="SELL", quantity="3")
            told = await frames(socket, 6)
            assert words(told) == [
                "ORDER_CREATED", "ORDER_FILLED", "TRADE_FILLED", "POSITION_CLOSED", "POSITION_OPENED", "BALANCE_UPDATED",
            ]  # fmt: skip
            assert told[3]["position"]["id"] != told[4]["position"]["id"]
            assert told[4]["position"]["side"] == "SHORT"

    journey(tmp_path, steps)


def test_changes_cancels_refusals_and_partial_closes_are_told(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await frames(socket, 1)
            handle = await door.place(order_type="LIMIT", limit_price="100")
            await door.call("PATCH", f"/orders/{handle['id']}", {"limit_price": "101"})
            await door.call("DELETE", f"/orders/{handle['id']}")
            await door.call("POST", "/orders", an_order(quantity="1000000"))
            await door.call("POST", "/orders", an_order(quantity="0"))
            told = await frames(socket, 4)
            assert words(told) == ["ORDER_CREATED", "ORDER_MODIFIED", "ORDER_CANCELLED", "ORDER_REJECTED"]
            assert told[3]["order"]["reject_reason"] == "INSUFFICIENT_MARGIN"
            await door.place(quantity="2")
            await frames(socket, 5)
            await door.place(side="SELL", quantity="1")
            assert words(await frames(socket, 5))[3] == "POSITION_MODIFIED"

    journey(tmp_path, steps)


def test_the_other_order_of_an_oco_group_goes_when_one_fills(tmp_path):
    async def steps(door):
        await door.place(order_type="LIMIT", limit_price="140", oco_group_id="g")
        other = await door.place(order_type="STOP", stop_price="160", oco_group_id="g")
        async with door.socket() as socket:
            await frames(socket, 1)
            door.quote("AAPL", "139.98", "140.00")
            told = await frames(socket, 5)
            assert words(told)[0] == "ORDER_FILLED"
            assert words(told)[-1] == "ORDER_CANCELLED"
            assert told[-1]["order"]["id"] == other["id"]

    journey(tmp_path, steps)


def test_only_the_keys_own_account_is_told(tmp_path):
    async def steps(door):
        async with door.socket() as mine, door.socket(HEDGING_KEY) as other, door.socket(READER_KEY) as reader:
            for socket in (mine, other, reader):
                await frames(socket, 1)
            handle = await door.place()
            for socket in (mine, reader):
                told = await frames(socket, 5)
                assert told[0]["order"]["id"] == handle["id"]
            foreign = {"headers": {"x-api-key": HEDGING_KEY}}
            answer = await door.call("POST", "/orders", an_order(), **foreign)
            told = await frames(other, 5)
            assert told[0]["order"]["id"] == answer.json()["id"], "the first frame is its own account's"

    journey(tmp_path, steps)


def test_nothing_is_encoded_for_nobody(tmp_path):
    async def steps(door):
        seen = []

        def encode(*decision):
            seen.append(decision)
            return []

        channel = door.gateway.streams.open(encode)
        await door.place()
        assert seen == []
        channel.follow(1, object())
        await door.place()
        assert seen == [], "somebody follows another account"

    journey(tmp_path, steps)


def test_quotes_and_closed_candles_come_to_everyone(tmp_path):
    async def steps(door):
        async with door.socket(OTHER_KEY) as socket:
            await frames(socket, 1)
            door.quote("BTCUSD", "42000.10", "42000.90")
            [quote] = await frames(socket, 1, market=True)
            assert quote["type"] == "quote"
            assert (quote["quote"]["symbol"], quote["quote"]["bid"]) == ("BTC/USD", "42000.10")
            door.pass_s(60)
            door.quote("BTCUSD", "43000.10", "43000.90")
            candle, quote = await frames(socket, 2, market=True)
            assert (candle["type"], quote["type"]) == ("candle", "quote")
            assert (candle["bar"]["timeframe"], candle["bar"]["symbol"]) == ("1m", "BTC/USD")
            assert candle["bar"]["close"] == "42000.10"

    journey(tmp_path, steps)


def test_staleness_is_told_at_once_and_again_when_over(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await frames(socket, 1)
            door.pass_s(60)
            door.market.check_staleness(door.clock.now())
            [stale] = await frames(socket, 1)
            assert stale["event"] == "STALE"
            assert Counter(stale["symbols"]) == Counter(["AAPL", "BTC/USD", "EUR/USD", "USD/JPY"])
            async with door.socket() as late:
                told = await frames(late, 2)
                assert words(told) == ["CONNECTED", "STALE"]
            door.quote("EURUSD", "1.08700", "1.08710")
            [fresh] = await frames(socket, 1)
            assert (fresh["event"], fresh["symbols"]) == ("FRESH", ["EUR/USD"])
            assert fresh["stale_since"] < fresh["timestamp"]

    journey(tmp_path, steps)


def test_a_client_may_say_pong_and_ack_and_anything_else_is_an_error_frame(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await frames(socket, 1)
            door.stream.beat()
            [ping] = await frames(socket, 1)
            assert ping["type"] == "ping"
            socket.send('{"type":"pong"}')
            socket.send('{"type":"event_ack","correlation_id":"c","events_processed":[],"timestamp":1736937000000}')
            socket.send_bytes(b"\x00\x01")
            socket.send("not json")
            [complaint] = await frames(socket, 1)
            assert (complaint["type"], complaint["code"]) == ("error", "INVALID_MESSAGE")
            await door.place()
            assert words(await frames(socket, 1)) == ["ORDER_CREATED"], "still connected"

    journey(tmp_path, steps)


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", "1", '"pong"', "{}", '{"type":1}', '{"type":"subscribe"}', '{"type":"event_ack"}',
    '{"type":"event_ack","correlation_id":"c","events_processed":"evt-1","timestamp":1}',
    '{"type":"event_ack","correlation_id":"c","events_processed":[],"timestamp":"now"}',
    "[" * 10_000, '{"type":"\ud800"}',
])  # fmt: skip
def test_what_is_no_message_is_said_so(text):
    assert complaint_about(text) is not None


def test_an_upgrade_without_its_key_is_refused_over_http(tmp_path):
    async def steps(door):
        for key, code in ((None, "MISSING_API_KEY"), ("wrong", "INVALID_API_KEY"), ("gw_x", "INVALID_API_KEY")):
            with pytest.raises(Refused) as refused:
                async with door.socket(key):
                    pass
            assert refused.value.status == 401
            assert json.loads(refused.value.body)["details"] == {"code": code}
        for path in ("/ws", "/v1/ws"):
            async with door.socket(MASTER_KEY, path) as socket:
                assert words(await frames(socket, 1)) == ["CONNECTED"]

    journey(tmp_path, steps, master_key=MASTER_KEY)


def test_a_revoked_key_loses_its_stream(tmp_path):
    async def steps(door):
        async with door.socket(OTHER_KEY) as socket:
            await frames(socket, 1)
            door.gateway.access.replace_keys([])
            door.stream.beat()
            with pytest.raises(Closed) as closed:
                while True:
                    await socket.receive()
            assert closed.value.code == 1008

    journey(tmp_path, steps)


def test_a_client_that_never_reads_is_let_go_and_harms_nobody(tmp_path):
    async def steps(door):
        async with door.socket() as slow, door.socket() as quick:
            await frames(slow, 1)
            await frames(quick, 1)
            slow.stall()
            for _ in range(1_200):
                door.stream.beat()
                await asyncio.sleep(0)
            assert words(await frames(quick, 1_200)) == ["ping"] * 1_200
            slow.resume()
            with pytest.raises(Closed) as closed:
                while True:
                    await slow.receive()
            assert closed.value.code == 1013
        assert "gateway_ws_slow_consumer_disconnects 1" in (await door.call("GET", "/metrics")).text

    journey(tmp_path, steps)


def test_goodbye_is_said_before_the_close(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await frames(socket, 1)
            await door.stream.say_goodbye()
            [goodbye] = await frames(socket, 1)
            assert goodbye["event"] == "DISCONNECTING"
            await door.app.close_sessions()
            assert await socket.end() == 1001
        with pytest.raises(Refused) as refused:
            async with door.socket():
                pass
        assert refused.value.status == 503

    journey(tmp_path, steps)


def test_a_limit_announces_itself(tmp_path):
    async def steps(door):
        async with door.socket() as mine, door.socket(OTHER_KEY) as other:
            await frames(mine, 1)
            await frames(other, 1)
            for _ in range(2_001):
                await door.call("GET", "/status")
            warning, hit = await frames(mine, 2)
            assert (warning["event"], hit["event"]) == ("RATE_LIMIT_WARNING", "RATE_LIMIT_HIT")
            assert hit["requests_remaining"] == 0
            door.stream.beat()
            assert words(await frames(other, 1)) == ["ping"], "the other key hears nothing of it"

    journey(tmp_path, steps, limiter=RateLimiter(clock=lambda: 0.0))


def test_carry_is_told_as_financing(tmp_path):
    async def steps(door):
        await door.place(symbol="EUR/USD", quantity="10000")
        async with door.socket() as socket:
            await frames(socket, 1)
            door.clock.at += 2 * NS_PER_DAY  # The first rollover is a Sunday's and books no night.
            await door.desk.submit(Tick())
            financing, account = await frames(socket, 2)
            assert (financing["type"], financing["symbol"]) == ("financing", "EUR/USD")
            assert float(financing["amount"]) < 0
            assert (account["type"], account["event"]) == ("account", "BALANCE_UPDATED")

    journey(tmp_path, steps)


def test_a_margin_call_and_a_liquidation_are_told(tmp_path):
    async def steps(door):
        await door.place(quantity="13000")
        async with door.socket() as socket:
            await frames(socket, 1)
            door.quote("AAPL", "149.50", "149.52")
            [call] = await frames(socket, 1)
            assert (call["type"], call["event"]) == ("account", "MARGIN_CALL")
            door.quote("AAPL", "143.00", "143.02")
            told = await frames(socket, 7)
            assert words(told)[:3] == ["MARGIN_CALL", "error", "ORDER_CREATED"]
            assert told[1]["code"] == "LIQUIDATION"
            assert "POSITION_CLOSED" in words(told)

    journey(tmp_path, steps)


def strictly(entries, *, is_strict=False):
    made = [Subscription(platform="mock", instrument=name, events=tuple(events)) for name, events in entries]
    return GatewaySettings(subscriptions=Subscriptions(made, is_strict=is_strict))


def test_subscriptions_filter_quotes_and_candles_and_keep_their_spelling(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await frames(socket, 1)
            door.quote("EURUSD", "1.08700", "1.08710")
            door.quote("BTCUSD", "50000", "50010")
            [quote] = await frames(socket, 1, market=True)
            assert (quote["type"], quote["quote"]["symbol"]) == ("quote", "EURUSD")
            await door.place()
            assert words(await frames(socket, 1, market=True)) == ["ORDER_CREATED"], "trading events always pass"

    journey(tmp_path, steps, settings=strictly([("EURUSD", ["quote", "candle_5m"])]))


def test_strict_subscriptions_hide_trading_events(tmp_path):
    async def steps(door):
        async with door.socket() as socket:
            await frames(socket, 1)
            await door.place()
            await door.place(symbol="BTC/USD", quantity="0.1")
            told = await frames(socket, 2)
            assert words(told) == ["ORDER_CREATED", "ORDER_FILLED"]
            assert told[0]["order"]["symbol"] == "BTC/USD"

    journey(tmp_path, steps, settings=strictly([("AAPL", ["quote"]), ("BTCUSD", ["orders"])], is_strict=True))


def test_an_unknown_event_word_stops_the_start():
    with pytest.raises(ValueError, match="not known"):
        strictly([("AAPL", ["everything"])])
