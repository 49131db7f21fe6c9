"""Trades, positions, pending orders and deals, through the door, on a real shard."""

import asyncio
from decimal import Decimal

import pytest

from tests.app.shard import an_order, until
from tests.faces.terminal.opened import MIRA, NETTING, OTTO, a_trade, journey
from tradehall.domain.account import AccountStatus
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.domain.strategy import TradingState
from tradehall.domain.time import NS_PER_DAY, NS_PER_MS
from tradehall.engine.commands import SetTradingState, Tick, UpdateAccount
from tradehall.faces.terminal.errors import REFUSALS, STATUS_OF_CODE, refusal_of
from tradehall.venue.settings import VenueSettings


def test_a_market_order_is_answered_after_its_fill_and_is_a_position(tmp_path):
    async def steps(door):
        data = await door.ok(
            "POST", "/trade", a_trade(action="BUY", sl=1.08, tp=1.095, comment="c", magic=7, client_order_id="k")
        )
        assert data == {
            "ticket": data["ticket"], "price": 1.08428, "symbol": "EURUSD", "type": 0, "action": "buy", "volume": 0.1,
            "sl": 1.08, "tp": 1.095, "deal": data["deal"], "time": data["time"], "latency_ms": data["latency_ms"],
        }  # fmt: skip
        assert isinstance(data["latency_ms"], int) and data["ticket"] > 7_300_000 and data["deal"] > 900_000
        [position] = await door.get("/positions")
        assert position == await door.get(f"/positions/{data['ticket']}")
        assert position == {
            "ticket": data["ticket"], "symbol": "EURUSD", "type": 0, "side": "buy", "volume": 0.1, "open_price": 1.08428,
            "current_price": 1.0842, "sl": 1.08, "tp": 1.095, "profit": -0.8, "swap": 0.0, "commission": 0.0,
            "open_time": data["time"], "comment": "c", "client_order_id": "k", "magic": 7,
        }  # fmt: skip
        assert await door.get("/orders") == []

    journey(tmp_path, steps)


def test_equity_is_balance_plus_floating_profit_and_a_closed_profit_is_in_the_balance(tmp_path):
    async def steps(door):
        ticket = await door.buy(0.1)
        door.quote("EURUSD", "1.08548", "1.08556")
        account = await door.get("/account")
        assert (account["login"], account["currency"], account["leverage"], account["mode"]) == (
            700001,
            "USD",
            50,
            "hedging",
        )
        assert (account["balance"], account["profit"], account["equity"]) == (100000.0, 12.0, 100012.0)
        assert (account["margin"], account["free_margin"]) == (216.86, 99795.14)
        assert account["margin_level"] == round(100012.0 / 216.86 * 100, 2)
        assert (account["connected"], account["trade_allowed"], account["credit"]) == (True, True, 0.0)
        closed = await door.ok("DELETE", f"/positions/{ticket}")
        assert (closed["profit"], closed["closed_volume"], closed["remaining_volume"]) == (12.0, 0.1, 0.0)
        account = await door.get("/account")
        assert (account["balance"], account["equity"], account["profit"], account["margin_level"]) == (
            100012.0,
            100012.0,
            0.0,
            None,
        )

    journey(tmp_path, steps)


@pytest.mark.parametrize(("command", "may_close"), [
    (UpdateAccount(MIRA, AccountStatus.CLOSE_ONLY),          True),
    (UpdateAccount(MIRA, AccountStatus.READ_ONLY),           False),
    (UpdateAccount(MIRA, AccountStatus.DISABLED),            False),
    (SetTradingState(MIRA, None, TradingState.REDUCE_ONLY),  True),
    (SetTradingState(MIRA, None, TradingState.HALTED),       True),
], ids=["close only", "read-only", "disabled", "reducing", "halted"])  # fmt: skip
def test_an_account_that_may_open_nothing_says_so(tmp_path, command, may_close):
    async def steps(door):
        ticket = await door.buy(0.1)
        assert (await door.get("/account"))["trade_allowed"] is True
        await door.desk.submit(command)
        assert (await door.get("/account"))["trade_allowed"] is False
        assert await door.refused("POST", "/trade", a_trade()) == (400, "TRADE_DISABLED")
        closed = (await door.call("DELETE", f"/positions/{ticket}")).json()
        assert closed["success"] is may_close and closed.get("code") == (None if may_close else "TRADE_DISABLED")

    journey(tmp_path, steps)


