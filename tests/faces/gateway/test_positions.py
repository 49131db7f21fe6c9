"""Positions: valued, closed, protected; and the trades behind them."""

from decimal import Decimal

import pytest
from tektii.models import Position, Trade

from tests.faces.gateway.opened import HEDGING_KEY, an_order, journey

HEDGING = {"headers": {"x-api-key": HEDGING_KEY}}


def test_a_position_is_valued_at_the_latest_quote_and_gone_when_closed(tmp_path):
    async def steps(door):
        handle = await door.place(quantity="10")
        door.quote("AAPL", "151.00", "151.02")
        [position] = await door.get("/v1/positions?symbol=AAPL")
        Position.model_validate(position)
        assert position["id"] == handle["id"].replace("ord_", "pos_"), "the number of the order that opened it"
        assert (position["side"], position["quantity"]) == ("LONG", "10")
        assert (position["average_entry_price"], position["current_price"]) == ("150.02", "151.00")
        assert position["unrealized_pnl"] == "9.80"
        account = await door.get("/account")
        assert (account["balance"], account["equity"]) == ("100000", "100009.80")
        margin_used, available = Decimal(account["margin_used"]), Decimal(account["margin_available"])
        assert available == Decimal(account["equity"]) - margin_used
        half = await door.call("DELETE", f"/positions/{position['id']}", {"quantity": "4"})
        assert (half.status_code, half.json()["status"]) == (200, "FILLED")
        position = await door.get(f"/positions/{position['id']}")
        assert (position["quantity"], position["realized_pnl"]) == ("6", "3.92")
        rest = await door.call("DELETE", f"/v1/positions/{position['id']}")
        assert rest.status_code == 200
        order = await door.get(f"/orders/{rest.json()['id']}")
        assert (order["side"], order["reduce_only"], order["position_id"]) == ("SELL", True, position["id"])
        assert await door.get("/positions") == []
        for method in ("GET", "DELETE"):
            gone = await door.call(method, f"/positions/{position['id']}")
            assert (gone.status_code, gone.json()["code"]) == (404, "POSITION_NOT_FOUND")
            assert gone.json()["details"] == {"resource": "position", "id": position["id"]}
        trades = await door.get("/trades?symbol=AAPL")
        assert [trade["quantity"] for trade in trades] == ["6", "4", "10"], "newest first"
        for trade in trades:
            Trade.model_validate(trade)

    journey(tmp_path, steps)


@pytest.mark.parametrize(("what", "body", "field"), [
    ("nothing of it",           {"quantity": "0"},                              "quantity"),
    ("not a number",            {"quantity": "half"},                           "quantity"),
    ("LIMIT without price",     {"order_type": "LIMIT"},                        "limit_price"),
    ("MARKET with price",       {"limit_price": "150"},                         "limit_price"),
    ("another type",            {"order_type": "STOP"},                         "order_type"),
    ("a wrong boolean",         {"cancel_associated_orders": "no"},             "cancel_associated_orders"),
])  # fmt: skip
def test_a_close_must_make_sense(tmp_path, what, body, field):
    async def steps(door):
        await door.place()
        [position] = await door.get("/positions")
        answer = await door.call("DELETE", f"/positions/{position['id']}", body)
        assert (answer.status_code, answer.json()["details"]["field"]) == (400, field)
        assert len(await door.get("/positions")) == 1

    journey(tmp_path, steps)


def test_a_limit_close_rests_and_closes_when_it_fills(tmp_path):
    async def steps(door):
        await door.place(quantity="3")
        [position] = await door.get("/positions")
        body = {"order_type": "limit", "limit_price": "155", "quantity": "99"}
        handle = (await door.call("DELETE", f"/positions/{position['id']}", body)).json()
        assert handle["status"] == "OPEN"
        assert (await door.get(f"/orders/{handle['id']}"))["quantity"] == "3", "capped at the position"
        door.quote("AAPL", "155.00", "155.02")
        assert await door.get("/positions") == []

    journey(tmp_path, steps)


def test_exits_rest_behind_the_entry_and_go_with_the_position(tmp_path):
    async def steps(door):
        handle = await door.place(quantity="2", stop_loss="140", take_profit="160", client_order_id="in")
        legs = {order["order_type"]: order for order in await door.get("/orders")}
        stop, target = legs["STOP"], legs["LIMIT"]
        assert (stop["stop_price"], stop["client_order_id"]) == ("140", "in-sl")
        assert (target["limit_price"], target["client_order_id"]) == ("160", "in-tp")
        for leg in (stop, target):
            assert (leg["side"], leg["quantity"], leg["time_in_force"]) == ("SELL", "2", "GTC")
            assert leg["parent_order_id"] == handle["id"]
        [position] = await door.get("/positions")
        moved = await door.call("PATCH", f"/positions/{position['id']}", {"stop_loss": "145"})
        assert moved.status_code == 200
        assert moved.json() == {
            "position_id": position["id"],
            "stop_loss": {"order_ids": [stop["id"]], "trigger_price": "145"},
            "take_profit": None,
        }
        assert (await door.get(f"/orders/{stop['id']}"))["stop_price"] == "145"
        entry = await door.call("PATCH", f"/orders/{handle['id']}", {"take_profit": "165"})
        assert entry.status_code == 200
        assert (await door.get(f"/orders/{target['id']}"))["limit_price"] == "165"
        await door.call("DELETE", f"/positions/{position['id']}", {})
        assert await door.get("/orders") == []

    journey(tmp_path, steps)


