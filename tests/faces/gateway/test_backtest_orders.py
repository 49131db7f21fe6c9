"""Orders of a backtest at the gateway: they fill at what comes after their signal; what was recorded is what is told."""

import json

import pytest
from pydantic import TypeAdapter
from tektii.models import GatewayEvent

from tests.faces.gateway.past import BARS, BEGIN, COMPLETE, Past, through, words, write_bars, write_quotes
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR

EVENT = TypeAdapter(GatewayEvent)


def test_a_market_order_fills_at_the_next_open(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            candle = await strategy.next()
            handle = await past.place(quantity="10")
            assert handle["status"] in ("OPEN", "PENDING")
            assert (await past.order(handle))["filled_quantity"] == "0"
            strategy.ack(candle)
            told = await strategy.until("trade")
            assert told[-1]["trade"]["price"] == "102.01"  # The ask at the open of 102.00, not 100.51 of the close.
            order = await past.order(handle)
            assert (order["status"], order["average_fill_price"]) == ("FILLED", "102.01")
            assert told[-1]["trade"]["timestamp"].startswith("2024-01-02T10:01:00")

    through(tmp_path, write_bars(tmp_path), steps)


def test_an_order_from_before_the_start_fills_at_the_first_open(tmp_path):
    async def steps(past: Past):
        handle = await past.place(quantity="1")
        async with past.follow() as strategy:
            told = await strategy.until("candle")
            assert words(told) == [
                "ORDER_CREATED",
                "ORDER_FILLED",
                "TRADE_FILLED",
                "POSITION_OPENED",
                "BALANCE_UPDATED",
                "candle",
            ]
            assert (await past.order(handle))["average_fill_price"] == "100.01"

    through(tmp_path, write_bars(tmp_path), steps)


@pytest.mark.parametrize(("what", "wish", "price", "minute"), [
    # what                                 wish                                                 fills at   in minute
    ("a limit reached in the bar",         dict(side="SELL", order_type="LIMIT", limit_price="102.75"), "102.75", 1),
    ("a limit jumped over by the open",    dict(order_type="LIMIT", limit_price="103.00"),       "102.01",  1),
    ("a stop jumped over by the open",     dict(order_type="STOP", stop_price="101.00"),         "102.01",  1),
    ("a stop-limit",                       dict(order_type="STOP_LIMIT", stop_price="101.00", limit_price="102.50"), "102.01", 1),
    ("immediate or cancel",                dict(time_in_force="IOC"),                            "102.01",  1),
    ("fill or kill",                       dict(time_in_force="FOK"),                            "102.01",  1),
    ("for the day",                        dict(time_in_force="DAY"),                            "102.01",  1),
    ("hidden, leveraged, cross",           dict(hidden=True, leverage="2", margin_mode="CROSS"), "102.01",  1),
    ("a trailing stop",                    dict(side="SELL", order_type="TRAILING_STOP", trailing_distance="4", trailing_type="ABSOLUTE"), "100.50", 2),
])  # fmt: skip
def test_all_order_types_work_through_the_past(tmp_path, what, wish, price, minute):
    async def steps(past: Past):
        async with past.follow() as strategy:
            candle = await strategy.next()
            await past.place(quantity="10", **wish)
            strategy.ack(candle)
            told = await strategy.until("trade")
            assert told[-1]["trade"]["price"] == price, what
            assert told[-1]["timestamp"].startswith(f"2024-01-02T10:0{minute}:"), what

    through(tmp_path, write_bars(tmp_path), steps)


def test_a_market_order_that_reacts_inside_a_bar_waits_for_the_next_open(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            await past.place(quantity="10")
            told = await strategy.until("account")  # The fill at the second open; its bar is not over.
            handle = await past.place(side="SELL", quantity="10")
            resting = await past.place(side="SELL", quantity="1", order_type="LIMIT", limit_price="102.75")
            taking = await past.place(side="SELL", quantity="1", order_type="LIMIT", limit_price="101.75")
            strategy.ack(told[-1])
            told = await strategy.until("candle")
            assert (await past.order(handle))["status"] == "OPEN"
            # What rests is in the book for the rest of the bar, and fills at its own price.
            assert (await past.order(resting))["average_fill_price"] == "102.75"
            assert (await past.order(taking))["status"] == "OPEN"
            strategy.ack(told[-1])
            await strategy.until("trade")
            assert (await past.order(handle))["average_fill_price"] == "104.00"

    through(tmp_path, write_bars(tmp_path), steps)


def test_a_resting_order_moved_to_the_market_fills_at_the_next_open_too(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            handle = await past.place(quantity="1", order_type="LIMIT", limit_price="90")
            told = await strategy.until("candle")
            answer = await past.call("PATCH", f"/orders/{handle['id']}", {"limit_price": "110"})
            assert answer.json()["status"] == "OPEN"
            assert answer.json()["previous_order_id"] is None
            strategy.ack(told[-1])
            await strategy.until("trade")
            assert (await past.order(handle))["average_fill_price"] == "102.01"

    through(tmp_path, write_bars(tmp_path), steps)


def test_brackets_and_closed_positions_are_told_as_on_paper(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            candle = await strategy.next()
            await past.place(quantity="10", stop_loss="99.50", take_profit="110")
            strategy.ack(candle)
            told = await strategy.until(COMPLETE)
            assert [word for word in words(told) if word != "candle"] == [
                "ORDER_CREATED",
                "ORDER_FILLED", "TRADE_FILLED", "POSITION_OPENED", "BALANCE_UPDATED", "ORDER_CREATED", "ORDER_CREATED",
                "ORDER_FILLED", "TRADE_FILLED", "POSITION_CLOSED", "BALANCE_UPDATED", "ORDER_CANCELLED",
                COMPLETE,
            ]  # fmt: skip
            assert await past.get("/positions") == []

    through(tmp_path, write_bars(tmp_path), steps)


def test_a_stop_inside_a_bar_fills_at_its_own_price_and_beyond_an_open_at_the_open(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            candle = await strategy.next()
            await past.place(quantity="10", stop_loss="100.25")
            strategy.ack(candle)
            told = await strategy.until(COMPLETE)
            # Bought at the open of 102.01; two minutes on the bar falls from 104.50 to 98.00, through the stop.
            assert [frame["trade"]["price"] for frame in told if frame["type"] == "trade"] == ["102.01", "100.25"]

    through(tmp_path, write_bars(tmp_path), steps)


def test_what_a_stop_inside_a_bar_sets_off_is_in_the_book_before_the_bar_goes_on(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            candle = await strategy.next()
            await past.place(side="BUY", quantity="1", order_type="STOP", stop_price="102.80")
            strategy.ack(candle)
            told = await strategy.until("account")
            resting = await past.place(side="SELL", quantity="1", order_type="LIMIT", limit_price="102.90")
            strategy.ack(told[-1])
            await strategy.until("candle")
            assert (await past.order(resting))["average_fill_price"] == "102.90"

    through(tmp_path, write_bars(tmp_path), steps)


def test_refusals_say_why_and_are_told(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            candle = await strategy.next()
            answer = await past.call("POST", "/orders", {
                "symbol": "ACME", "side": "BUY", "quantity": "1000000", "order_type": "MARKET",
            })  # fmt: skip
            assert (answer.status_code, answer.json()["details"]["reject_reason"]) == (422, "INSUFFICIENT_MARGIN")
            taking = await past.call("POST", "/orders", {
                "symbol": "ACME", "side": "BUY", "quantity": "1", "order_type": "LIMIT", "limit_price": "200", "post_only": True,
            })  # fmt: skip
            assert taking.json()["details"]["reject_reason"] == "POST_ONLY_VIOLATED"
            strategy.ack(candle)
            rejected = await strategy.next()
            assert (rejected["event"], rejected["order"]["reject_reason"]) == ("ORDER_REJECTED", "INSUFFICIENT_MARGIN")

    through(tmp_path, write_bars(tmp_path), steps)


def test_a_day_order_expires_in_simulated_time(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            await past.place(quantity="1", order_type="LIMIT", limit_price="1", time_in_force="DAY")
            told = await strategy.until(COMPLETE)
            [expired] = [frame for frame in told if frame.get("event") == "ORDER_EXPIRED"]
            assert expired["timestamp"] == "2024-01-02T22:00:00Z"

    through(tmp_path, write_bars(tmp_path, BARS * 3, name="ACME.1h.csv", every=NS_PER_HOUR), steps)


# What was recorded.


def test_daily_bars_are_candles_of_a_day_and_nothing_finer_is_made_up(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            told = await strategy.until(COMPLETE)
            assert [frame["bar"]["timeframe"] for frame in told[:-1]] == ["1d"] * len(BARS)
            assert [frame["bar"]["volume"] for frame in told[:-1]] == ["1000"] * len(BARS)
        assert await past.get("/bars/ACME?timeframe=1m") == []
        days = await past.get("/bars/ACME?timeframe=1d&start=2024-01-03T00:00:00Z&end=2024-01-04T23:00:00Z")
        assert [day["open"] for day in days] == ["102.00", "104.00"]

    daily = write_bars(tmp_path, name="ACME.1d.csv", every=NS_PER_DAY)
    daily.write_text(daily.read_text().replace(str(1704189600000), str(1704153600000)))
    rows = daily.read_text().splitlines()
    moved = [
        rows[0],
        *(f"{1704153600000 + number * 86_400_000},{row.partition(',')[2]}" for number, row in enumerate(rows[1:])),
    ]
    daily.write_text("\n".join(moved))
    through(tmp_path, daily, steps)


def test_quotes_are_steps_of_their_own_and_orders_meet_the_quote_that_stands(tmp_path):
    recording = write_quotes(
        tmp_path, [(0, "10.00", "10.02"), (20, "10.10", "10.12"), (70, "10.30", "10.32"), (75, "10.20", "10.22")]
    )

    async def steps(past: Past):
        async with past.follow() as strategy:
            first, second = await strategy.next(), None
            EVENT.validate_python(first)
            assert (first["type"], first["quote"]["ask"], first["event_id"]) == ("quote", "10.02", "evt-1")
            bought = await past.place(quantity="1")
            assert (await past.order(bought))["average_fill_price"] == "10.02"
            strategy.ack(first)
            told = await strategy.until("quote")
            second = told[-1]
            assert second["timestamp"] == "2024-01-02T10:00:20Z"
            strategy.ack(second)
            candle = await strategy.next()
            assert (candle["type"], candle["timestamp"]) == ("candle", "2024-01-02T10:01:00Z")
            # Who reacts to a candle meets what comes after it.
            sold = await past.place(side="SELL", quantity="1")
            assert (await past.order(sold))["status"] == "OPEN"
            strategy.ack(candle)
            told = await strategy.until(COMPLETE)
            assert (await past.order(sold))["average_fill_price"] == "10.30"
            assert words(told)[-2:] == ["candle", COMPLETE]

    through(tmp_path, recording, steps)


def test_several_symbols_are_told_in_the_order_of_time(tmp_path):
    write_bars(tmp_path / "r", name="OTHER.1m.csv")
    recording = write_bars(tmp_path / "r").parent

    async def steps(past: Past):
        async with past.follow() as strategy:
            told = (await strategy.until(COMPLETE))[:-1]
            assert [frame["timestamp"] for frame in told] == sorted(frame["timestamp"] for frame in told)
            assert len(told) == 2 * len(BARS)
            assert {frame["bar"]["symbol"] for frame in told} == {"ACME", "OTHER"}

    through(tmp_path, recording, steps)


def test_longer_candles_and_quotes_come_where_they_are_subscribed(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            told = (await strategy.until(COMPLETE))[:-1]
            assert words(told) == ["quote"] * 5 + ["candle"]
            assert told[-1]["bar"] | {"provider": ""} == {
                "symbol": "ACME", "provider": "", "timeframe": "5m", "timestamp": BEGIN,
                "open": "100.00", "high": "104.50", "low": "94.01", "close": "95.50", "volume": "5000",
            }  # fmt: skip
            assert [bar["close"] for bar in await past.get("/bars/ACME?timeframe=5m")] == ["95.50"]

    wanted = json.dumps([{"platform": "mock", "instrument": "ACME", "events": ["quote", "candle_5m"]}])
    through(tmp_path, write_bars(tmp_path), steps, subscriptions=wanted)


def test_bars_grow_with_simulated_time_and_never_show_what_is_to_come(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            for number in range(1, 4):
                candle = await strategy.next()
                bars = await past.get("/bars/ACME?timeframe=1m")
                assert [bar["open"] for bar in bars] == [bar[0] for bar in BARS[:number]]
                [five] = await past.get("/bars/ACME?timeframe=5m")
                assert five["close"] == BARS[number - 1][3]
                strategy.ack(candle)

    through(tmp_path, write_bars(tmp_path), steps)
