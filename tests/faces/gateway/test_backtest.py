"""Backtest mode at the gateway: pacing by acknowledgements, fills that never precede their signal, the end."""

import asyncio
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from tektii.models import GatewayEvent

from tests.faces.gateway.past import BARS, BEGIN, COMPLETE, Past, through, words, write_bars
from tests.faces.kit.asgi import Closed, Refused
from tradehall.config import ConfigRefused
from tradehall.ports.feed import FeedError

EVENT = TypeAdapter(GatewayEvent)


def ids(frames):
    return [frame["event_id"] for frame in frames]


# Before the start.


def test_nothing_is_told_before_a_strategy_is_there_and_rest_shows_the_beginning(tmp_path):
    async def steps(past: Past):
        await asyncio.sleep(0.05)
        account = await past.get("/account")
        assert (account["balance"], account["equity"], account["currency"]) == ("100000", "100000", "USD")
        assert (
            await past.get("/positions") == await past.get("/orders") == await past.get("/bars/ACME?timeframe=1m") == []
        )
        quote = await past.get("/quotes/ACME")
        assert (quote["bid"], quote["timestamp"]) == ("100.00", BEGIN)
        status, capabilities = await past.get("/status"), await past.get("/capabilities")
        assert (status["mode"], status["last_heartbeat"], status["latency_ms"]) == ("backtest", BEGIN, 0)
        assert capabilities["mode"] == "backtest"
        assert past.house.clock.now() == past.house.past.script.begins_at
        async with past.follow() as strategy:
            assert (await strategy.next())["event_id"] == "evt-1"

    through(tmp_path, write_bars(tmp_path), steps)


def test_cash_and_symbols_and_period_are_those_of_the_configuration(tmp_path):
    write_bars(tmp_path / "r", name="OTHER.1m.csv")
    recording = write_bars(tmp_path / "r").parent

    async def steps(past: Past):
        assert (await past.get("/account"))["balance"] == "2500.5"
        assert (await past.call("GET", "/quotes/OTHER")).status_code == 404
        # What was before the period is known: the last quote, and the bars.
        assert (await past.get("/quotes/ACME"))["bid"] == "100.50"
        assert [bar["close"] for bar in await past.get("/bars/ACME?timeframe=1m")] == ["100.50"]
        async with past.follow() as strategy:
            told = await strategy.until(COMPLETE)
            assert [frame["bar"]["open"] for frame in told[:-1]] == ["102.00", "104.00", "97.00"]

    period = {"from": "2024-01-02T10:01:00Z", "to": "2024-01-02T10:04:30Z"}
    through(tmp_path, recording, steps, cash="2500.5", symbols="acme", **period)


# Pacing.


