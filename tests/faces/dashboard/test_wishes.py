"""What operators do: strategies, orders of the page, halts, the kill switch; and what is written down of it."""

import pytest

from tests.faces.dashboard.opened import ACCOUNT, HEDGING_ACCOUNT, OTHER_ACCOUNT, journey
from tradehall.domain.rejection import RejectCode
from tradehall.faces.dashboard.words import REFUSALS


def test_a_program_from_outside_is_registered_and_found(tmp_path):
    async def steps(door):
        keygen = await door.strategy()
        taken = await door.call(
            "POST", "/trading/strategies",
            {"name": "again", "strategy_id": "mean_reversion-001", "account_id": str(ACCOUNT), "instrument_id": "AAPL"},
        )  # fmt: skip
        assert taken.status_code == 409
        await door.strategy("breakout", instrument_id="AAPL")
        rows, total = await door.page("/trading/strategies")
        assert ([row["name"] for row in rows], total) == (["breakout", "mean_reversion"], 2)
        (row,) = (await door.page("/trading/strategies", name="REVER", status="initialized"))[0]
        assert row | {
            "id": keygen, "strategy_id": "mean_reversion-001", "venue": "SIM", "instrument_id": "BTCUSD.SIM",
            "status": "INITIALIZED", "open_orders": 0, "open_positions": 0, "account_id": str(ACCOUNT),
        } == row  # fmt: skip
        await door.order(strategy_id=keygen)
        await door.order(strategy_id=keygen, order_type="LIMIT", price=40000)
        (row,) = (await door.page("/trading/strategies", status="RUNNING"))[0]
        assert (row["id"], row["open_orders"], row["open_positions"]) == (keygen, 1, 1)
        assert (await door.call("GET", "/trading/strategies", params={"status": "asleep"})).status_code == 422

    journey(tmp_path, steps)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": ""}, 422), ({"name": "a\nb"}, 422), ({"strategy_id": "a b"}, 422), ({"account_id": "x"}, 422),
        ({"account_id": "999"}, 404), ({"instrument_id": "NOTHING"}, 404), ({"more": 1}, 422),
    ],
)  # fmt: skip
def test_a_registration_that_makes_no_sense_is_refused(tmp_path, wrong, status):
    async def steps(door):
        body = {"name": "a", "strategy_id": "a", "account_id": str(ACCOUNT), "instrument_id": "AAPL"} | wrong
        assert (await door.call("POST", "/trading/strategies", body)).status_code == status
        assert await door.get("/trading/strategies") == []

    journey(tmp_path, steps)


def test_an_order_is_previewed_placed_changed_and_cancelled(tmp_path):
    async def steps(door):
        body = {
            "account_id": str(ACCOUNT), "instrument_id": "BTCUSD.SIM", "side": "buy", "order_type": "limit",
            "quantity": "0.5", "price": 40000, "stop_loss": 39000, "take_profit": 45000,
        }  # fmt: skip
        preview = (await door.call("POST", "/trading/orders/preview", body)).json()
        assert (preview["accepted"], preview["margin_required"], preview["currency"]) == (True, 1000.0, "USD")
        answer = await door.call("POST", "/trading/orders", body, headers={"idempotency-key": "k-1"})
        row = answer.json()
        assert (answer.status_code, row["client_order_id"], row["status"]) == (201, "k-1", "ACCEPTED")
        again = await door.call("POST", "/trading/orders", body, headers={"idempotency-key": "k-1"})
        assert (again.status_code, again.json()["order_id"]) == (200, row["order_id"])
        other = await door.call("POST", "/trading/orders", body | {"quantity": 1}, headers={"idempotency-key": "k-1"})
        assert other.status_code == 409
        path = "/trading/orders/k-1"
        changed = await door.call("PATCH", path, {"price": "41000", "stop_loss": None}, params={"account_id": ACCOUNT})
        assert (changed.status_code, changed.json()["price"], changed.json()["stop_loss"]) == (200, 41000.0, None)
        assert changed.json()["take_profit"] == 45000.0
        gone = await door.call("DELETE", path)
        assert (gone.status_code, gone.json()["status"]) == (200, "CANCELED")
        assert (await door.call("DELETE", path)).status_code == 200
        late = await door.call("PATCH", path, {"price": "41000"})
        assert late.status_code == 409
        told = [(row["action"], row["outcome"]) for row in (await door.page("/trading/audit", entity_type="order"))[0]]
        assert told == [
            ("order.amended", "refused"), ("order.canceled", "ok"), ("order.amended", "ok"), ("order.submitted", "refused"),
            ("order.submitted", "ok"),
        ]  # fmt: skip

    journey(tmp_path, steps)


