"""What operators read: orders, fills, positions, the summary; filters, order, pages and counts."""

import pytest

from tests.faces.dashboard.opened import ACCOUNT, HEDGING_ACCOUNT, OTHER_ACCOUNT, Opened, journey
from tradehall.domain.order import Side


async def a_busy_hour(door: Opened) -> str:
    """Orders of two accounts and a strategy: filled, resting, cancelled, denied; the strategy's UUID."""
    keygen = await door.strategy()
    await door.wish(quantity="0.1", strategy_id=keygen, client_order_id="s-1")
    await door.wish(quantity="0.2", client_order_id="by hand")
    door.quote("BTCUSD", "50100", "50110")
    await door.wish(quantity="0.1", strategy_id=keygen, side=Side.SELL, client_order_id="s-2")
    await door.wish(quantity="1", limit="40000", client_order_id="resting")
    await door.wish(quantity="1000000", client_order_id="too big")
    await door.wish(quantity="1", symbol="AAPL", account_id=OTHER_ACCOUNT)
    gone = await door.wish(quantity="1", limit="39000", client_order_id="gone")
    answer = await door.call("DELETE", f"/trading/orders/{gone.order.terms.client_order_id}")
    assert answer.status_code == 200
    return keygen


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        ({},                                       ["gone", "ord_7300006", "too big", "resting", "s-2", "by hand", "s-1"]),
        ({"status": "FILLED"},                     ["ord_7300006", "s-2", "by hand", "s-1"]),
        ({"status": "filled,Canceled"},            ["gone", "ord_7300006", "s-2", "by hand", "s-1"]),
        ({"status": "CANCELLED"},                  ["gone"]),
        ({"status": ["DENIED", "ACCEPTED"]},       ["too big", "resting"]),
        ({"status": "REJECTED"},                   []),
        ({"status": "PENDING"},                    []),
        ({"status": "SUBMITTED"},                  []),
        ({"status": "TRIGGERED"},                  []),
        ({"side": "sell"},                         ["s-2"]),
        ({"account_id": str(OTHER_ACCOUNT)},       ["ord_7300006"]),
        ({"instrument_id": "AAPL.SIM"},            ["ord_7300006"]),
        ({"instrument_id": "AAPL"},                []),
        ({"instrument_id": "NOTHING.SIM"},         []),
        ({"strategy_name": "REVER"},               ["s-2", "s-1"]),
        ({"strategy_name": "%"},                   []),
        ({"strategy_name": "_"},                   ["s-2", "s-1"]),
        ({"strategy_name": ""},                    ["gone", "ord_7300006", "too big", "resting", "s-2", "by hand", "s-1"]),
        ({"until": "2025-06-15T15:06:40Z"},        []),
        ({"since": "2030-01-01T00:00:00Z"},        []),
    ],
)  # fmt: skip
def test_orders_are_filtered_counted_and_come_newest_first(tmp_path, wish, names):
    async def steps(door):
        await a_busy_hour(door)
        rows, total = await door.page("/trading/orders", **wish)
        assert [row["client_order_id"] for row in rows] == names
        assert total == len(names)
        for offset in range(len(names) + 1):
            rows, counted = await door.page("/trading/orders", **wish, limit=2, offset=offset)
            assert [row["client_order_id"] for row in rows] == names[offset : offset + 2]
            assert counted == total

    journey(tmp_path, steps)


def test_an_order_is_shown_in_this_doors_words(tmp_path):
    async def steps(door):
        keygen = await a_busy_hour(door)
        row = await door.get("/trading/orders/s-1")
        assert row | {"strategy_id": keygen, "strategy_name": "mean_reversion", "account_id": str(ACCOUNT)} == row
        assert (row["status"], row["engine_status"], row["side"], row["order_type"]) == (
            "FILLED",
            "FILLED",
            "BUY",
            "MARKET",
        )
        assert (row["quantity"], row["filled_qty"], row["leaves_qty"], row["avg_px"]) == (0.1, 0.1, 0.0, 50010.0)
        assert row["instrument_id"] == "BTCUSD.SIM"
        assert await door.get("/trading/orders/ord_7300001") == row
        denied = await door.get("/trading/orders/too big")
        assert (denied["status"], denied["venue_order_id"], denied["ts_submitted"]) == ("DENIED", None, None)
        resting = await door.get("/trading/orders/resting")
        assert (resting["status"], resting["price"], resting["ts_accepted"]) == (
            "ACCEPTED",
            40000.0,
            resting["ts_init"],
        )
        missing = await door.call("GET", "/trading/orders/nobody")
        assert (missing.status_code, missing.json()) == (404, {"detail": "Order not found"})

    journey(tmp_path, steps)