def test_exits_stay_when_the_close_says_so(tmp_path):
    async def steps(door):
        await door.place(quantity="2", stop_loss="140")
        [position] = await door.get("/positions")
        kept = {"cancel_associated_orders": False}
        assert (await door.call("DELETE", f"/positions/{position['id']}", kept)).status_code == 200
        assert [order["order_type"] for order in await door.get("/orders")] == ["STOP"]

    journey(tmp_path, steps)


def test_exits_can_be_moved_only_where_there_are_any(tmp_path):
    async def steps(door):
        await door.place()
        [position] = await door.get("/positions")
        path = f"/v1/positions/{position['id']}"
        assert (await door.call("PATCH", path, {})).status_code == 400
        assert (await door.call("PATCH", path, {"stop_loss": "-1"})).status_code == 400
        assert (await door.call("PATCH", path, {"stop_loss": "140"})).status_code == 409
        assert (await door.call("PATCH", "/positions/pos_1", {"stop_loss": "140"})).status_code == 404

    journey(tmp_path, steps)


def test_close_all_answers_a_handle_for_each_and_nothing_for_none(tmp_path):
    async def steps(door):
        assert (await door.call("DELETE", "/positions")).json() == []
        await door.place()
        await door.place(symbol="BTC/USD", quantity="0.1", side="SELL")
        assert (await door.call("DELETE", "/positions?symbol=NOPE")).json() == []
        [handle] = (await door.call("DELETE", "/v1/positions?symbol=BTCUSD")).json()
        assert handle["status"] == "FILLED"
        assert len((await door.call("DELETE", "/positions")).json()) == 1
        assert await door.get("/positions") == []

    journey(tmp_path, steps)


def test_a_hedging_account_holds_both_sides_and_orders_name_their_position(tmp_path):
    async def steps(door):
        for side in ("BUY", "SELL"):
            assert (await door.call("POST", "/orders", an_order(side=side), **HEDGING)).status_code == 201
        long, short = await door.get("/positions", **HEDGING)
        assert (long["side"], short["side"]) == ("LONG", "SHORT")
        body = an_order(side="SELL", position_id=long["id"])
        assert (await door.call("POST", "/orders", body, **HEDGING)).status_code == 201
        assert [p["id"] for p in await door.get("/positions", **HEDGING)] == [short["id"]]
        answer = await door.call("POST", "/orders", an_order(position_id="nonsense"), **HEDGING)
        assert (answer.status_code, answer.json()["code"]) == (404, "POSITION_NOT_FOUND")
        answer = await door.call("POST", "/orders", an_order(side="SELL", position_id=long["id"]), **HEDGING)
        assert (answer.status_code, answer.json()["details"]["position_id"]) == (422, long["id"])
        capabilities = await door.get("/capabilities", **HEDGING)
        assert capabilities["position_mode"] == "HEDGING"

    journey(tmp_path, steps)


def test_a_netting_account_ignores_the_name_of_a_position(tmp_path):
    async def steps(door):
        await door.place(position_id="whatever")
        await door.place(side="SELL", quantity="3", position_id="pos_1")
        [position] = await door.get("/positions")
        assert (position["side"], position["quantity"]) == ("SHORT", "2")

    journey(tmp_path, steps)


def test_trades_filter_by_symbol_order_and_time(tmp_path):
    async def steps(door):
        await door.place()
        door.pass_s(5)
        last = await door.place(symbol="BTCUSD", quantity="0.1")
        [trade, _] = await door.get("/trades")
        at = trade["timestamp"]
        for query, count in [
            ("symbol=AAPL", 1), ("symbol=NOPE", 0), (f"order_id={last['id']}", 1), ("order_id=ord_1", 0),
            ("order_id=nonsense", 0), (f"since={at}", 1), ("since=0070-06-06T17:54:12Z", 2), (f"until={at}", 1), ("limit=1", 1), ("limit=0", 0),
        ]:  # fmt: skip
            assert len(await door.get(f"/trades?{query}")) == count, query
        assert trade["commission"] == "2.50"
        assert (trade["commission_currency"], trade["is_maker"]) == ("USD", False)
        assert (await door.call("GET", "/trades?since=then")).status_code == 400

    journey(tmp_path, steps)