def test_a_part_is_closed_under_the_same_ticket_and_history_tells_in_and_out(tmp_path):
    async def steps(door):
        ticket = await door.buy(0.1)
        door.quote("EURUSD", "1.08548", "1.08556")
        part = await door.ok("DELETE", f"/positions/{ticket}", {"volume": 0.04, "comment": "a part"})
        assert part == {
            "ticket": ticket, "closed_volume": 0.04, "remaining_volume": 0.06, "price": 1.08548, "profit": 4.8, "deal": part["deal"],
        }  # fmt: skip
        [position] = await door.get("/positions")
        assert (position["ticket"], position["volume"]) == (ticket, 0.06)
        out, into = await door.get(f"/account/history?ticket={ticket}")
        assert (out["entry"], out["volume"], out["profit"], out["side"], out["comment"]) == (
            "out",
            0.04,
            4.8,
            "sell",
            "a part",
        )
        assert (into["entry"], into["volume"], into["order"], into["reason"]) == ("in", 0.1, ticket, "api")
        assert out["deal"] == part["deal"]
        assert await door.refused("DELETE", f"/positions/{ticket}", {"volume": 0.07}) == (400, "INVALID_VOLUME")
        by_query = await door.ok("DELETE", f"/positions/{ticket}?volume=0.01")
        assert by_query["remaining_volume"] == 0.05
        by_alias = await door.ok("POST", f"/positions/{ticket}/close", {"volume": 0.01})
        assert by_alias["remaining_volume"] == 0.04
        rest = await door.ok("POST", "/trade/close", {"ticket": ticket})
        assert rest["closed_volume"] == 0.04
        assert await door.refused("DELETE", f"/positions/{ticket}") == (404, "POSITION_NOT_FOUND")

    journey(tmp_path, steps)


def test_the_deals_of_an_account_add_up_to_its_balance(tmp_path):
    async def steps(door):
        for volume in (0.1, 0.2):
            ticket = await door.buy(volume, "BTCUSD")
            door.quote("BTCUSD", "50100", "50110")
            await door.ok("DELETE", f"/positions/{ticket}", {"volume": 0.05})
        answer = (await door.call("GET", "/account/history?kind=all&limit=1000")).json()
        deals = answer["data"]
        assert answer["count"] == answer["total"] == len(deals) == 5
        assert all(deal["commission"] < 0 for deal in deals if deal["entry"] != "balance")
        total = sum(deal["profit"] + deal["commission"] + deal["swap"] for deal in deals)
        assert round(total, 2) == (await door.get("/account"))["balance"]
        assert [deal["time"] for deal in deals] == sorted((deal["time"] for deal in deals), reverse=True)
        [funds] = await door.get("/account/history?kind=balance")
        assert (funds["entry"], funds["symbol"], funds["profit"]) == ("balance", None, 100000.0)
        page = (await door.call("GET", "/account/history?kind=trade&symbol=btc/usd&limit=1&offset=1")).json()
        assert (page["count"], page["total"], page["data"]) == (1, 4, [deals[1]])
        assert await door.get("/account/history?symbol=EURUSD") == []
        early = deals[-1]["time"]
        assert len(await door.get(f"/account/history?to={early}")) >= 1
        assert await door.get(f"/account/history?from={deals[0]['time'] + 1}") == []
        with_iso = await door.get("/account/history?iso=true&limit=1")
        assert with_iso[0]["time_iso"].endswith("Z")

    journey(tmp_path, steps)


@pytest.mark.parametrize(("what", "quote", "sl", "tp", "reason", "price"), [
    ("stop loss",   ("1.07990", "1.07998"), 1.08, 1.095, "sl", 1.0799),
    ("take profit", ("1.09500", "1.09508"), 1.08, 1.095, "tp", 1.095),
])  # fmt: skip
def test_exits_close_the_position_and_the_deal_says_why(tmp_path, what, quote, sl, tp, reason, price):
    async def steps(door):
        ticket = await door.buy(0.1, sl=sl, tp=tp)
        door.quote("EURUSD", *quote)
        assert await door.get("/positions") == []
        deal = (await door.get(f"/account/history?ticket={ticket}"))[0]
        assert (deal["entry"], deal["reason"], deal["price"]) == ("out", reason, price)

    journey(tmp_path, steps)


