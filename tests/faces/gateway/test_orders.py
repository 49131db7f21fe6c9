"""POST, GET, PATCH, DELETE of orders, through the door, on a real shard."""

import asyncio

import pytest
from tektii.models import Order

from tests.faces.gateway.opened import HEDGING_KEY, OTHER_KEY, an_order, journey


def test_a_market_order_fills_at_once_and_is_listed_with_its_trade_and_position(tmp_path):
    async def steps(door):
        handle = await door.place(symbol="AAPL", quantity="1", client_order_id="first")
        assert handle["id"].startswith("ord_73")
        assert handle["status"] == "FILLED"
        assert handle["client_order_id"] == "first"
        order = await door.get(f"/orders/{handle['id']}")
        Order.model_validate(order)
        assert (order["quantity"], order["filled_quantity"], order["remaining_quantity"]) == ("1", "1", "0")
        assert order["average_fill_price"] == "150.02"
        assert order["correlation_id"] == handle["correlation_id"]
        assert order["created_at"].endswith("Z")
        [trade] = await door.get(f"/trades?order_id={handle['id']}")
        assert (trade["price"], trade["quantity"], trade["side"]) == ("150.02", "1", "BUY")
        assert await door.get("/orders") == []
        assert [o["id"] for o in await door.get("/v1/orders/history")] == [handle["id"]]

    journey(tmp_path, steps)