def test_of_two_orders_with_one_name_the_newest_answers_and_the_account_narrows(tmp_path):
    async def steps(door):
        await door.wish(quantity="0.1", client_order_id="twin")
        await door.wish(quantity="0.2", client_order_id="twin", account_id=OTHER_ACCOUNT)
        assert (await door.get("/trading/orders/twin"))["account_id"] == str(OTHER_ACCOUNT)
        assert (await door.get("/trading/orders/twin", account_id=ACCOUNT))["quantity"] == 0.1
        answer = await door.call("GET", "/trading/orders/twin", params={"account_id": "999"})
        assert answer.json() == {"detail": "Account not found"}

    journey(tmp_path, steps)


def test_fills_are_filtered_counted_and_summed_by_currency(tmp_path):
    async def steps(door):
        keygen = await a_busy_hour(door)
        rows, total = await door.page("/trading/fills")
        assert [row["trade_id"] for row in rows] == [f"trd_{number}" for number in (900004, 900003, 900002, 900001)]
        assert total == 4
        assert [row["client_order_id"] for row in rows] == ["ord_7300006", "s-2", "by hand", "s-1"]
        (row,) = (await door.page("/trading/fills", strategy_id=keygen, side="SELL"))[0]
        assert (row["fill_qty"], row["fill_px"], row["notional"]) == (0.1, 50100.0, 5010.0)
        assert (await door.page("/trading/fills", strategy_name="nobody"))[1] == 0
        assert [row["trade_id"] for row in await door.get("/trading/orders/s-2/fills")] == ["trd_900003"]
        assert await door.get("/trading/orders/resting/fills") == []
        summary = await door.get("/trading/fills/summary", strategy_id=keygen)
        fees = sum(row["fee"] for row in (await door.page("/trading/fills", strategy_id=keygen))[0])
        assert summary | {
            "fill_count": 2, "order_count": 2, "buy_count": 1, "sell_count": 1, "buy_quantity": 0.1, "sell_quantity": 0.1,
            "win_count": 1, "loss_count": 0, "win_rate": 1.0,
        } == summary  # fmt: skip
        money = summary["by_currency"]["USD"]
        assert (money["volume"], money["realized_pnl"]) == (10011.0, 9.0)
        assert money["total_fees"] == pytest.approx(fees) and money["net_pnl"] == pytest.approx(9 - fees)
        (instrument,) = summary["by_instrument"]
        assert instrument["avg_px"] == pytest.approx(10011 / 0.2)
        empty = await door.get("/trading/fills/summary", instrument_id="ETHUSD.SIM")
        assert (empty["fill_count"], empty["by_currency"], empty["by_instrument"]) == (0, {}, [])
        assert (empty["win_rate"], empty["first_fill_at"]) == (None, None)

    journey(tmp_path, steps)


def test_money_of_two_currencies_is_never_added(tmp_path):
    async def steps(door):
        await door.wish(quantity="1000", symbol="USDJPY")
        await door.wish(quantity="1", symbol="AAPL")
        money = (await door.get("/trading/fills/summary"))["by_currency"]
        assert {name: each["volume"] for name, each in money.items()} == {"JPY": 150010.0, "USD": 150.02}

    journey(tmp_path, steps)


@pytest.mark.parametrize(
    ("span", "count"),
    [
        ({}, 3),
        ({"since": "2025-06-15T15:06:40Z"}, 3),
        ({"since": "2025-06-16T00:00:00Z"}, 2),
        ({"since": "2025-06-16T00:00:00Z", "until": "2025-06-17T00:00:00Z"}, 1),
        ({"until": "2025-06-16T15:00:00Z"}, 1),
        ({"since": "2025-06-15T16:00:00Z", "until": "2025-06-17T16:00:00Z"}, 2),
        ({"since": "2025-06-16T15:06:00Z", "until": "2025-06-16T15:08:00Z"}, 1),
        ({"since": "2025-06-16T16:00:00Z", "until": "2025-06-16T17:00:00Z"}, 0),
        ({"since": "2025-06-18T00:00:00Z"}, 0),
    ],
)
def test_sums_over_a_span_are_those_of_its_fills(tmp_path, span, count):
    async def steps(door):
        for _ in range(3):  # A fill a day, from 2025-06-15 15:06:40 on.
            door.quote("AAPL", "150.00", "150.02")
            await door.wish(quantity="1", symbol="AAPL")
            door.pass_s(86_400)
        assert (await door.get("/trading/fills/summary", **span))["fill_count"] == count
        assert (await door.page("/trading/fills", **span))[1] == count

    journey(tmp_path, steps)


def test_positions_are_listed_by_owner_open_unless_asked_otherwise(tmp_path):
    async def steps(door):
        keygen = await a_busy_hour(door)
        open_rows, total = await door.page("/trading/positions")
        assert total == 2
        assert {(row["account_id"], row["instrument_id"], row["signed_qty"]) for row in open_rows} == {
            (str(ACCOUNT), "BTCUSD.SIM", 0.2),
            (str(OTHER_ACCOUNT), "AAPL.SIM", 1.0),
        }
        assert all(row["status"] == "open" and row["ts_closed"] is None for row in open_rows)
        (closed,), count = await door.page("/trading/positions", status="closed")
        assert count == 1
        assert closed | {
            "strategy_id": keygen, "side": "FLAT", "status": "closed", "avg_open_px": 50010.0, "avg_close_px": 50100.0,
            "realized_pnl": 9.0, "peak_qty": 0.1,
        } == closed  # fmt: skip
        everything, count = await door.page("/trading/positions", all="true")
        assert (len(everything), count) == (3, 3)
        assert (await door.page("/trading/positions", all="true", limit=1, offset=2))[0] == [closed]
        wrong = await door.call("GET", "/trading/positions", params={"status": "shut"})
        assert wrong.status_code == 422

    journey(tmp_path, steps)