@pytest.mark.parametrize(
    ("what", "wrong", "status"),
    [
        ("no such account",      {"account_id": "999"},                     404),
        ("no such instrument",   {"instrument_id": "NOTHING.SIM"},          404),
        ("no such strategy",     {"strategy_id": "00000000-0000-4000-8000-000000000000"}, 404),
        ("no such side",         {"side": "LEFT"},                          422),
        ("no such type",         {"order_type": "MAYBE"},                   422),
        ("no such time",         {"time_in_force": "NOW"},                  422),
        ("a price too many",     {"price": 1},                              422),
        ("a price too few",      {"order_type": "LIMIT"},                   422),
        ("nothing to buy",       {"quantity": 0},                           422),
        ("an unknown field",     {"colour": "blue"},                        422),
        ("no instant",           {"time_in_force": "GTD", "expires_at": "soon"}, 422),
        ("no position of ours",  {"position_id": "tic_1"},                  404),
    ],
)  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused_and_placed_nowhere(tmp_path, what, wrong, status):
    async def steps(door):
        body = {
            "account_id": str(ACCOUNT), "instrument_id": "AAPL", "side": "BUY", "order_type": "MARKET", "quantity": 1,
        }  # fmt: skip
        for path in ("/trading/orders", "/trading/orders/preview"):
            answer = await door.call("POST", path, body | wrong)
            assert answer.status_code == status, (what, answer.text)
        assert await door.page("/trading/orders") == ([], 0)

    journey(tmp_path, steps)


def test_a_halted_account_places_nothing_and_goes_on_when_it_may(tmp_path):
    async def steps(door):
        path = f"/trading/accounts/{ACCOUNT}/state"
        halted = await door.call("PUT", path, {"state": "HALTED", "reason": "a look"})
        assert (halted.status_code, halted.json()) == (200, {"state": "HALTED", "reason": "a look"})
        denied = await door.order(client_order_id="d")
        assert denied["status"] == "DENIED"
        reason = await door.get("/trading/orders/d/deny-reason")
        assert (reason["source"], reason["code"], reason["context"]["would_pass"]) == ("RISK", "TRADING_HALTED", None)
        (account,) = await door.get("/trading/accounts", account_id=ACCOUNT)
        assert (account["trading_state"], account["state_reason"]) == ("HALTED", "a look")
        await door.call("PUT", path, {"state": "NORMAL"})
        assert (await door.order())["status"] == "FILLED"
        assert (await door.call("PUT", "/trading/accounts/999/state", {"state": "NORMAL"})).status_code == 404
        assert (await door.call("PUT", path, {"state": "ASLEEP"})).status_code == 422

    journey(tmp_path, steps)


def test_a_strategy_that_only_reduces_closes_and_does_not_open(tmp_path):
    async def steps(door):
        keygen = await door.strategy()
        await door.order(strategy_id=keygen)
        path = "/trading/strategies/mean_reversion-001/state"
        assert (await door.call("PUT", path, {"state": "REDUCE_ONLY", "reason": "r"})).status_code == 200
        (row,) = await door.get("/trading/strategies")
        assert (row["status"], row["trading_state"]) == ("DEGRADED", "REDUCE_ONLY")
        denied = await door.order(strategy_id=keygen)
        assert denied["reason"].startswith("TRADING_REDUCING")
        assert (await door.order(strategy_id=keygen, side="SELL"))["status"] == "FILLED"

    journey(tmp_path, steps)


@pytest.mark.parametrize(
    ("body", "accounts", "cancelled", "closed"),
    [
        ({"account_id": str(ACCOUNT)},                     [ACCOUNT],                                   1, 1),
        ({"account_id": str(ACCOUNT), "flatten": False},   [ACCOUNT],                                   1, 0),
        ({},                                               [ACCOUNT, HEDGING_ACCOUNT, OTHER_ACCOUNT],   2, 2),
    ],
)  # fmt: skip
def test_the_kill_switch_halts_cancels_and_closes(tmp_path, body, accounts, cancelled, closed):
    async def steps(door):
        for account in (ACCOUNT, OTHER_ACCOUNT):
            await door.order(account_id=str(account))
            await door.order(account_id=str(account), order_type="LIMIT", price=40000)
        answer = await door.call("POST", "/trading/kill-switch", body)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["orders_cancelled"], told["positions_closed"]) == (cancelled, closed)
        assert sorted(told["accounts"]) == sorted(str(account) for account in accounts)
        rows = await door.get("/trading/accounts")
        assert {int(row["account_id"]) for row in rows if row["trading_state"] == "HALTED"} == set(accounts)
        killed = (await door.page("/trading/audit", action="account.killed"))[1]
        assert killed == len(accounts)

    journey(tmp_path, steps)