@pytest.mark.parametrize(("what", "fields", "field"), [
    ("no symbol",                 dict(symbol=None),                                              "symbol"),
    ("an empty symbol",           dict(symbol=""),                                                "symbol"),
    ("a long symbol",             dict(symbol="A" * 65),                                          "symbol"),
    ("a side of its own",         dict(side="HOLD"),                                              "side"),
    ("a number as side",          dict(side=1),                                                   "side"),
    ("no quantity",               dict(quantity=None),                                            "quantity"),
    ("nothing",                   dict(quantity="0"),                                             "quantity"),
    ("less than nothing",         dict(quantity="-1"),                                            "quantity"),
    ("not a number",              dict(quantity="NaN"),                                           "quantity"),
    ("endless",                   dict(quantity="Infinity"),                                      "quantity"),
    ("huge",                      dict(quantity="1e999"),                                         "quantity"),
    ("29 digits",                 dict(quantity="0." + "1" * 29),                                 "quantity"),
    ("a list",                    dict(quantity=["1"]),                                           "quantity"),
    ("an unknown type",           dict(order_type="ICEBERG"),                                     "order_type"),
    ("LIMIT without price",       dict(order_type="LIMIT"),                                       "limit_price"),
    ("MARKET with price",         dict(limit_price="150"),                                        "limit_price"),
    ("STOP without price",        dict(order_type="STOP"),                                        "stop_price"),
    ("STOP with limit",           dict(order_type="STOP", stop_price="160", limit_price="160"),   "limit_price"),
    ("LIMIT with stop",           dict(order_type="LIMIT", stop_price="160", limit_price="160"),  "stop_price"),
    ("STOP_LIMIT without limit",  dict(order_type="STOP_LIMIT", stop_price="160"),                "limit_price"),
    ("trailing without distance", dict(order_type="TRAILING_STOP", trailing_type="ABSOLUTE"),     "trailing_distance"),
    ("trailing without type",     dict(order_type="TRAILING_STOP", trailing_distance="1"),        "trailing_type"),
    ("100 percent",               dict(order_type="TRAILING_STOP", trailing_distance="100", trailing_type="percent"), "trailing_distance"),
    ("a price of zero",           dict(order_type="LIMIT", limit_price="0"),                      "limit_price"),
    ("a negative stop loss",      dict(stop_loss="-1"),                                           "stop_loss"),
    ("zero leverage",             dict(leverage="0"),                                             "leverage"),
    ("a long client id",          dict(client_order_id="x" * 65),                                 "client_order_id"),
    ("a client id with NUL",      dict(client_order_id="a\0b"),                                   "client_order_id"),
    ("a long OCO group",          dict(oco_group_id="x" * 65),                                    "oco_group_id"),
    ("GTD",                       dict(time_in_force="GTD"),                                      "time_in_force"),
    ("a wrong boolean",           dict(reduce_only="yes"),                                        "reduce_only"),
    ("shows all",                 dict(order_type="LIMIT", limit_price="1", display_quantity="1"), "display_quantity"),
    ("post-only at market",       dict(post_only=True),                                           "post_only"),
    ("margin of its own",         dict(margin_mode="SHARED"),                                     "margin_mode"),
    ("wrong before unknown",      dict(symbol="NOPE", limit_price="1"),                           "limit_price"),
])  # fmt: skip
def test_a_malformed_wish_is_400_and_names_the_field(tmp_path, what, fields, field):
    async def steps(door):
        answer = await door.call("POST", "/v1/orders", an_order(**fields))
        body = answer.json()
        assert answer.status_code == 400, body
        assert body["code"] in ("INVALID_REQUEST", "INVALID_VALUE", "VALIDATION_ERROR")
        assert body["details"]["field"] == field
        assert await door.get("/orders/history") == []

    journey(tmp_path, steps)


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b'{"symbol":"\\ud800","side":"BUY","quantity":"1","order_type":"MARKET"}',
    b'{"symbol":"AAPL","side":"BUY","quantity":1e999,"order_type":"MARKET"}',
    b'{"symbol":"AAPL","side":"BUY","quantity":' + b"9" * 5000 + b',"order_type":"MARKET"}',
    b'{"symbol":"AAPL","side":"' + b"B" * 100_000 + b'","quantity":"1","order_type":"MARKET"}',
])  # fmt: skip
def test_hostile_bodies_are_400_in_the_doors_shape(tmp_path, body):
    async def steps(door):
        answer = await door.call("POST", "/orders", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert answer.json().keys() == {"code", "message", "details"}

    journey(tmp_path, steps)


def test_words_are_read_in_any_case_and_decimals_as_text_or_number(tmp_path):
    async def steps(door):
        body = {
            "symbol": "AAPL",
            "side": "bUy",
            "quantity": 2,
            "order_type": "limit",
            "limit_price": 1.5e2,
            "time_in_force": "gtc",
            "unknown_field": {"is": "ignored"},
            "stop_loss": None,
        }
        answer = await door.call("POST", "/orders", body)
        assert answer.status_code == 201, answer.text
        order = await door.get(f"/orders/{answer.json()['id']}")
        assert (order["quantity"], order["limit_price"], order["status"]) == ("2", "150.0", "OPEN")
        content = '{"symbol":"AAPL","side":"buy","quantity":"0.1996685273892423266073065454","order_type":"market"}'
        answer = await door.call("POST", "/orders", content=content)
        order = await door.get(f"/orders/{answer.json()['id']}")
        assert order["filled_quantity"] == "0.1996685273892423266073065454"

    journey(tmp_path, steps)


def test_an_unknown_symbol_is_404_and_uses_no_client_id_up(tmp_path):
    async def steps(door):
        answer = await door.call("POST", "/orders", an_order(symbol="NOPE", client_order_id="k"))
        assert (answer.status_code, answer.json()["code"]) == (404, "SYMBOL_NOT_FOUND")
        assert answer.json()["details"] == {"symbol": "NOPE"}
        await door.place(client_order_id="k")

    journey(tmp_path, steps)


def test_a_repeat_gets_the_same_handle_and_changes_nothing(tmp_path):
    async def steps(door):
        first = await door.place(client_order_id="k", quantity="1")
        again = await door.call("POST", "/v1/orders", an_order(client_order_id="k", quantity="1.0", side="buy"))
        assert again.status_code == 200
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == first
        other = await door.call("POST", "/orders", an_order(client_order_id="k", quantity="2"))
        assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_MISMATCH")
        assert other.json()["details"] == {"client_order_id": "k", "order_id": first["id"]}
        assert len(await door.get("/orders/history")) == 1

    journey(tmp_path, steps)


def test_a_repeat_is_known_after_a_restart_too(tmp_path):
    handles = []

    async def before(door):
        handles.append(await door.place(client_order_id="k"))
        assert (
            await door.call("POST", "/orders", an_order(quantity="1000000", client_order_id="r"))
        ).status_code == 422

    async def after(door):
        again = await door.call("POST", "/orders", an_order(client_order_id="k"))
        assert (again.status_code, again.json()) == (200, handles[0])
        other = await door.call("POST", "/orders", an_order(client_order_id="k", side="SELL"))
        assert other.status_code == 409
        refused = await door.call("POST", "/orders", an_order(quantity="1000000", client_order_id="r"))
        assert refused.status_code == 422
        assert len(await door.get("/orders/history")) == 2

    journey(tmp_path, before)
    journey(tmp_path, after)


def test_concurrent_duplicates_yield_one_order(tmp_path):
    async def steps(door):
        calls = [door.call("POST", "/orders", an_order(client_order_id="k")) for _ in range(10)]
        answers = await asyncio.gather(*calls)
        assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1

    journey(tmp_path, steps)


def test_a_refusal_is_422_with_its_numbers_and_is_listed_and_repeated(tmp_path):
    async def steps(door):
        body = an_order(quantity="100000", client_order_id="too-much")
        first = await door.call("POST", "/orders", body)
        assert (first.status_code, first.json()["code"]) == (422, "ORDER_REJECTED")
        details = first.json()["details"]
        assert details["reject_code"] == "INSUFFICIENT_FUNDS"
        assert details["reject_reason"] == "INSUFFICIENT_MARGIN"
        assert {"required", "available", "would_pass"} <= details.keys()
        again = await door.call("POST", "/orders", body)
        assert (again.status_code, again.json()) == (422, first.json())
        [order] = await door.get("/orders/history?status=REJECTED")
        assert (order["status"], order["reject_reason"]) == ("REJECTED", "INSUFFICIENT_MARGIN")
        assert order["id"] == details["order_id"]

    journey(tmp_path, steps)


def test_a_stale_quote_a_post_only_and_a_reduce_only_order_are_refused_for_their_reasons(tmp_path):
    async def steps(door):
        taker = an_order(order_type="LIMIT", limit_price="151", post_only=True)
        answer = await door.call("POST", "/orders", taker)
        assert answer.json()["details"]["reject_reason"] == "POST_ONLY_VIOLATED"
        answer = await door.call("POST", "/orders", an_order(reduce_only=True, side="SELL"))
        assert answer.json()["details"]["reject_reason"] == "REDUCE_ONLY_VIOLATED"
        door.pass_s(3600)
        answer = await door.call("POST", "/orders", an_order())
        assert answer.status_code == 422
        assert answer.json()["details"]["reject_code"] == "QUOTE_STALE"

    journey(tmp_path, steps)


def test_the_spelling_that_was_asked_for_is_answered(tmp_path):
    async def steps(door):
        for spelling in ("EUR/USD", "EURUSD", "C:EURUSD"):
            handle = await door.place(symbol=spelling, quantity="1000")
            order = await door.get(f"/orders/{handle['id']}")
            assert order["symbol"] == spelling
            [trade] = await door.get(f"/trades?order_id={handle['id']}")
            assert trade["symbol"] == spelling
        [position] = await door.get("/positions")
        assert position["symbol"] == "EUR/USD"
        [position] = await door.get("/positions?symbol=EURUSD")
        assert position["symbol"] == "EURUSD"
        assert len(await door.get("/orders/history?symbol=EUR/USD")) == 3

    journey(tmp_path, steps)


def test_lists_filter_by_everything_the_contract_names(tmp_path):
    async def steps(door):
        await door.place(order_type="LIMIT", limit_price="100", client_order_id="a", oco_group_id="g")
        door.pass_s(1)
        await door.place(symbol="BTC/USD", side="SELL", order_type="LIMIT", limit_price="60000", quantity="0.1")
        door.pass_s(1)
        await door.place(order_type="STOP", stop_price="200", client_order_id="c")
        cancelled = await door.call("DELETE", f"/orders/{(await door.get('/orders'))[0]['id']}")
        assert cancelled.json()["order"]["status"] == "CANCELLED"
        everything = await door.get("/orders")
        assert [order["order_type"] for order in everything] == ["LIMIT", "LIMIT"]
        assert everything[0]["symbol"] == "BTC/USD", "newest first"
        early = everything[1]["created_at"]
        for query, count in [
            ("symbol=AAPL", 1), ("symbol=BTCUSD", 1), ("symbol=NOPE", 0), ("side=sell", 1), ("client_order_id=a", 1),
            ("oco_group_id=g", 1), ("oco_group_id=h", 0), ("limit=1", 1), ("limit=0", 0),
            ("status=OPEN,PENDING", 2), ("status=open&status=pending", 2), ("status[]=OPEN&status[]=PENDING", 2),
            ("status=", 2), ("status=PENDING_CANCEL", 0), ("status=OPEN,CANCELLED", 3), ("status=CANCELLED", 1),
            (f"since={early}", 2), (f"until={early}", 0), ("since=2999-01-01T00:00:00%2B00:00", 0),
            ("since=0001-01-01T00:00:00Z", 2), ("until=9999-12-31T23:59:59Z", 2),
            ("since=2000-01-01T00:00:00+00:00", 2), ("since=2000-01-01T00:00:00", 2),
        ]:  # fmt: skip
            assert len(await door.get(f"/orders?{query}")) == count, query
        assert [o["status"] for o in await door.get("/orders/history")] == ["CANCELLED"]
        assert len(await door.get("/orders/history?since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z")) == 1
        assert await door.get("/orders/history?status=OPEN") == []
        for query in ("status=GONE", "side=both", "since=yesterday", "limit=many", "limit=null", "limit=-1", "until=1"):
            for path in ("/orders", "/orders/history"):
                answer = await door.call("GET", f"{path}?{query}")
                assert answer.status_code == 400, (path, query)
                assert answer.json()["details"]["field"] == query.partition("=")[0]

    journey(tmp_path, steps)


def test_an_amendment_keeps_the_id_and_answers_both_shapes(tmp_path):
    async def steps(door):
        handle = await door.place(order_type="LIMIT", limit_price="100", quantity="1")
        door.pass_s(1)
        answer = await door.call("PATCH", f"/v1/orders/{handle['id']}", {"quantity": "2", "limit_price": None})
        body = answer.json()
        assert answer.status_code == 200
        assert body["previous_order_id"] is None
        assert (body["id"], body["quantity"], body["limit_price"]) == (handle["id"], "2", "100")
        order = {name: value for name, value in body.items() if name not in ("order", "previous_order_id")}
        assert body["order"] == order
        assert body["updated_at"] > body["created_at"]
        for wrong in ({"quantity": "0"}, {"limit_price": "-1"}, {"quantity": "x"}, {"stop_price": "1"}):
            answer = await door.call("PATCH", f"/orders/{handle['id']}", wrong)
            assert answer.status_code == 400, wrong
        answer = await door.call("PATCH", f"/orders/{handle['id']}", {"limit_price": "151"})
        assert (await door.get(f"/orders/{handle['id']}"))["status"] == "FILLED", "a marketable price fills"
        answer = await door.call("PATCH", f"/orders/{handle['id']}", {"limit_price": "100"})
        assert (answer.status_code, answer.json()["code"]) == (409, "ORDER_NOT_MODIFIABLE")
        assert answer.json()["details"] == {"order_id": handle["id"]}

    journey(tmp_path, steps)


def test_a_cancel_can_be_repeated_but_changes_no_ended_order(tmp_path):
    async def steps(door):
        handle = await door.place(order_type="LIMIT", limit_price="100")
        for _ in range(2):
            answer = await door.call("DELETE", f"/orders/{handle['id']}")
            assert answer.status_code == 200
            assert answer.json()["success"] is True
            assert answer.json()["order"]["status"] == "CANCELLED"
        filled = await door.place()
        answer = await door.call("DELETE", f"/v1/orders/{filled['id']}")
        assert (answer.status_code, answer.json()["code"]) == (409, "ORDER_NOT_MODIFIABLE")

    journey(tmp_path, steps)


def test_cancel_all_takes_working_orders_of_one_symbol_or_of_all(tmp_path):
    async def steps(door):
        for symbol, price in (("AAPL", "100"), ("AAPL", "101"), ("BTCUSD", "100")):
            await door.place(symbol=symbol, order_type="LIMIT", limit_price=price)
        result = {"cancelled_count": 0, "failed_count": 0, "failed_order_ids": None}
        assert (await door.call("DELETE", "/orders?symbol=NOPE")).json() == result
        assert (await door.call("DELETE", "/v1/orders?symbol=BTC%2FUSD")).json() == result | {"cancelled_count": 1}
        assert (await door.call("DELETE", "/orders")).json() == result | {"cancelled_count": 2}
        assert (await door.call("DELETE", "/orders")).json() == result

    journey(tmp_path, steps)


@pytest.mark.parametrize("number", [
    "nonexistent_order_id_12345", "ord_1", "ord_0", "ord_07300001", "ord_-1", "pos_7300001", "ord_7300001x",
    "ord_99999999999999999999", "ord_9999999999999999999", "ord_9223372036854775807", "ord_٣", "..%2F..", "a%00b", "%F0%9F%92%A9", "x" * 3000,
])  # fmt: skip
def test_ids_that_we_did_not_print_are_404(tmp_path, number):
    async def steps(door):
        for method in ("GET", "PATCH", "DELETE"):
            answer = await door.call(method, f"/orders/{number}", {} if method == "PATCH" else None)
            assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_FOUND")

    journey(tmp_path, steps)


def test_nobody_sees_or_touches_anothers_orders(tmp_path):
    async def steps(door):
        handle = await door.place(order_type="LIMIT", limit_price="100", client_order_id="mine")
        for key in (OTHER_KEY, HEDGING_KEY):
            foreign = {"headers": {"authorization": f"Bearer {key}"}}
            assert (await door.call("GET", f"/orders/{handle['id']}", **foreign)).status_code == 404
            assert (await door.call("DELETE", f"/orders/{handle['id']}", **foreign)).status_code == 404
            assert (await door.call("DELETE", "/orders", **foreign)).json()["cancelled_count"] == 0
            assert await door.get("/orders", **foreign) == []
            same_name = an_order(order_type="LIMIT", limit_price="99", client_order_id="mine")
            assert (await door.call("POST", "/orders", same_name, **foreign)).status_code == 201
        assert len(await door.get("/orders")) == 1

    journey(tmp_path, steps)


def test_a_preview_says_what_would_happen_and_changes_nothing(tmp_path):
    async def steps(door):
        answer = await door.call("POST", "/v1/orders/preview", an_order(quantity="10"))
        body = answer.json()
        assert answer.status_code == 200
        assert (body["accepted"], body["expected_fill_price"], body["rejection"]) == (True, "150.02", None)
        assert body["margin_required"] == "75.01"
        answer = await door.call("POST", "/orders/preview", an_order(quantity="1000000"))
        body = answer.json()
        assert body["accepted"] is False
        assert body["rejection"]["reject_code"] == "INSUFFICIENT_FUNDS"
        assert body["rejection"]["reject_reason"] == "INSUFFICIENT_MARGIN"
        assert (await door.call("POST", "/orders/preview", an_order(symbol="NOPE"))).status_code == 404
        assert (await door.call("POST", "/orders/preview", an_order(quantity="0"))).status_code == 400
        assert await door.get("/orders/history") == []

    journey(tmp_path, steps)