def test_two_strategies_and_a_hand_on_one_instrument_are_three_rows(tmp_path):
    async def steps(door):
        first, second = await door.strategy("first"), await door.strategy("second")
        await door.wish(quantity="0.3", strategy_id=first)
        await door.wish(quantity="0.1", strategy_id=second, side=Side.SELL)
        await door.wish(quantity="0.5")
        rows, _ = await door.page("/trading/positions")
        assert {row["strategy_name"]: row["signed_qty"] for row in rows} == {"first": 0.3, "second": -0.1, None: 0.5}
        position = next(iter(door.desk.state.accounts[ACCOUNT].positions.values()))
        assert sum(row["signed_qty"] for row in rows) == pytest.approx(float(position.quantity))
        by_hand = next(row for row in rows if row["strategy_id"] is None)
        answer = await door.call(
            "POST", f"/trading/positions/{by_hand['position_id']}/close", {"account_id": str(ACCOUNT)}
        )
        assert answer.status_code == 201, answer.text
        rows, _ = await door.page("/trading/positions")
        assert {row["strategy_name"]: row["signed_qty"] for row in rows} == {"first": 0.3, "second": -0.1}
        mine = next(row for row in rows if row["strategy_id"] == first)
        body = {"account_id": str(ACCOUNT), "strategy_id": first, "quantity": "0.1"}
        answer = await door.call("POST", f"/trading/positions/{mine['position_id']}/close", body)
        assert answer.json()["status"] == "FILLED"
        assert {row["strategy_name"]: row["signed_qty"] for row in (await door.page("/trading/positions"))[0]} == {
            "first": 0.2, "second": -0.1,
        }  # fmt: skip

    journey(tmp_path, steps)


def test_a_position_closed_in_parts_is_one_row_with_the_averages_of_all(tmp_path):
    async def steps(door):
        await door.wish(quantity="2", symbol="AAPL", account_id=HEDGING_ACCOUNT)
        (row,) = (await door.page("/trading/positions"))[0]
        for bid, quantity in (("151.00", "0.5"), ("152.00", None)):
            door.quote("AAPL", bid, f"{float(bid) + 0.02:.2f}")
            body = {"account_id": str(HEDGING_ACCOUNT)} | ({"quantity": quantity} if quantity else {})
            answer = await door.call("POST", f"/trading/positions/{row['position_id']}/close", body)
            assert answer.status_code == 201, answer.text
        (closed,), total = await door.page("/trading/positions", status="closed")
        assert total == 1
        assert (closed["peak_qty"], closed["avg_open_px"], closed["avg_close_px"]) == (2.0, 150.02, 151.75)
        assert closed["realized_pnl"] == pytest.approx(0.5 * 0.98 + 1.5 * 1.98)

    journey(tmp_path, steps)


def test_the_summary_counts_what_the_lists_count(tmp_path):
    async def steps(door):
        keygen = await a_busy_hour(door)
        summary = await door.get("/trading/summary")
        assert summary["orders"] == (await door.page("/trading/orders"))[1] == 7
        assert summary["fills"] == (await door.page("/trading/fills"))[1] == 4
        assert summary["orders_by_status"] == {"ACCEPTED": 1, "CANCELED": 1, "DENIED": 1, "FILLED": 4}
        assert (summary["signals"], summary["open_orders"], summary["open_positions"]) == (0, 1, 2)
        mine = await door.get("/trading/summary", strategy_id=keygen)
        assert (mine["orders"], mine["fills"], mine["open_positions"], mine["strategies"]) == (2, 2, 0, 1)
        future = await door.get("/trading/summary", since="2030-01-01T00:00:00Z")
        assert (future["orders"], future["fills"], future["orders_by_status"]) == (0, 0, {})

    journey(tmp_path, steps)


@pytest.mark.parametrize("path", ["orders", "fills", "positions", "audit", "signals"])
def test_pages_keep_to_their_bounds(tmp_path, path):
    async def steps(door):
        for wrong in ({"limit": 1001}, {"limit": 0}, {"offset": -1}, {"limit": "x"}):
            answer = await door.call("GET", f"/trading/{path}", params=wrong)
            assert answer.status_code == 422, wrong
            assert answer.json()["detail"][0]["loc"] == ["query", next(iter(wrong))]
        for _ in range(3):
            await door.wish(quantity="0.1")
        rows, total = await door.page(f"/trading/{path}", limit=1)
        assert len(rows) <= 1 <= 1 + total

    journey(tmp_path, steps)