def test_each_candle_waits_for_the_acknowledgement_of_the_one_before(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            for number, bar in enumerate(BARS):
                candle = await strategy.next()
                EVENT.validate_python(candle)
                assert (candle["type"], candle["event_id"]) == ("candle", f"evt-{number + 1}")
                shown = candle["bar"]
                assert (shown["open"], shown["high"], shown["low"], shown["close"]) == bar
                assert (shown["timeframe"], shown["volume"]) == ("1m", "1000")
                assert shown["timestamp"] == f"2024-01-02T10:0{number}:00Z"
                assert candle["timestamp"] == f"2024-01-02T10:0{number + 1}:00Z"
                await strategy.nothing()
                strategy.ack(candle)
            last = await strategy.next()
            EVENT.validate_python(last)
            assert (last["type"], last["event_id"]) == (COMPLETE, "evt-6")

    through(tmp_path, write_bars(tmp_path), steps)


def test_empty_unknown_and_repeated_acknowledgements_release_nothing(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            first = await strategy.next()
            strategy.ack()
            strategy.ack("evt-2", "evt-99", "", "nonsense")
            await strategy.nothing()
            strategy.ack(first)
            second = await strategy.next()
            strategy.ack(first)
            strategy.ack(first, first)
            await strategy.nothing()
            strategy.ack("unknown", second)
            assert (await strategy.next())["event_id"] == "evt-3"

    through(tmp_path, write_bars(tmp_path), steps)


def test_what_is_not_understood_is_answered_and_releases_nothing(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            candle = await strategy.next()
            for text in ("no json", '{"type":"event_ack"}', '{"type":"other"}'):
                strategy.socket.send(text)
                error = await strategy.next()
                assert (error["type"], error["code"]) == ("error", "INVALID_MESSAGE")
                assert "event_id" not in error
            strategy.socket.send('{"type":"pong"}')
            await strategy.nothing()
            strategy.ack(candle)
            assert (await strategy.next())["event_id"] == "evt-2"

    through(tmp_path, write_bars(tmp_path), steps)


def test_frames_of_a_fill_are_a_step_acknowledged_in_any_order_over_several_frames(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            candle = await strategy.next()
            await past.place(quantity="10")
            await strategy.nothing()  # What the request caused waits for its turn.
            strategy.ack(candle)
            created = await strategy.next()
            assert words([created]) == ["ORDER_CREATED"]
            await strategy.nothing()
            strategy.ack(created)
            told = [await strategy.next() for _ in range(4)]
            assert words(told) == ["ORDER_FILLED", "TRADE_FILLED", "POSITION_OPENED", "BALANCE_UPDATED"]
            assert ids(told) == ["evt-3", "evt-4", "evt-5", "evt-6"]
            assert {frame["timestamp"] for frame in told} == {told[0]["timestamp"]}
            strategy.ack(told[3], told[1])
            await strategy.nothing()
            strategy.ack(told[2])
            await strategy.nothing()
            strategy.ack(told[0])
            assert (await strategy.next())["type"] == "candle"

    through(tmp_path, write_bars(tmp_path), steps)


def test_all_strategies_are_waited_for(tmp_path):
    async def steps(past: Past):
        async with past.follow() as one:
            first = await one.next()
            async with past.follow() as other:
                one.ack(first)
                seen = [await one.next(), await other.next()]
                assert seen[0] == seen[1]
                one.ack(seen[0])
                await one.nothing()
                await other.nothing()
                other.ack(seen[1])
                assert (await one.next())["event_id"] == (await other.next())["event_id"] == "evt-3"
                other.ack("evt-1")  # Never told to it.
                one.ack("evt-3")
                await one.nothing()

    through(tmp_path, write_bars(tmp_path), steps)


# Losing and finding the strategy.


def test_a_lost_strategy_stops_time_and_gets_what_it_did_not_acknowledge_again(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            candle = await strategy.next()
            await past.place(quantity="1")
            strategy.ack(candle)
            created = await strategy.next()
            strategy.ack(created)
            step = [await strategy.next() for _ in range(4)]
            strategy.ack(step[1])
        now = past.house.clock.now()
        await asyncio.sleep(0.05)
        assert past.house.clock.now() == now
        async with past.follow() as strategy:
            again = [await strategy.next() for _ in range(3)]
            assert again == [step[0], step[2], step[3]]
            await strategy.nothing()
            strategy.ack(*again)
            assert (await strategy.next())["type"] == "candle"

    through(tmp_path, write_bars(tmp_path), steps)


def test_time_stands_still_while_one_of_two_is_gone(tmp_path):
    async def steps(past: Past):
        async with past.follow() as one:
            first = await one.next()
            async with past.follow():
                one.ack(first)
                second = await one.next()
                one.ack(second)
            await one.nothing()
            async with past.follow() as back:
                assert await back.next() == second
                back.ack(second)
                assert await one.next() == await back.next()

    through(tmp_path, write_bars(tmp_path), steps)


def test_who_comes_back_before_the_loss_is_known_takes_over_what_was_not_acknowledged(tmp_path):
    async def steps(past: Past):
        async with past.follow() as lost:
            candle = await lost.next()
            back = past.follow()
            await back.__aenter__()
            await back.nothing()
        assert await back.next() == candle
        back.ack(candle)
        assert (await back.next())["event_id"] == "evt-2"
        await back.__aexit__(None, None, None)

    through(tmp_path, write_bars(tmp_path), steps)


# The end.


def test_the_end_is_told_once_and_the_socket_closed_when_it_is_acknowledged(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            told = await strategy.until(COMPLETE)
            assert words(told).count(COMPLETE) == 1
            assert (told[-1]["broker"], told[-1]["timestamp"]) == ("backtest", "2024-01-02T10:05:00Z")
            await strategy.nothing()
            strategy.ack(told[-1])
            with pytest.raises(Closed) as closed:
                await strategy.next()
            assert closed.value.code == 1000
        assert (await past.get("/account"))["balance"] == "100000"
        assert len(await past.get("/bars/ACME?timeframe=1m")) == len(BARS)
        metrics = await past.call("GET", "/metrics")
        assert 'gateway_backtest_completions_total{platform="backtest"} 1' in metrics.text
        with pytest.raises(Refused) as refused:
            async with past.follow():
                pass
        assert refused.value.status == 403

    through(tmp_path, write_bars(tmp_path), steps)


def test_the_last_frame_is_told_again_to_one_who_lost_it(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            told = await strategy.until(COMPLETE)
        async with past.follow() as strategy:
            assert await strategy.next() == told[-1]
            strategy.ack(told[-1])
            with pytest.raises(Closed) as closed:
                await strategy.next()
            assert closed.value.code == 1000

    through(tmp_path, write_bars(tmp_path), steps)


def test_a_simulation_that_dies_says_so_and_never_that_it_is_complete(tmp_path):
    recording = write_bars(tmp_path)

    async def steps(past: Past):
        async with past.follow() as strategy:
            candle = await strategy.next()
            await past.house.desk.stop("the disk is full")
            await past.call("GET", "/account")
            strategy.ack(candle)
            error = await strategy.next()
            assert (error["type"], error["code"]) == ("error", "INTERNAL_ERROR")
            assert "the disk is full" in error["message"]
            assert "event_id" not in error
            with pytest.raises(Closed) as closed:
                await strategy.next()
            assert closed.value.code == 1011
        assert (await past.get("/account"))["balance"] == "100000"

    through(tmp_path, recording, steps)


# Patience.


def test_without_patience_set_the_run_goes_on_after_a_miss_and_ends_after_too_many(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            told = [await strategy.next() for _ in range(4)]
            assert words(told) == ["candle", "candle", "candle", "error"]
            assert "no event was acknowledged 3 times in a row" in told[-1]["message"]
            with pytest.raises(Closed) as closed:
                await strategy.next()
            assert closed.value.code == 1011

    through(tmp_path, write_bars(tmp_path), steps, backtest_ack_timeout_s="0.05", backtest_misses_first="3")


def test_any_acknowledgement_starts_the_count_of_misses_anew(tmp_path):
    async def steps(past: Past):
        async with past.follow() as strategy:
            first = await strategy.next()
            second = await strategy.next()
            strategy.ack(first)  # Late, but a sign of life.
            third = await strategy.next()
            strategy.ack(second)
            fourth = await strategy.next()
            strategy.ack(third, fourth)
            fifth = await strategy.next()
            strategy.ack(fifth)
            assert (await strategy.next())["type"] == COMPLETE

    through(
        tmp_path,
        write_bars(tmp_path),
        steps,
        backtest_ack_timeout_s="0.1",
        backtest_misses_first="2",
        backtest_misses="2",
    )


# The same again.


def test_the_same_strategy_gets_the_same_bytes(tmp_path):
    recording = write_bars(tmp_path, BARS * 4)

    async def steps(past: Past):
        answers = []
        async with past.follow() as strategy:
            count = 0

            async def trade(frame):
                nonlocal count
                if frame["type"] != "candle":
                    return
                count += 1
                side = "BUY" if count % 2 else "SELL"
                for wish in (
                    {"quantity": "3", "stop_loss": "97" if side == "BUY" else "120"},
                    {
                        "quantity": "1",
                        "order_type": "TRAILING_STOP",
                        "trailing_distance": "1",
                        "trailing_type": "PERCENT",
                    },
                ):
                    answer = await past.call(
                        "POST", "/orders", {"symbol": "ACME", "side": side, "order_type": "MARKET"} | wish
                    )
                    answers.append(answer.text)
                paths = ("/account", "/orders", "/positions", "/trades", "/status", "/bars/ACME?timeframe=5m")
                answers.extend([(await past.call("GET", path)).text for path in paths])

            await strategy.until(COMPLETE, trade)
            return strategy.told, answers

    one = through(tmp_path / "one", recording, steps)
    other = through(tmp_path / "other", recording, steps)
    assert len(one[0]) > 100
    assert one == other
    assert "2026" not in "".join(one[0] + one[1]), "no instant of the present is seen"


# What cannot be begun.


@pytest.mark.parametrize(("what", "settings", "sentence"), [
    ("another feed",      {"feed": "sim"},                                       "mode backtest runs through recorded prices"),
    ("an empty period",   {"from": "2024-01-03T00:00:00Z", "to": "2024-01-02T00:00:00Z"}, "the period of the backtest is empty"),
    ("nothing in it",     {"from": "2030-01-01T00:00:00Z"},                      "the recording holds nothing from 2030"),
    ("an unknown symbol", {"symbols": "ACME,NOPE"},                              "symbol NOPE is not recorded there: expected some of ACME"),
    ("a live server",     {"mode": "live"},                                      "mode live is not built in yet"),
])  # fmt: skip
def test_what_cannot_be_begun_is_refused_with_a_sentence(tmp_path, what, settings, sentence):
    recording = write_bars(tmp_path)

    async def steps(past: Past):
        raise AssertionError(f"{what} was not refused")

    with pytest.raises((ConfigRefused, FeedError), match=sentence):
        through(tmp_path, recording, steps, **settings)


@pytest.mark.parametrize(("what", "bars", "sentence"), [
    ("a high below the low", [("10", "9", "9.5", "10")],                          "row 1: "),
    ("a negative price",     [("10", "11", "9", "10"), ("-1", "11", "9", "10")],  "row 2: "),
])  # fmt: skip
def test_a_recording_that_cannot_be_true_is_refused_by_file_and_row(tmp_path, what, bars, sentence):
    async def steps(past: Past):
        raise AssertionError(f"{what} was not refused")

    with pytest.raises(FeedError, match=r"ACME\.1m\.csv " + sentence):
        through(tmp_path, write_bars(tmp_path, bars), steps)


def test_options_of_replays_have_no_place_here(tmp_path):
    async def steps(past: Past):
        raise AssertionError("the options were not refused")

    with pytest.raises(FeedError, match="leave them out"):
        through(tmp_path, Path(f"{write_bars(tmp_path)}?loop=1"), steps)


# The house around it.


@pytest.mark.parametrize(
    "path", ["/client/markets", "/v1/api/account", "/api/trading/orders", "/ui/index.html", "/ws/client"]
)
def test_other_doors_are_closed_and_say_so(tmp_path, path):
    async def steps(past: Past):
        answer = await past.call("GET", path)
        assert answer.status_code == 503
        assert "the gateway's is its only door" in answer.json()["message"]

    through(tmp_path, write_bars(tmp_path), steps)


def test_each_run_has_a_folder_of_its_own_with_a_journal_that_verifies(tmp_path):
    recording = write_bars(tmp_path)

    async def steps(past: Past):
        async with past.follow() as strategy:
            await past.place(quantity="1")
            await strategy.until(COMPLETE)
            assert (await past.get("/orders/history"))[0]["status"] == "FILLED"
        return past.house.folder

    folders = [through(tmp_path, recording, steps) for _ in range(2)]
    assert [folder.name for folder in folders] == ["run-000001", "run-000002"]
    assert all((folder / "journal.db").exists() for folder in folders)
