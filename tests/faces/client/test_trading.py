"""Tickets: opened, changed, closed, refused."""

import pytest

from tests.faces.client.opened import MIRA, OTTO, STAFF, a_trade, journey
from tradehall.domain.account import AccountStatus
from tradehall.domain.rejection import RejectCode
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.commands import Tick, UpdateAccount
from tradehall.faces.client.errors import CODE_OF_REJECTION, NUMBER_OF_CODE, STATUS_OF_CODE


def test_a_market_buy_is_acknowledged_and_listed(tmp_path):
    async def steps(door):
        ack = await door.ok("POST", "/trade/open", a_trade(sl=1.08, tp=1.09, comment="first"))
        assert ack == {
            "data": "OK", "accepted": True, "order": ack["order"], "state": 1, "login": MIRA, "symbol": "EURUSD",
            "cmd": 0, "volume": 10,
        }  # fmt: skip
        [row] = await door.trades(tradeType=1)
        assert row == {
            "order": ack["order"], "login": MIRA, "cmd": 0, "state": 0, "symbol": "EURUSD", "reason": 0, "volume": 10,
            "open_time": row["open_time"], "close_time": 0, "open_price": 1.0871, "close_price": 1.087, "sl": 1.08,
            "tp": 1.09, "profit": -1.0, "net_profit": -1.0, "commission": 0.0, "storage": 0.0, "comment": "first",
            "digits": 5, "expiration": 0,
        }  # fmt: skip

    journey(tmp_path, steps)