def test_exits_are_moved_made_and_taken_away(tmp_path):
    async def steps(door):
        ticket = await door.buy(0.1)
        position = await door.ok("PUT", f"/positions/{ticket}", {"sl": 1.08})
        assert (position["sl"], position["tp"]) == (1.08, 0.0)
        position = await door.ok("PATCH", f"/positions/{ticket}", {"tp": 1.1, "sl": 1.081})
        assert (position["sl"], position["tp"]) == (1.081, 1.1)
        position = await door.ok("PUT", "/trade/modify", {"ticket": ticket, "sl": 0})
        assert (position["sl"], position["tp"]) == (0.0, 1.1)
        position = await door.ok("PUT", f"/positions/{ticket}", {"tp": None})
        assert (position["sl"], position["tp"]) == (0.0, 0.0)
        assert await door.refused("PUT", f"/positions/{ticket}", {"sl": 1.2}) == (400, "INVALID_STOPS")
        assert await door.refused("PUT", f"/positions/{ticket}", {"sl": -1}) == (400, "INVALID_STOPS")
        assert await door.refused("PUT", f"/positions/{ticket}", {}) == (400, "INVALID_PARAMETER")
        assert await door.refused("PUT", "/positions/7399999", {"sl": 1.0}) == (404, "POSITION_NOT_FOUND")
        assert await door.get("/orders") == [], "exit legs are no orders here"

    journey(tmp_path, steps)


@pytest.mark.parametrize(("what", "kind", "price", "code"), [
    ("buy limit below the ask",   2, 1.08400, None),
    ("buy limit at the ask",      2, 1.08428, "INVALID_PRICE"),
    ("sell limit above the bid",  3, 1.08500, None),
    ("sell limit at the bid",     3, 1.08420, "INVALID_PRICE"),
    ("buy stop above the ask",    4, 1.08500, None),
    ("buy stop below the ask",    4, 1.08400, "INVALID_PRICE"),
    ("sell stop below the bid",   5, 1.08400, None),
    ("sell stop above the bid",   5, 1.08500, "INVALID_PRICE"),
])  # fmt: skip
def test_a_pending_order_stands_on_its_side_of_the_market(tmp_path, what, kind, price, code):
    async def steps(door):
        body = {"symbol": "EURUSD", "type": kind, "volume": 0.1, "price": price}
        if code is not None:
            assert await door.refused("POST", "/orders", body) == (400, code)
            assert await door.get("/orders") == []
            return
        data = await door.ok("POST", "/orders", body)
        assert data == {"ticket": data["ticket"], "type": kind, "price": price, "state": "placed"}
        [order] = await door.get(f"/orders?type={kind}&symbol=eurusd")
        assert (order["ticket"], order["type"], order["price"], order["expiration"]) == (data["ticket"], kind, price, 0)
        bid, ask = (("1.08390", "1.08400"), ("1.08500", "1.08508"))[kind in (3, 4)]
        door.quote("EURUSD", bid, ask)
        assert await door.get("/orders") == []
        [position] = await door.get("/positions")
        assert (position["ticket"], position["type"]) == (data["ticket"], kind % 2)
        order = await door.get(f"/orders/{data['ticket']}")
        assert (order["state"], order["position_ticket"]) == ("filled", data["ticket"])

    journey(tmp_path, steps)


