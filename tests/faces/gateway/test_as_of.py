"""`as_of`: the account, its positions and its orders as they were."""

import asyncio

import pytest

from tests.faces.gateway.opened import HEDGING_KEY, OTHER_KEY, journey
from tradehall.app.past import WAITING_MAX
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND, to_rfc3339

EVERYTHING = "FILLED,CANCELLED,REJECTED,EXPIRED,PENDING,OPEN,PARTIALLY_FILLED"


def now(door):
    """An instant as text, in whole milliseconds, after all that was; whatever follows happens a second later."""
    door.clock.at += 10 * NS_PER_MS
    text = to_rfc3339(door.clock.at)
    door.clock.at += NS_PER_SECOND
    return text


async def seen(door, as_of=None):
    """Everything that can be asked as of an instant."""
    more = "" if as_of is None else f"as_of={as_of}"
    return {
        "account": await door.get(f"/account?{more}"),
        "positions": await door.get(f"/positions?{more}"),
        "orders": await door.get(f"/orders?{more}"),
        "all orders": await door.get(f"/v1/orders?status={EVERYTHING}&{more}"),
    }


def test_every_answer_comes_again_as_it_was_then(tmp_path):
    async def steps(door):
        kept = []

        async def keep():
            answers = await seen(door)
            kept.append((now(door), answers))

        await keep()
        resting = await door.place(order_type="LIMIT", limit_price="140.00", quantity="10")
        await keep()
        await door.place(quantity="5")
        await keep()
        await door.call("PATCH", f"/orders/{resting['id']}", {"limit_price": "141.00"})
        await keep()
        await door.call("DELETE", f"/orders/{resting['id']}")
        await keep()
        [position] = await door.get("/positions")
        await door.call("DELETE", f"/positions/{position['id']}", {"quantity": "2"})
        await keep()
        await door.call("DELETE", f"/positions/{position['id']}")
        await keep()
        assert len({str(answers) for _, answers in kept}) == len(kept), "each step changed something"
        for as_of, answers in kept:
            assert await seen(door, as_of) == answers, as_of
        assert (await door.get(f"/positions/{position['id']}?as_of={kept[3][0]}"))["quantity"] == "5"
        closed = await door.call("GET", f"/positions/{position['id']}?as_of={kept[-1][0]}")
        assert (closed.status_code, closed.json()["code"]) == (404, "POSITION_NOT_FOUND")

    journey(tmp_path, steps)


def test_filters_and_limits_hold_in_the_past_too(tmp_path):
    async def steps(door):
        numbers = [(await door.place(order_type="LIMIT", limit_price=str(100 + n)))["id"] for n in range(3)]
        await door.place(symbol="BTCUSD", quantity="0.01")
        await door.call("DELETE", f"/orders/{numbers[0]}")
        then = now(door)
        for number in numbers[1:]:
            await door.call("DELETE", f"/orders/{number}")

        async def listed(query):
            return [order["id"] for order in await door.get(f"/orders?as_of={then}&{query}")]

        assert await listed("") == numbers[:0:-1], "newest first"
        assert await listed("limit=1") == numbers[2:]
        assert await listed("status=CANCELLED") == numbers[:1]
        assert await listed("status=CANCELLED,PENDING,OPEN&symbol=AAPL") == numbers[::-1]
        assert await listed("status=CANCELLED&side=SELL") == []
        assert await listed("symbol=BTCUSD") == []
        assert [each["symbol"] for each in await door.get(f"/positions?as_of={then}&symbol=BTC/USD")] == ["BTC/USD"]

    journey(tmp_path, steps)


def test_one_account_never_sees_another_one_in_the_past(tmp_path):
    async def steps(door):
        await door.place(quantity="3")
        [position] = await door.get("/positions")
        then = now(door)
        other = {"headers": {"x-api-key": OTHER_KEY}}
        assert (await door.get(f"/account?as_of={then}", **other))["balance"] == "1000"
        assert await door.get(f"/positions?as_of={then}", **other) == []
        assert await door.get(f"/orders?status={EVERYTHING}&as_of={then}", **other) == []
        hidden = await door.call("GET", f"/positions/{position['id']}?as_of={then}", headers={"x-api-key": HEDGING_KEY})
        assert hidden.status_code == 404

    journey(tmp_path, steps)


@pytest.mark.parametrize("path", ["/account", "/positions", "/positions/pos_1", "/orders"])
def test_what_is_no_instant_of_the_past_is_refused(tmp_path, path):
    async def steps(door):
        for text in ("2099-01-01T00:00:00Z", "yesterday", "1750000000"):
            answer = await door.call("GET", f"{path}?as_of={text}")
            assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST"), (path, text)
            assert answer.json()["details"]["field"] == "as_of"

    journey(tmp_path, steps)


def test_before_an_account_was_open_it_is_not_there(tmp_path):
    async def steps(door):
        answer = await door.call("GET", "/account?as_of=2001-01-01T00:00:00Z")
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")

    journey(tmp_path, steps)


def test_a_crowd_that_looks_back_is_asked_to_come_again(tmp_path):
    async def steps(door):
        then = now(door)
        asked = (door.call("GET", f"/account?as_of={then}") for _ in range(WAITING_MAX + 4))
        answers = await asyncio.gather(*asked)
        busy = [answer for answer in answers if answer.status_code == 503]
        assert len(busy) == 4
        assert {answer.json()["code"] for answer in busy} == {"PROVIDER_UNAVAILABLE"}
        assert {answer.headers["retry-after"] for answer in busy} == {"1"}
        assert {answer.json()["balance"] for answer in answers if answer.status_code == 200} == {"100000"}

    journey(tmp_path, steps)
