"""Signing in, up and out; who may read what; what an account is worth; limits."""

from decimal import Decimal

import jwt
import pytest

from tests.app.identity.people import PASSWORD
from tests.faces.client.opened import MIRA, OTTO, STAFF, a_trade, journey
from tradehall.app.records.audit import HOUSE
from tradehall.app.records.groups import Group
from tradehall.domain.order import OrderTerms, OrderType, Side
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR
from tradehall.engine.commands import PlaceOrder
from tradehall.faces.kit import RateLimiter


def test_who_signs_in_gets_a_profile_and_a_token_that_opens_the_account(tmp_path):
    """§12 checks 1 and 9."""

    async def steps(door):
        answer = await door.call("POST", "/sign/in", {"login": MIRA, "password": PASSWORD}, login=None)
        profile = answer.json()
        assert profile.keys() == {
            "id", "login", "regdate", "leverage", "email", "avatar", "name", "phone", "address", "city", "state",
            "country", "zipcode", "group", "currency", "__token",
        }  # fmt: skip
        assert (profile["login"], profile["name"], profile["currency"]) == (MIRA, "Mira", "USD")
        token = profile["__token"]
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"token={token};")
        assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=863"))
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["sub"], claims["st"], claims["exp"] - claims["iat"]) == (str(MIRA), 0, 86400) and claims["jti"]
        for header in (token, f"Bearer {token}", f"bearer {token}"):
            me = await door.get("/account/me", login=None, headers={"authorization": header})
            assert (me["login"], me["balance"], me["equity"], me["margin_level"]) == (MIRA, 100000.0, 100000.0, 0.0)

    journey(tmp_path, steps)


def test_a_wrong_password_and_an_unknown_login_are_answered_alike(tmp_path):
    async def steps(door):
        wrong = await door.call("POST", "/sign/in", {"login": MIRA, "password": "not hers"}, login=None)
        nobody = await door.call("POST", "/sign/in", {"login": 1, "password": "not hers"}, login=None)
        assert (wrong.status_code, wrong.json()["error"]) == (403, "USER_NOT_FOUND_OR_INCORRECT")
        assert wrong.content == nobody.content and wrong.status_code == nobody.status_code

    journey(tmp_path, steps)


@pytest.mark.parametrize("body", [
    {}, {"login": MIRA}, {"password": PASSWORD}, {"login": str(MIRA), "password": PASSWORD},
    {"login": -1, "password": PASSWORD}, {"login": MIRA, "password": "short"}, {"login": MIRA, "password": "x" * 65},
    {"login": MIRA, "password": 123456}, {"login": 2**70, "password": PASSWORD}, [], 5, None,
])  # fmt: skip
def test_a_sign_in_that_says_too_little_is_invalid(tmp_path, body):
    async def steps(door):
        assert await door.refused("POST", "/sign/in", body, login=None) == (400, "INVALID_DATA")

    journey(tmp_path, steps)


def test_five_failures_lock_a_login_for_a_while_whatever_comes_then(tmp_path):
    async def steps(door):
        for _ in range(5):
            assert (await door.refused("POST", "/sign/in", {"login": MIRA, "password": "not hers"}, login=None))[
                0
            ] == 403
        locked = await door.call("POST", "/sign/in", {"login": MIRA, "password": PASSWORD}, login=None)
        assert (locked.status_code, locked.json()["error"], locked.json()["code"]) == (429, "RET_TOO_FREQUENT", 8)
        assert 0 < int(locked.headers["retry-after"]) <= 900
        door.pass_s(901)
        await door.ok("POST", "/sign/in", {"login": MIRA, "password": PASSWORD}, login=None)

    journey(tmp_path, steps)


@pytest.mark.parametrize("token", ["", "nonsense", "Bearer", "eyJ.eyJ.x", "a.b.c", "Bearer eyJhbGciOiJub25lIn0.e30."])
def test_without_a_good_token_nothing_is_told(tmp_path, token):
    async def steps(door):
        headers = {"authorization": token} if token else {}
        for method, path in (
            ("GET", "/account/me"),
            ("POST", "/trade/open"),
            ("GET", "/market"),
            ("GET", "/client/no"),
        ):
            assert await door.refused(method, path, login=None, headers=headers) == (401, "INVALID_TOKEN")

    journey(tmp_path, steps)


def test_a_token_ends_with_its_day_with_its_session_and_with_its_user(tmp_path):
    async def steps(door):
        token = await door.token(MIRA)
        forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
        assert (await door.refused("GET", "/account/me", login=None, headers={"authorization": forged}))[0] == 401
        check = await door.get("/sign/check")
        now = door.clock.at // 10**9
        assert check == {"login": MIRA, "session": 0, "expires_at": now + 86400, "server_time": now}
        door.clock.at += 24 * NS_PER_HOUR
        assert await door.refused("GET", "/sign/check") == (401, "INVALID_TOKEN")
        door.tokens.clear()
        signed_out = await door.call("DELETE", "/sign/out")
        assert signed_out.json() == {"data": "OK"} and "Max-Age=0" in signed_out.headers["set-cookie"]
        assert await door.refused("GET", "/sign/check") == (401, "INVALID_TOKEN")
        otto = door.client.identity.users.of_login(OTTO)
        await door.token(OTTO)
        await door.client.identity.status.deactivate(otto.user_id, by=HOUSE)
        answer = await door.call("GET", "/sign/check", login=OTTO)
        assert (answer.status_code, answer.json()["error"]) == (402, "USER_DISABLED")
        assert answer.json()["message"] == "this user is disabled"
        assert await door.refused("POST", "/sign/in", {"login": OTTO, "password": PASSWORD}, login=None) == (
            402, "USER_DISABLED",
        )  # fmt: skip

    journey(tmp_path, steps)