def test_a_pending_order_is_changed_cancelled_and_remembered_for_a_day(tmp_path):
    async def steps(door):
        until = door.clock.at // NS_PER_MS + 60_000
        ticket = await door.pend(sl=1.075, tp=1.09, expiration=until, comment="c", magic=3, client_order_id="p")
        order = await door.get(f"/orders/{ticket}")
        assert order == {
            "ticket": ticket, "symbol": "EURUSD", "type": 2, "type_name": "buy_limit", "side": "buy", "volume": 0.1,
            "price": 1.08, "sl": 1.075, "tp": 1.09, "expiration": until, "state": "placed",
            "created_time": order["created_time"], "comment": "c", "client_order_id": "p", "magic": 3,
        }  # fmt: skip
        changed = await door.ok("PUT", f"/orders/{ticket}", {"price": 1.079, "sl": 0, "tp": 1.091, "expiration": 0})
        assert (changed["price"], changed["sl"], changed["tp"], changed["expiration"]) == (1.079, 0.0, 1.091, 0)
        assert await door.refused("PUT", f"/orders/{ticket}", {"price": 1.2}) == (400, "INVALID_PRICE")
        nothing = (await door.call("PUT", f"/orders/{ticket}", {"price": 0})).json()
        assert nothing["error"] == "Invalid price: price was 0, must be positive", "in this door's words"
        assert await door.refused("PUT", f"/orders/{ticket}", {"volume": 0.2}) == (400, "INVALID_PARAMETER")
        assert await door.refused("PUT", f"/orders/{ticket}", {}) == (400, "INVALID_PARAMETER")
        assert await door.refused("PUT", f"/orders/{ticket}", {"expiration": 1}) == (400, "INVALID_EXPIRATION")
        assert await door.ok("DELETE", f"/order/{ticket}") == {"ticket": ticket, "state": "cancelled"}
        assert await door.refused("DELETE", f"/orders/{ticket}") == (400, "ALREADY_CLOSED")
        assert await door.refused("PUT", f"/orders/{ticket}", {"price": 1.07}) == (400, "ALREADY_CLOSED")
        assert (await door.get(f"/orders/{ticket}"))["state"] == "cancelled"
        assert await door.refused("DELETE", "/orders/7399999") == (404, "ORDER_NOT_FOUND")
        door.clock.at += NS_PER_DAY + 1
        door.freshen()
        assert await door.refused("GET", f"/orders/{ticket}") == (404, "ORDER_NOT_FOUND")

    journey(tmp_path, steps)