def test_the_kill_switch_of_a_strategy_leaves_the_rest_of_the_account_alone(tmp_path):
    async def steps(door):
        keygen = await door.strategy()
        await door.order(strategy_id=keygen)
        await door.order(strategy_id=keygen, order_type="LIMIT", price=40000)
        await door.order(order_type="LIMIT", price=40000, client_order_id="by hand")
        told = (await door.call("POST", "/trading/kill-switch", {"strategy_id": keygen})).json()
        assert (told["orders_cancelled"], told["positions_closed"], told["accounts"]) == (1, 1, [str(ACCOUNT)])
        assert (await door.get("/trading/orders/by hand"))["status"] == "ACCEPTED"
        assert (await door.get("/trading/strategies"))[0]["status"] == "STOPPED"

    journey(tmp_path, steps)


def test_the_life_of_an_order_is_told_by_its_name(tmp_path):
    async def steps(door):
        await door.wish(quantity="0.1", client_order_id="filled")
        await door.wish(quantity="1", limit="40000", client_order_id="gone")
        await door.call("DELETE", "/trading/orders/gone")
        await door.wish(quantity="1000000", client_order_id="too big")
        for name, actions in (
            ("filled", ["order.filled", "order.accepted", "order.submitted"]),
            ("ord_7300001", ["order.filled", "order.accepted", "order.submitted"]),
            ("gone", ["order.canceled", "order.accepted", "order.submitted"]),
            ("too big", ["order.denied", "order.submitted"]),
        ):
            rows, total = await door.page("/trading/audit", entity_type="order", entity_id=name)
            assert ([row["action"] for row in rows], total) == (actions, len(actions)), name
        rows, _ = await door.page("/trading/audit", entity_type="order", entity_id="gone", action="order.canceled")
        assert [row["actor"] for row in rows] == ["operator:ann operator"]
        assert (await door.call("GET", "/trading/audit?entity_type=order&entity_id=nobody")).status_code == 404

    journey(tmp_path, steps)


def test_a_refused_wish_is_in_the_trail_with_its_code_and_who_wished(tmp_path):
    async def steps(door):
        keygen = await door.strategy()
        refused = await door.call("DELETE", f"/budget/{keygen}/USD", params={"reason": "tidy up"})
        assert refused.status_code == 404
        (row,), _ = await door.page("/trading/audit", outcome="refused")
        assert (row["action"], row["severity"], row["reason"]) == ("budget.deleted", "WARNING", "tidy up")
        assert (row["actor"], row["message"]) == ("operator:ann operator", "No budget for strategy")
        forbidden = await door.call("PUT", f"/budget/{keygen}/USD", {"allocated": 1}, token=door.viewer)
        assert forbidden.status_code == 403

    journey(tmp_path, steps)


def test_each_reason_to_refuse_has_a_source_and_a_code_of_this_door():
    assert REFUSALS.keys() == set(RejectCode)
    assert {refusal.source for refusal in REFUSALS.values()} == {"BUDGET", "RISK", "VENUE", "ENGINE"}
    assert len({refusal.code for refusal in REFUSALS.values()}) == len(REFUSALS)


def test_accounts_tell_what_the_day_has_brought_without_funds_that_moved(tmp_path):
    async def steps(door):
        await door.order()
        door.quote("BTCUSD", "50100", "50110")
        rows = {int(row["account_id"]): row for row in await door.get("/trading/accounts")}
        assert rows[ACCOUNT]["unrealized_pnl"] == 9.0
        assert rows[ACCOUNT]["day_pnl"] == pytest.approx(rows[ACCOUNT]["equity"] - 100_000)
        assert rows[OTHER_ACCOUNT]["day_pnl"] == 0.0
        await door.dashboard.equity.sample()
        points = await door.get(f"/trading/accounts/{ACCOUNT}/equity")
        assert points[0]["equity"] == 100_000.0 and points[-1]["equity"] == rows[ACCOUNT]["equity"]

    journey(tmp_path, steps)


def test_what_an_account_was_worth_is_known_after_a_restart(tmp_path):
    async def before(door):
        await door.order()
        door.quote("BTCUSD", "50100", "50110")
        await door.dashboard.equity.sample()
        await door.dashboard.equity.keep()

    async def after(door):
        points = await door.get(f"/trading/accounts/{ACCOUNT}/equity")
        assert [each["equity"] for each in points[-2:]] == [99_997.5, 100_006.5], "the balance, and what was open"

    journey(tmp_path, before)
    journey(tmp_path, after)


def test_orders_of_strategies_are_measured(tmp_path):
    async def steps(door):
        keygen = await door.strategy()
        await door.order()
        await door.order(strategy_id=keygen)
        await door.order(strategy_id=keygen, side="SELL")
        text = door.app.metrics.render().decode()
        labels = '{strategy="mean_reversion",instrument="BTCUSD"}'
        for name, count in (
            ("strategy_latency_us", 2), ("order_ack_rtt_us", 2), ("fill_report_lag_us", 2), ("trade_pnl_usdt", 1),
        ):  # fmt: skip
            assert f"{name}_count{labels} {count}\n" in text
        assert 'strategy=""' not in text

    journey(tmp_path, steps)