def test_a_cookie_reads_but_writes_only_from_the_own_page(tmp_path):
    async def steps(door):
        cookie = {"cookie": f"theme=dark; token={await door.token(MIRA)}"}
        assert (await door.get("/account/me", login=None, headers=cookie))["login"] == MIRA
        assert await door.refused("POST", "/trade/open", a_trade(), login=None, headers=cookie) == (
            403,
            "PERMISSION_DENIED",
        )
        own = cookie | {"origin": "http://localhost"}
        await door.ok("POST", "/trade/open", a_trade(), login=None, headers=own)
        other = cookie | {"origin": "http://evil.example"}
        assert (await door.refused("POST", "/trade/open", a_trade(), login=None, headers=other))[0] == 403
        broken = {"cookie": "token=\x7f;;=;"}
        assert (await door.refused("GET", "/account/me", login=None, headers=broken))[0] == 401

    journey(tmp_path, steps)


NEW = {"name": "Ada Lovelace", "email": "ada@example.test", "password": "correct horse", "city": "London"}


def test_people_make_accounts_for_themselves(tmp_path):
    async def steps(door):
        profile = await door.ok("PUT", "/sign/up", NEW, login=None)
        assert (profile["name"], profile["city"], profile["leverage"]) == ("Ada Lovelace", "London", 50)
        headers = {"authorization": profile["__token"]}
        me = await door.get("/account/me", login=None, headers=headers)
        assert (me["login"], me["balance"], me["email"]) == (profile["login"], 100000.0, "ada@example.test")
        assert await door.refused("POST", "/sign/up", NEW, login=None) == (409, "RET_ERR_DUPLICATE")
        for change, refusal in (
            ({"group": "nowhere"}, (404, "GROUP_NOT_FOUND")),
            ({"email": "no address"}, (400, "INVALID_DATA")),
            ({"password": "short"}, (400, "INVALID_DATA")),
            ({"name": ""}, (400, "INVALID_DATA")),
            ({"leverage": 501}, (400, "INVALID_DATA")),
            ({"leverage": 0}, (400, "INVALID_DATA")),
            ({"currency": "XXX"}, (404, "GROUP_NOT_FOUND")),
        ):
            assert (
                await door.refused("POST", "/sign/up", NEW | {"email": "new@example.test"} | change, login=None)
                == refusal
            )
        poor = await door.ok("POST", "/sign/up", NEW | {"email": "poor@example.test", "demo": False}, login=None)
        me = await door.get("/account/me", login=None, headers={"authorization": poor["__token"]})
        assert me["balance"] == 0.0

    journey(tmp_path, steps)


def test_a_new_password_ends_all_other_sessions(tmp_path):
    async def steps(door):
        other = (await door.ok("POST", "/sign/in", {"login": MIRA, "password": PASSWORD}, login=None))["__token"]
        body = {"password": PASSWORD, "new_password": "battery staple"}
        for change, refusal in (
            ({"password": "not hers"}, (401, "UPDATE_PASSWORD_ERROR")),
            ({"new_password": PASSWORD}, (400, "INVALID_DATA")),
            ({"new_password": "short"}, (400, "INVALID_DATA")),
        ):
            assert await door.refused("POST", "/sign/password", body | change) == refusal
        assert await door.ok("PUT", "/sign/password", body) == {"data": "OK"}
        assert (await door.refused("GET", "/sign/check", login=None, headers={"authorization": other}))[0] == 401
        await door.get("/sign/check")
        await door.ok("POST", "/sign/in", {"login": MIRA, "password": "battery staple"}, login=None)

    journey(tmp_path, steps)


def test_equity_is_balance_and_floating_profit_in_every_answer(tmp_path):
    async def steps(door):
        await door.trade(volume=37)
        await door.trade(symbol="USDJPY", cmd=1, volume=3)
        await door.trade(symbol="BTCUSD", volume=30)
        await door.pending(volume=15)
        for bid, ask in (("1.08700", "1.08710"), ("1.09123", "1.09131"), ("1.07001", "1.07013")):
            door.quote("EURUSD", bid, ask)
            door.quote("USDJPY", "151.337", "151.351")
            balance, me = await door.get("/account/balance"), await door.get("/account/me")
            profits = [row["profit"] for row in await door.trades(tradeType=1)]
            for value in (balance, me):
                assert value["equity"] == pytest.approx(
                    value["balance"] + value["credit"] + balance["profit"], abs=1e-9
                )
                assert value["margin_free"] == pytest.approx(value["equity"] - value["margin"], abs=1e-9)
                assert value["margin_level"] == pytest.approx(value["equity"] / value["margin"] * 100, abs=0.01)
            assert balance["profit"] == pytest.approx(sum(profits), abs=0.02)
            assert balance["commission"] == me["commission"] == pytest.approx(-7.5, abs=0.01)
        for ticket in await door.trades(tradeType=1):
            await door.ok("DELETE", "/trade/close", {"order": ticket["order"]})
        table = await door.get("/trades")
        assert (await door.get("/account/me"))["balance"] == pytest.approx(table["total_net_profit"], abs=0.001)

    journey(tmp_path, steps)