def test_an_order_expires_at_its_time(tmp_path):
    async def steps(door):
        ticket = await door.pend(expiration=door.clock.at // NS_PER_MS + 1000)
        door.pass_s(2)
        await door.desk.submit(Tick())
        assert (await door.get(f"/orders/{ticket}"))["state"] == "expired"
        past = door.clock.at // NS_PER_MS - 1
        body = {"symbol": "EURUSD", "type": "buy_limit", "volume": 0.1, "price": 1.08, "expiration": past}
        assert await door.refused("POST", "/orders", body) == (400, "INVALID_EXPIRATION")

    journey(tmp_path, steps)


def test_types_have_names_and_a_market_type_in_orders_is_executed(tmp_path):
    async def steps(door):
        data = await door.ok("POST", "/orders", {"symbol": "EURUSD", "type": 1, "volume": 0.1})
        assert (data["action"], data["price"], data["type"]) == ("sell", 1.0842, 1)
        data = await door.ok("POST", "/trade", {"symbol": "EURUSD", "type": "sell_stop", "volume": 0.1, "price": 1.08})
        assert (data["type"], data["state"]) == (5, "placed")
        data = await door.ok(
            "POST", "/trade", {"symbol": "EURUSD", "action": "Buy", "type": 2, "volume": 0.1, "price": 1.08}
        )
        assert data["type"] == 2
        assert (await door.ok("POST", "/trade", {"symbol": "EURUSD", "type": 0, "volume": 0.1}))["action"] == "buy"

    journey(tmp_path, steps)


@pytest.mark.parametrize(("what", "body", "status", "code", "error"), [
    ("no symbol",             dict(symbol=None),                                     400, "INVALID_PARAMETER",   "Invalid parameter: symbol"),
    ("an empty symbol",       dict(symbol=""),                                       400, "INVALID_PARAMETER",   "Invalid parameter: symbol"),
    ("no volume",             dict(volume=None),                                     400, "INVALID_PARAMETER",   "Invalid parameter: volume"),
    ("volume as text",        dict(volume="0.1"),                                    400, "INVALID_PARAMETER",   "Invalid parameter: volume"),
    ("volume as a list",      dict(volume=[1]),                                      400, "INVALID_PARAMETER",   "Invalid parameter: volume"),
    ("neither action nor type", dict(action=None),                                   400, "INVALID_PARAMETER",   "Invalid parameter: action"),
    ("an action of its own",  dict(action="hold"),                                   400, "INVALID_PARAMETER",   "Invalid parameter: action"),
    ("a contradiction",       dict(type=1),                                          400, "INVALID_PARAMETER",   "Invalid parameter: type"),
    ("a type beyond",         dict(action=None, type=6),                             400, "INVALID_PARAMETER",   "Invalid parameter: type"),
    ("a type half way",       dict(action=None, type=2.5),                           400, "INVALID_PARAMETER",   "Invalid parameter: type"),
    ("a pending, no price",   dict(type=2),                                          400, "INVALID_PARAMETER",   "Invalid parameter: price"),
    ("a price at market",     dict(price=1.0),                                       400, "INVALID_PARAMETER",   "Invalid parameter: price"),
    ("an unknown field",      dict(leverage=3),                                      400, "INVALID_PARAMETER",   "Invalid parameter: leverage"),
    ("a long comment",        dict(comment="x" * 65),                                400, "INVALID_PARAMETER",   "Invalid parameter: comment"),
    ("a NUL in the comment",  dict(comment="a\0b"),                                  400, "INVALID_PARAMETER",   "Invalid parameter: comment"),
    ("a long client id",      dict(client_order_id="x" * 65),                        400, "INVALID_PARAMETER",   "Invalid parameter: client_order_id"),
    ("an empty client id",    dict(client_order_id=""),                              400, "INVALID_PARAMETER",   "Invalid parameter: client_order_id"),
    ("a fraction of magic",   dict(magic=1.5),                                       400, "INVALID_PARAMETER",   "Invalid parameter: magic"),
    ("huge magic",            dict(magic=10**30),                                    400, "INVALID_PARAMETER",   "Invalid parameter: magic"),
    ("an expiration in ns",   dict(type=2, price=1.08, expiration=10**18),           400, "INVALID_PARAMETER",   "Invalid parameter: expiration"),
    ("a negative deviation",  dict(deviation=-1),                                    400, "INVALID_PARAMETER",   "Invalid parameter: deviation"),
    ("no such symbol",        dict(symbol="NOPE"),                                   404, "SYMBOL_NOT_FOUND",    "Symbol NOPE not found"),
    ("nothing",               dict(volume=0),                                        400, "INVALID_VOLUME",      "Invalid volume: 0 is below the minimum 0.01"),
    ("less than nothing",     dict(volume=-0.1),                                     400, "INVALID_VOLUME",      "Invalid volume: -0.1 is below the minimum 0.01"),
    ("between two steps",     dict(volume=0.105),                                    400, "INVALID_VOLUME",      "Invalid volume: 0.105 is not a multiple of 0.01"),
    ("below a step",          dict(volume=0.001),                                    400, "INVALID_VOLUME",      "Invalid volume: 0.001 is not a multiple of 0.01"),
    ("above the maximum",     dict(volume=10_000_001),                               400, "INVALID_VOLUME",      "Invalid volume: 10000001 is above the maximum 10000000"),
    ("more than is paid for", dict(volume=100),                                      400, "INSUFFICIENT_MARGIN", "Insufficient margin"),
    ("a stop that gains",     dict(sl=1.09),                                         400, "INVALID_STOPS",       None),
    ("a target that loses",   dict(tp=1.08),                                         400, "INVALID_STOPS",       None),
    ("a negative stop",       dict(sl=-1),                                           400, "INVALID_STOPS",       None),
    ("a negative price",      dict(type=2, price=-1),                                400, "INVALID_PRICE",       None),
    ("no quote yet",          dict(symbol="GBPUSD"),                                 400, "NO_QUOTE",            "No quote yet"),
])  # fmt: skip
def test_a_trade_is_refused(tmp_path, what, body, status, code, error):
    async def steps(door):
        answer = await door.call("POST", "/trade", a_trade(**body))
        found = answer.json()
        assert (answer.status_code, found["code"]) == (status, code), found
        assert error is None or found["error"] == error
        assert await door.get("/positions") == []
        assert await door.get("/orders") == []

    journey(tmp_path, steps)


@pytest.mark.parametrize("volume", [0.1 + 0.2, 0.30000000009, 0.3, 0.29999999999])
def test_what_floats_make_of_a_volume_counts_as_its_step(tmp_path, volume):
    async def steps(door):
        await door.buy(volume)
        [position] = await door.get("/positions")
        assert position["volume"] == 0.3

    journey(tmp_path, steps)


def test_a_volume_of_another_doors_making_can_be_closed_as_it_is_shown(tmp_path):
    async def steps(door):
        await door.desk.submit(an_order("0.1234567890123456789", account=700001))
        [position] = await door.get("/positions")
        closed = await door.ok("DELETE", f"/positions/{position['ticket']}", {"volume": position["volume"]})
        assert closed["remaining_volume"] == 0.0
        assert await door.get("/positions") == []

    journey(tmp_path, steps)


def test_a_netting_account_has_one_ticket_per_symbol(tmp_path):
    async def steps(door):
        first = await door.ok("POST", "/trade", a_trade(volume=0.3), login=NETTING)
        more = await door.ok("POST", "/trade", a_trade(volume=0.1), login=NETTING)
        less = await door.ok("POST", "/trade", a_trade(action="sell", volume=0.2), login=NETTING)
        assert first["ticket"] == more["ticket"] == less["ticket"]
        [position] = await door.get("/positions", login=NETTING)
        assert (position["ticket"], position["volume"]) == (first["ticket"], 0.2)
        flat = await door.ok("POST", "/trade", a_trade(action="sell", volume=0.2), login=NETTING)
        assert flat["ticket"] == first["ticket"], "the one that was closed"
        assert await door.get("/positions", login=NETTING) == []
        await door.ok("POST", "/trade", a_trade(volume=0.1), login=NETTING)
        turned = await door.ok("POST", "/trade", a_trade(action="sell", volume=0.3), login=NETTING)
        [position] = await door.get("/positions", login=NETTING)
        assert (position["ticket"], position["side"], position["volume"]) == (turned["ticket"], "sell", 0.2)
        into, out = await door.get(f"/account/history?limit=2&from={turned['time']}", login=NETTING)
        assert into["deal"] == out["deal"] == turned["deal"]
        assert ((into["entry"], into["volume"]), (out["entry"], out["volume"])) == (("in", 0.2), ("out", 0.1))

    journey(tmp_path, steps)


def test_close_all_takes_what_its_filters_name(tmp_path):
    async def steps(door):
        long, short = await door.buy(0.1), await door.buy(0.1, action="sell")
        share, pending = await door.buy(1, "AAPL"), await door.pend()
        assert await door.ok("POST", "/trade/close-all", {"symbol": "USDJPY"}) == {
            "closed": [],
            "cancelled": [],
            "failed": [],
        }
        done = await door.ok("POST", "/trade/close-all", {"symbol": "EURUSD", "side": "sell"})
        assert [each["ticket"] for each in done["closed"]] == [short]
        done = await door.ok("POST", "/trade/close-all", {"symbol": "EURUSD", "cancel_orders": True})
        assert [each["ticket"] for each in done["closed"]] == [long]
        assert done["cancelled"] == [{"ticket": pending}]
        door.quote("EURUSD", "1.08420", "1.08428")
        other = await door.buy(0.1)
        door.pass_s(61)
        door.quote("EURUSD", "1.08420", "1.08428")
        done = await door.ok("POST", "/trade/close-all")
        assert [each["ticket"] for each in done["closed"]] == [other]
        assert [each["ticket"] for each in done["failed"]] == [share], "its quote is too old"
        assert done["failed"][0]["error"] == "No quote: the last one is too old"
        assert await door.refused("POST", "/trade/close-all", {"symbol": "NOPE"}) == (404, "SYMBOL_NOT_FOUND")

    journey(tmp_path, steps)


def test_another_persons_tickets_are_not_there(tmp_path):
    async def steps(door):
        ticket, pending = await door.buy(0.1, sl=1.08), await door.pend()
        for method, path, body, code in (
            ("GET",    f"/positions/{ticket}",       None,                           "POSITION_NOT_FOUND"),
            ("PUT",    f"/positions/{ticket}",       {"sl": 1.07},                   "POSITION_NOT_FOUND"),
            ("PATCH",  f"/positions/{ticket}",       {"sl": 1.07},                   "POSITION_NOT_FOUND"),
            ("DELETE", f"/positions/{ticket}",       None,                           "POSITION_NOT_FOUND"),
            ("POST",   f"/positions/{ticket}/close", {"client_order_id": "x"},       "POSITION_NOT_FOUND"),
            ("POST",   "/trade/close",               {"ticket": ticket},             "POSITION_NOT_FOUND"),
            ("PUT",    "/trade/modify",              {"ticket": ticket, "sl": 1.07}, "POSITION_NOT_FOUND"),
            ("GET",    f"/orders/{pending}",         None,                           "ORDER_NOT_FOUND"),
            ("PUT",    f"/orders/{pending}",         {"price": 1.07},                "ORDER_NOT_FOUND"),
            ("PATCH",  f"/order/{pending}",          {"price": 1.07},                "ORDER_NOT_FOUND"),
            ("DELETE", f"/orders/{pending}",         None,                           "ORDER_NOT_FOUND"),
            ("GET",    f"/orders/{ticket}",          None,                           "ORDER_NOT_FOUND"),
        ):  # fmt: skip
            assert await door.refused(method, path, body, login=OTTO) == (404, code), (method, path)
        assert await door.get("/positions", login=OTTO) == await door.get("/orders", login=OTTO) == []
        assert await door.get(f"/account/history?ticket={ticket}", login=OTTO) == []
        done = await door.ok("POST", "/trade/close-all", {"cancel_orders": True}, login=OTTO)
        assert done == {"closed": [], "cancelled": [], "failed": []}
        first = await door.ok("POST", "/trade", a_trade(client_order_id="mine"))
        second = await door.ok("POST", "/trade", a_trade(client_order_id="mine"), login=OTTO)
        assert first["ticket"] != second["ticket"], "client ids of one account say nothing about another's"
        legs = [order.order_id for order in door.desk.state.orders.values() if order.terms.position_id == ticket]
        assert legs
        for leg in legs:
            assert await door.refused("DELETE", f"/orders/{leg}") == (404, "ORDER_NOT_FOUND"), (
                "an exit leg is no order here"
            )

    journey(tmp_path, steps)


def test_a_slow_venue_is_waited_for_and_a_silent_one_is_a_timeout(tmp_path):
    async def steps(door):
        waiting = asyncio.ensure_future(door.call("POST", "/trade", a_trade(client_order_id="slow")))
        await until(lambda: door.desk.state.orders)
        door.pass_s(0.2)
        door.desk.on_time()
        answer = (await waiting).json()
        assert (answer["success"], answer["data"]["price"]) == (True, 1.08428)
        pair = [door.call("POST", "/trade", a_trade(client_order_id="pair")) for _ in range(2)]
        both = asyncio.gather(*pair)
        await until(lambda: door.desk.state.orders)
        await asyncio.sleep(0.01)
        door.pass_s(0.2)
        door.desk.on_time()
        first, second = await both
        assert first.json() == second.json() and first.json()["success"] is True, "a wish and its repeat wait together"
        late = await door.call("POST", "/trade", a_trade(client_order_id="late"))
        assert (late.status_code, late.json()["error"], late.json()["code"]) == (500, "Execution timeout", "TIMEOUT")
        door.pass_s(0.2)
        door.desk.on_time()
        data = await door.ok("POST", "/trade", a_trade(client_order_id="late"))
        assert data["price"] == 1.08428, "the repeat is told of the fill"
        assert len(await door.get("/positions")) == 3

    journey(tmp_path, steps, venue=VenueSettings(latency_ns=100 * NS_PER_MS), within_s=0.3)


def test_every_refusal_has_its_row_and_its_words():
    for code in RejectCode:
        problem = refusal_of(Rejection(code, "because stop_loss", {"quantity": Decimal(1000)}), Decimal(100_000))
        assert STATUS_OF_CODE[REFUSALS[code].code] in (400, 404)
        assert problem.message[0].isupper() and "{" not in problem.message and "stop_loss" not in problem.message