@pytest.mark.parametrize("prefix", ["", "/client"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_both_verbs_both_mounts_and_a_slash_at_the_end_mean_the_same(tmp_path, prefix, method, slash):
    async def steps(door):
        ack = await door.ok(method, f"{prefix}/trade/open{slash}", a_trade(cmd=1, symbol="eurusd"))
        assert (ack["cmd"], ack["symbol"]) == (1, "EURUSD")
        closing = "POST" if method == "POST" else "DELETE"
        ack = await door.ok(closing, f"{prefix}/trade/close{slash}", {"order": ack["order"]})
        assert (ack["state"], ack["close_volume"]) == (7, 10)

    journey(tmp_path, steps)


PENDING = {"cmd": 2, "open_price": 1.05}

REFUSALS = [
    # what                            path                    change of a market buy                     status  error
    ("a cmd of a pending",            "/trade/open",          {"cmd": 2},                                409, "RET_TRADE_INCORRECT_CMD"),
    ("a cmd nobody knows",            "/trade/open",          {"cmd": 77},                               409, "RET_TRADE_INCORRECT_CMD"),
    ("no cmd",                        "/trade/open",          {"cmd": None},                             400, "INVALID_DATA"),
    ("no symbol",                     "/trade/open",          {"symbol": None},                          400, "INVALID_DATA"),
    ("no volume",                     "/trade/open",          {"volume": None},                          400, "INVALID_DATA"),
    ("a symbol nobody knows",         "/trade/open",          {"symbol": "NOPE"},                        404, "RET_SYMBOL_NOT_FOUND"),
    ("a volume in words",             "/trade/open",          {"volume": "10"},                          400, "INVALID_DATA"),
    ("half a hundredth",              "/trade/open",          {"volume": 0.5},                           400, "INVALID_DATA"),
    ("no volume at all",              "/trade/open",          {"volume": 0},                             400, "RET_TRADE_BAD_VOLUME"),
    ("less than nothing",             "/trade/open",          {"volume": -10},                           400, "RET_TRADE_BAD_VOLUME"),
    ("beyond all bounds",             "/trade/open",          {"volume": 10**30},                        400, "RET_TRADE_BAD_VOLUME"),
    ("more than there is money for",  "/trade/open",          {"volume": 100_000},                       400, "RET_TRADE_NO_MONEY"),
    ("a stop above the bid",          "/trade/open",          {"sl": 1.2},                               400, "RET_TRADE_BAD_STOPS"),
    ("a target below it",             "/trade/open",          {"tp": 1.0},                               400, "RET_TRADE_BAD_STOPS"),
    ("a negative stop",               "/trade/open",          {"sl": -1},                                400, "RET_TRADE_BAD_STOPS"),
    ("a stop in words",               "/trade/open",          {"sl": "1.08"},                            400, "INVALID_DATA"),
    ("a market that ran away",        "/trade/open",          {"open_price": 1.2},                       503, "RET_TRADE_OFFQUOTES"),
    ("an expiration gone by",         "/trade/open",          {"expiration": 1},                         400, "RET_TRADE_EXPIRATION_DENIED"),
    ("a comment too long",            "/trade/open",          {"comment": "x" * 65},                     400, "INVALID_DATA"),
    ("a comment of two lines",        "/trade/open",          {"comment": "a\nb"},                       400, "INVALID_DATA"),
    ("somebody else's login",         "/trade/open",          {"login": OTTO},                           403, "PERMISSION_DENIED"),
    ("a quote that never came",       "/trade/open",          {"symbol": "MSFT"},                        503, "RET_TRADE_OFFQUOTES"),
    ("a price below nothing",         "/trade/open",          {"open_price": -1},                        400, "RET_TRADE_BAD_PRICES"),
    ("a cmd of a market order",       "/trade/open/pending",  {"cmd": 0, "open_price": 1.05},            409, "RET_TRADE_INCORRECT_CMD"),
    ("no price",                      "/trade/open/pending",  {"cmd": 2},                                400, "INVALID_DATA"),
    ("a price of nothing",            "/trade/open/pending",  {"cmd": 2, "open_price": 0},               400, "RET_TRADE_BAD_PRICES"),
    ("a buy limit above the ask",     "/trade/open/pending",  {"cmd": 2, "open_price": 1.2},             400, "RET_TRADE_BAD_PRICES"),
    ("a sell limit below the bid",    "/trade/open/pending",  {"cmd": 3, "open_price": 1.0},             400, "RET_TRADE_BAD_PRICES"),
    ("a buy stop below the ask",      "/trade/open/pending",  {"cmd": 4, "open_price": 1.0},             400, "RET_TRADE_BAD_PRICES"),
    ("a sell stop above the bid",     "/trade/open/pending",  {"cmd": 5, "open_price": 1.2},             400, "RET_TRADE_BAD_PRICES"),
    ("a stop above its price",        "/trade/open/pending",  PENDING | {"sl": 1.06},                    400, "RET_TRADE_BAD_STOPS"),
    ("an expiration gone by",         "/trade/open/pending",  PENDING | {"expiration": 1_000},           400, "RET_TRADE_EXPIRATION_DENIED"),
    ("an expiration beyond time",     "/trade/open/pending",  PENDING | {"expiration": 2**61},           400, "RET_TRADE_EXPIRATION_DENIED"),
    ("an expiration before time",     "/trade/open/pending",  PENDING | {"expiration": -5},              400, "RET_TRADE_EXPIRATION_DENIED"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "path", "change", "status", "error"), REFUSALS, ids=[f"{r[1]} {r[0]}" for r in REFUSALS]
)
def test_an_order_is_refused(tmp_path, what, path, change, status, error):
    async def steps(door):
        answer = await door.call("POST", path, a_trade(**change))
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert answer.json().get("code", 0) == (135 if "ran away" in what else NUMBER_OF_CODE.get(error, 0))
        assert await door.trades(tradeType=1) == await door.trades(tradeType=3) == []

    journey(tmp_path, steps)


def test_a_value_of_the_wrong_type_is_named(tmp_path):
    async def steps(door):
        answer = await door.call("POST", "/trade/open", a_trade(volume="ten"))
        assert answer.json() == {"error": "INVALID_DATA", "message": "volume: Expected `int | null`, got `str`"}
        answer = await door.call("GET", "/trades/history/login", params={"from": "now", "to": 1})
        assert answer.json()["message"].startswith("from: ")
        answer = await door.call("POST", "/trade/open", a_trade(cmd=None))
        assert answer.json()["message"] == "cmd is required"

    journey(tmp_path, steps)


def test_every_reason_of_the_engine_has_its_words():
    assert CODE_OF_REJECTION.keys() == set(RejectCode)
    assert {code for code in CODE_OF_REJECTION.values() if code not in STATUS_OF_CODE} == set()
    assert {
        code for code in CODE_OF_REJECTION.values() if code.startswith("RET_") and code not in NUMBER_OF_CODE
    } == set()


def test_a_partial_close_keeps_the_ticket_and_makes_a_record_of_the_part(tmp_path):
    """§12 check 4: the sums equal a full close at the same prices."""

    async def steps(door):
        whole, parted = await door.trade(), await door.trade()
        door.quote("EURUSD", "1.09000", "1.09010")
        await door.ok("DELETE", "/trade/close", {"order": whole})
        ack = await door.ok("DELETE", "/trade/close", {"order": parted, "volume": 4, "comment": "some"})
        assert (ack["order"], ack["state"], ack["volume"], ack["close_volume"]) == (parted, 7, 10, 4)
        [left] = await door.trades(tradeType=1)
        assert (left["order"], left["volume"]) == (parted, 6)
        await door.ok("DELETE", "/trade/close", {"order": parted})
        rows = await door.trades(tradeType=2)
        part = next(row for row in rows if row["state"] == 4)
        assert (part["volume"], part["comment"]) == (4, f"part of #{parted}")
        assert part["order"] not in (whole, parted)
        full = next(row for row in rows if row["order"] == whole)
        parts = [row["profit"] for row in rows if row is not full]
        assert full["profit"] == pytest.approx(29.0) and sum(parts) == pytest.approx(full["profit"])
        me = await door.get("/account/me")
        assert me["balance"] == pytest.approx(100_000 + 58)

    journey(tmp_path, steps)


CLOSINGS = [
    ("a pending one",         "pending", {},                409, "RET_TRADE_INCORRECT_CMD"),
    ("more than is open",     "open",    {"volume": 11},    400, "RET_TRADE_BAD_VOLUME"),
    ("nothing of it",         "open",    {"volume": 0},     400, "RET_TRADE_BAD_VOLUME"),
    ("less than nothing",     "open",    {"volume": -1},    400, "RET_TRADE_BAD_VOLUME"),
    ("one nobody has",        "none",    {},                404, "RET_TRADE_INCORRECT_ORDER"),
    ("one in words",          "open",    {"order": "7"},    400, "INVALID_DATA"),
    ("none",                  "open",    {"order": None},   400, "INVALID_DATA"),
    ("one beyond all",        "open",    {"order": 2**70},  400, "INVALID_DATA"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "kind", "change", "status", "error"), CLOSINGS, ids=[row[0] for row in CLOSINGS])
def test_a_close_is_refused(tmp_path, what, kind, change, status, error):
    async def steps(door):
        number = {"pending": door.pending, "open": door.trade}[kind]
        order = 4711 if kind == "none" else await number()
        body = {name: value for name, value in ({"order": order} | change).items() if value is not None}
        assert await door.refused("POST", "/trade/close", body) == (status, error)

    if kind == "none":

        async def nothing(door):
            assert await door.refused("POST", "/trade/close", {"order": 4711}) == (status, error)

        journey(tmp_path, nothing)
    else:
        journey(tmp_path, steps)


def test_a_pending_ticket_is_cancelled_and_an_open_one_is_not(tmp_path):
    """§12 check 5."""

    async def steps(door):
        pending, open_ticket = await door.pending(), await door.trade()
        assert await door.refused("DELETE", "/trade/cancel", {"order": open_ticket}) == (409, "RET_TRADE_INCORRECT_CMD")
        ack = await door.ok("DELETE", "/trade/cancel", {"order": pending})
        assert (ack["order"], ack["state"], ack["cmd"]) == (pending, 9, 2)
        assert await door.refused("DELETE", "/trade/cancel", {"order": pending}) == (404, "RET_TRADE_INCORRECT_ORDER")
        [gone] = await door.trades(tradeType=2)
        assert (gone["order"], gone["state"], gone["cmd"]) == (pending, 6, 2) and gone["close_time"] > 0

    journey(tmp_path, steps)


def test_a_ticket_that_was_closed_is_gone(tmp_path):
    async def steps(door):
        ticket = await door.trade()
        await door.ok("DELETE", "/trade/close", {"order": ticket})
        for path in ("/trade/close", "/trade/cancel"):
            assert await door.refused("DELETE", path, {"order": ticket}) == (404, "RET_TRADE_INCORRECT_ORDER")
        assert (await door.refused("PUT", "/trade/modify", {"order": ticket, "sl": 1}))[0] == 404

    journey(tmp_path, steps)


def test_stops_of_an_open_ticket_are_set_moved_and_cleared(tmp_path):
    async def steps(door):
        ticket = await door.trade()
        ack = await door.ok("PUT", "/trade/modify/open", {"order": ticket, "sl": 1.08, "tp": 1.1})
        assert (ack["state"], ack["order"]) == (14, ticket)
        await door.ok("POST", "/trade/modify", {"order": ticket, "sl": 1.081})
        [row] = await door.trades(tradeType=1)
        assert (row["sl"], row["tp"]) == (1.081, 1.1)
        await door.ok("PUT", "/trade/modify", {"order": ticket, "sl": 0})
        [row] = await door.trades(tradeType=1)
        assert (row["sl"], row["tp"]) == (0, 1.1)
        assert await door.refused("PUT", "/trade/modify", {"order": ticket, "sl": 1.2}) == (400, "RET_TRADE_BAD_STOPS")
        assert await door.refused("PUT", "/trade/modify", {"order": ticket}) == (400, "INVALID_DATA")
        assert (await door.refused("PUT", "/trade/modify/pending", {"order": ticket, "sl": 1.0}))[0] == 409

    journey(tmp_path, steps)


def test_a_pending_ticket_is_changed_by_its_own_rules(tmp_path):
    async def steps(door):
        ticket = await door.pending(sl=1.04, tp=1.06)
        later = door.clock.at // NS_PER_SECOND + 3600
        body = {"order": ticket, "open_price": 1.051, "sl": 0, "expiration": later}
        ack = await door.ok("PUT", "/trade/modify/pending", body)
        assert ack["state"] == 16
        [row] = await door.trades(tradeType=3)
        assert (row["open_price"], row["sl"], row["tp"], row["expiration"]) == (1.051, 0, 1.06, later)
        await door.ok("POST", "/trade/modify", {"order": ticket, "expiration": 0})
        [row] = await door.trades(tradeType=3)
        assert row["expiration"] == 0
        for change, error in (
            ({"open_price": 1.2}, "RET_TRADE_BAD_PRICES"),
            ({"sl": 1.06}, "RET_TRADE_BAD_STOPS"),
            ({"expiration": 5}, "RET_TRADE_EXPIRATION_DENIED"),
            ({}, "INVALID_DATA"),
        ):
            assert await door.refused("PUT", "/trade/modify/pending", {"order": ticket} | change) == (400, error)
        assert (await door.refused("PUT", "/trade/modify/open", {"order": ticket, "sl": 1.0}))[0] == 409

    journey(tmp_path, steps)


def test_a_pending_ticket_keeps_its_number_when_it_opens(tmp_path):
    async def steps(door):
        ticket = await door.pending(cmd=4, open_price=1.09, sl=1.08)
        door.quote("EURUSD", "1.09100", "1.09110")
        [row] = await door.trades(tradeType=1)
        assert (row["order"], row["cmd"], row["open_price"], row["sl"]) == (ticket, 0, 1.0911, 1.08)
        assert await door.trades(tradeType=3) == []

    journey(tmp_path, steps)


def test_a_pending_ticket_expires(tmp_path):
    async def steps(door):
        ticket = await door.pending(expiration=door.clock.at // NS_PER_SECOND + 60)
        door.pass_s(61)
        await door.client.desk.submit(Tick())
        [row] = await door.trades(tradeType=2)
        assert (row["order"], row["state"]) == (ticket, 6)

    journey(tmp_path, steps)


def test_a_stop_loss_closes_at_the_quote_that_reached_it(tmp_path):
    async def steps(door):
        ticket = await door.trade(sl=1.08, tp=1.1)
        door.quote("EURUSD", "1.07900", "1.07910")
        [row] = await door.trades(tradeType=2)
        assert (row["order"], row["state"], row["close_price"], row["sl"]) == (ticket, 3, 1.079, 1.08)
        assert row["profit"] == pytest.approx(-81.0)
        assert (await door.get("/account/me"))["balance"] == pytest.approx(100_000 - 81)

    journey(tmp_path, steps)


def test_who_only_looks_writes_no_ticket_whatever_the_verb(tmp_path):
    async def steps(door):
        ticket, pending = await door.trade(), await door.pending()
        await door.client.desk.submit(UpdateAccount(MIRA, AccountStatus.READ_ONLY))
        assert (await door.get("/account/me"))["enable_read_only"] == 1
        for path, body in (
            ("/trade/open", a_trade()),
            ("/trade/open/pending", a_trade(**PENDING)),
            ("/trade/close", {"order": ticket}),
            ("/trade/cancel", {"order": pending}),
            ("/trade/modify", {"order": ticket, "sl": 1.08}),
            ("/trade/modify/pending", {"order": pending, "sl": 1.04}),
        ):
            assert await door.refused("POST", path, body) == (403, "RET_TRADE_READ_ONLY"), path

    journey(tmp_path, steps)


def test_a_key_makes_a_wish_count_once(tmp_path):
    async def steps(door):
        headers = {"idempotency-key": "one"}
        first = await door.ok("POST", "/trade/open", a_trade(), headers=headers)
        again = await door.ok("POST", "/trade/open", a_trade(), headers=headers)
        assert first == again
        assert len(await door.trades(tradeType=1)) == 1
        body = {"order": first["order"], "volume": 4}
        keyed = {"headers": {"idempotency-key": "two"}}
        assert await door.ok("POST", "/trade/close", body, **keyed) == await door.ok(
            "POST", "/trade/close", body, **keyed
        )
        assert [row["volume"] for row in await door.trades(tradeType=1)] == [6]
        refusal = {"headers": {"idempotency-key": "three"}}
        assert (await door.refused("POST", "/trade/close", {"order": 1}, **refusal))[0] == 404
        assert (await door.refused("POST", "/trade/open", a_trade(), **refusal))[0] == 404
        other = await door.ok("POST", "/trade/open", a_trade(), headers=headers, login=OTTO)
        assert other["order"] != first["order"]
        long_key = {"headers": {"idempotency-key": "x" * 200}}
        assert await door.refused("POST", "/trade/open", a_trade(), **long_key) == (400, "INVALID_DATA")

    journey(tmp_path, steps)


def test_a_key_is_remembered_over_a_restart(tmp_path):
    first: dict = {}

    async def before(door):
        first.update(await door.ok("POST", "/trade/open", a_trade(), headers={"idempotency-key": "one"}))

        body = {"order": first["order"], "volume": 4}
        await door.ok("POST", "/trade/close", body, headers={"idempotency-key": "two"})

    async def after(door):
        body = {"order": first["order"], "volume": 4}
        closed = await door.ok("POST", "/trade/close", body, headers={"idempotency-key": "two"})
        assert (closed["order"], closed["state"], closed["close_volume"]) == (first["order"], 7, 4)
        assert [row["volume"] for row in await door.trades(tradeType=1)] == [6]
        again = await door.ok("POST", "/trade/open", a_trade(), headers={"idempotency-key": "one"})
        assert again == first
        other = await door.ok("POST", "/trade/open", a_trade(volume=20), headers={"idempotency-key": "one"})
        assert other["order"] == first["order"]
        assert len(await door.trades(tradeType=1)) == 1

    journey(tmp_path, before)
    journey(tmp_path, after)


def test_a_key_of_what_no_order_stands_for_is_remembered_over_a_restart(tmp_path):
    first: dict = {}
    cases = (
        ("/trade/cancel", lambda: {"order": first["gone"]}),
        ("/trade/modify/pending", lambda: {"order": first["pending"], "open_price": 1.04}),
        ("/trade/modify/open", lambda: {"order": first["open"], "sl": 1.06}),
        ("/trade/modify", lambda: {"order": first["open"], "sl": 1.2}),
    )

    async def answers(door):
        found = []
        for path, body in cases:
            answer = await door.call("POST", path, body(), headers={"idempotency-key": path})
            found.append((answer.status_code, answer.json()))
        return found

    async def before(door):
        first.update(gone=await door.pending(), pending=await door.pending(), open=await door.trade())
        first["answers"] = await answers(door)
        assert [status for status, _ in first["answers"]] == [200, 200, 200, 400]
        await door.ok("POST", "/trade/modify", {"order": first["pending"], "open_price": 1.03})
        await door.ok("POST", "/trade/modify", {"order": first["open"], "sl": 1.05})

    async def after(door):
        assert await answers(door) == first["answers"]
        assert [row["open_price"] for row in await door.trades(tradeType=3)] == [1.03], "it was not changed again"
        assert [row["sl"] for row in await door.trades(tradeType=1)] == [1.05]
        door.pass_s(86_401)
        door.tokens.clear()
        assert (await answers(door))[0][0] == 404, "a day later it is another wish"

    journey(tmp_path, before)
    journey(tmp_path, after)


def test_staff_act_for_the_login_they_name(tmp_path):
    async def steps(door):
        assert await door.refused("POST", "/trade/open", a_trade(), login=STAFF) == (400, "INVALID_LOGIN")
        assert await door.refused("POST", "/trade/open", a_trade(login=1), login=STAFF) == (400, "INVALID_USER")
        ack = await door.ok("POST", "/trade/open", a_trade(login=MIRA), login=STAFF)
        assert ack["login"] == MIRA
        assert [row["order"] for row in await door.trades(tradeType=1)] == [ack["order"]]

    journey(tmp_path, steps)