def test_a_loss_of_less_than_half_a_cent_is_nothing_and_has_no_sign(tmp_path):
    async def steps(door):
        terms = OrderTerms(MIRA, "EURUSD", Side.BUY, OrderType.MARKET, Decimal(1))
        await door.client.desk.submit(PlaceOrder(terms))
        for path in ("/account/balance", "/account/me", "/trades"):
            assert "-0.0" not in (await door.call("GET", path)).text
        [ticket] = await door.trades(tradeType=1)
        assert (ticket["volume"], ticket["profit"], ticket["close_price"]) == (0.001, 0, 1.087)

    journey(tmp_path, steps)


def test_balances_of_yesterday_and_last_month_come_from_the_ledger(tmp_path):
    async def steps(door):
        me = await door.get("/account/me")
        assert (me["prevbalance"], me["prevmonthbalance"]) == (0.0, 0.0)
        door.clock.at += NS_PER_DAY
        door.tokens.clear()
        assert (await door.get("/account/me"))["prevbalance"] == 100000.0
        door.clock.at += 31 * NS_PER_DAY
        door.tokens.clear()
        me = await door.get("/account/me")
        assert (me["prevbalance"], me["prevmonthbalance"]) == (100000.0, 100000.0)

    journey(tmp_path, steps)


def test_staff_see_the_accounts_of_their_tenant_and_say_which(tmp_path):
    async def steps(door):
        assert await door.refused("GET", "/account/me", login=STAFF) == (400, "INVALID_LOGIN")
        assert (await door.get("/account/me", params={"login": MIRA}, login=STAFF))["login"] == MIRA
        assert (await door.get("/account/me", json={"login": OTTO}, login=STAFF))["login"] == OTTO
        assert await door.refused("GET", "/account/me", params={"login": 700100}, login=STAFF) == (400, "INVALID_USER")
        assert (await door.get("/account/me", params={"login": OTTO}, json={"login": MIRA}, login=STAFF))[
            "login"
        ] == OTTO

    journey(tmp_path, steps)


def test_a_session_has_thirty_reads_and_ten_writes_a_second(tmp_path):
    async def steps(door):
        await door.token(MIRA)
        for _ in range(30):
            await door.get("/sign/check")
        answer = await door.call("GET", "/sign/check")
        assert (answer.status_code, answer.json()["error"]) == (429, "RET_TOO_FREQUENT")
        assert int(answer.headers["retry-after"]) >= 1
        await door.get("/sign/check", login=OTTO)
        for index in range(10):
            await door.ok("POST", "/settings", {"key": f"k{index}", "value": 1})
        assert (await door.refused("POST", "/trade/open", a_trade()))[0] == 429
        assert (await door.refused("POST", "/settings", {"key": "k", "value": 1}))[0] == 429

    journey(tmp_path, steps, limiter=RateLimiter(clock=lambda: 0.0))


@pytest.mark.parametrize(("switch", "second", "refusal"), [
    ({"hedge_prohibited": True}, {"cmd": 1},    (403, "RET_TRADE_HEDGE_PROHIBITED")),
    ({"positions_max": 1},       {},            (403, "RET_TRADE_TOO_MANY_ORDERS")),
    ({"close_fifo": True},       None,          (403, "RET_TRADE_PROHIBITED_BY_FIFO")),
    ({"partial_close": False},   "part",        (400, "RET_TRADE_BAD_VOLUME")),
])  # fmt: skip
def test_the_switches_of_a_group_hold_for_its_accounts(tmp_path, switch, second, refusal):
    async def steps(door):
        await door.client.identity.users.change_group(Group("strict", **switch))
        profile = await door.ok("PUT", "/sign/up", NEW | {"group": "strict"}, login=None)
        headers = {"authorization": profile["__token"]}
        first = await door.ok("POST", "/trade/open", a_trade(), headers=headers)
        if second is None:
            younger = await door.ok("POST", "/trade/open", a_trade(), headers=headers)
            request = ("/trade/close", {"order": younger["order"]})
        elif second == "part":
            request = ("/trade/close", {"order": first["order"], "volume": 4})
        else:
            request = ("/trade/open", a_trade(**second))
        assert await door.refused("POST", *request, headers=headers) == refusal
        await door.ok("POST", "/trade/close", {"order": first["order"]}, headers=headers)

    journey(tmp_path, steps)
