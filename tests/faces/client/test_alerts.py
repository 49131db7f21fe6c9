"""Price alerts that fire, their log, notifications, and the stream's word of them."""

import pytest

from tests.faces.client.opened import MIRA, OTTO, journey, rows_of
from tests.faces.client.test_stream import authorize, frames_of

ALERT = {"symbol": "EURUSD", "side": 0, "condition": 0, "repeat_mode": 0, "target_price": 1.09}


async def made(door, **fields):
    answer = await door.ok("PUT", "/price_alert", ALERT | fields)
    assert answer["structure"] == ["id"]
    return answer["rows"][0][0]


async def one(door, number, **query):
    return next(row for row in rows_of(await door.get("/price_alert/list", params=query)) if row["id"] == number)


async def quote(door, bid):
    door.pass_s(2)
    door.quote("EURUSD", bid, f"{float(bid) + 0.0001:.5f}")
    await door.client.alerts.flush()


def test_an_alert_fires_once_on_the_next_cross_and_leaves_its_traces(tmp_path):
    """§12 check 7."""

    async def steps(door):
        await quote(door, "1.09500")
        number = await made(door, message="up!", comment="mine", indicator_name="MA")
        async with door.socket() as socket:
            await authorize(door, socket)
            await quote(door, "1.09600")
            assert rows_of(await door.get("/price_alert/logs")) == []
            await quote(door, "1.08900")
            await quote(door, "1.09100")
            at = door.clock.at // 10**9
            alert, notice = await frames_of(socket, 2)
            assert alert == [
                "a", number, MIRA, "EURUSD", "MA", "up!", 0, 0, 1.09, 0.0, 0.0, 0.0, 1, 0, 0, 1.091, at, 5,
            ]  # fmt: skip
            assert (notice[0], notice[1], notice[4], notice[5], notice[6], notice[7]) == ("n", "up!", 0, 10, MIRA, at)
        await quote(door, "1.08900")
        await quote(door, "1.09100")
        row = await one(door, number)
        assert (row["status"], row["triggered_price"], row["comment"], row["target_price"]) == (1, 1.091, "mine", 1.09)
        [line] = rows_of(await door.get("/price_alert/logs"))
        assert (line["alert_id"], line["triggered_price"], line["message"]) == (number, 1.091, "up!")
        await door.ok("PUT", "/price_alert", ALERT, login=OTTO)
        await quote(door, "1.08900")
        await quote(door, "1.09200")
        assert len(rows_of(await door.get("/price_alert/logs", login=OTTO))) == 1
        assert await door.ok("DELETE", "/price_alert/logs") == {"data": "OK", "count": 1}
        assert rows_of(await door.get("/price_alert/logs")) == []
        assert len(rows_of(await door.get("/price_alert/logs", login=OTTO))) == 1

    journey(tmp_path, steps)


def test_both_verbs_make_one_put_replaces_and_post_changes_a_field(tmp_path):
    async def steps(door):
        first = await made(door, message="m", expires_at=door.clock.at // 10**9 + 100)
        second = (await door.ok("POST", "/price_alert", ALERT))["rows"][0][0]
        assert second > first
        before = await one(door, first)
        assert await door.ok("POST", "/price_alert", {"id": first, "target_price": 1.1}) == {
            "structure": ["id"],
            "rows": [[first]],
        }
        after = await one(door, first)
        assert {name for name in after if after[name] != before[name]} <= {"target_price", "updated_at"}
        assert after["target_price"] == 1.1
        await door.ok("PUT", "/price_alert", ALERT | {"id": first, "target_price": 1.11})
        after = await one(door, first)
        assert (after["target_price"], after["message"], after["expires_at"]) == (1.11, "", 0)
        await door.ok("POST", "/price_alert", {"id": first, "status": 2})
        assert (await one(door, first, status=2))["status"] == 2
        await door.ok("POST", "/price_alert", {"id": first, "status": 0})
        await door.ok("DELETE", f"/price_alert/{first}")
        await door.ok("DELETE", "/price_alert", json={"id": second})
        assert rows_of(await door.get("/price_alert/list")) == []
        assert {row["id"] for row in rows_of(await door.get("/price_alert/list", params={"status": 3}))} == {
            first,
            second,
        }
        for number in (first, second, 4711):
            assert await door.refused("DELETE", f"/price_alert/{number}") == (404, "NOT_FOUND")
            assert await door.refused("POST", "/price_alert", {"id": number, "message": "x"}) == (404, "NOT_FOUND")

    journey(tmp_path, steps)


WRONG = [
    ({"symbol": None},                                             (400, "INVALID_DATA")),
    ({"symbol": "NOPE"},                                           (404, "RET_SYMBOL_NOT_FOUND")),
    ({"side": 2},                                                  (400, "INVALID_DATA")),
    ({"side": None},                                               (400, "INVALID_DATA")),
    ({"condition": 13},                                            (400, "INVALID_DATA")),
    ({"condition": "up"},                                          (400, "INVALID_DATA")),
    ({"target_price": None},                                       (400, "INVALID_TARGET_PRICE")),
    ({"target_price": 0},                                          (400, "INVALID_TARGET_PRICE")),
    ({"target_price": -1},                                         (400, "INVALID_TARGET_PRICE")),
    ({"target_price": "1.09"},                                     (400, "INVALID_DATA")),
    ({"condition": 4, "channel_low": 1.1, "channel_high": 1.1},    (400, "INVALID_CHANNEL")),
    ({"condition": 7},                                             (400, "INVALID_CHANNEL")),
    ({"condition": 8},                                             (400, "INVALID_MOVE_THRESHOLD")),
    ({"condition": 11, "move_threshold": -1},                      (400, "INVALID_MOVE_THRESHOLD")),
    ({"expires_at": 5},                                            (400, "INVALID_EXPIRES_AT")),
    ({"expires_at": -5},                                           (400, "INVALID_EXPIRES_AT")),
    ({"message": "x" * 257},                                       (400, "INVALID_DATA")),
    ({"status": 1},                                                (400, "INVALID_DATA")),
    ({"repeat_mode": 7},                                           (400, "INVALID_DATA")),
    ({"reference_price": -1, "condition": 8, "move_threshold": 1}, (400, "INVALID_DATA")),
]  # fmt: skip


@pytest.mark.parametrize(("change", "refusal"), WRONG, ids=[str(row[0]) for row in WRONG])
def test_an_alert_that_cannot_be_is_refused(tmp_path, change, refusal):
    async def steps(door):
        body = {name: value for name, value in (ALERT | change).items() if value is not None}
        for method in ("PUT", "POST"):
            assert await door.refused(method, "/price_alert", body) == refusal

    journey(tmp_path, steps)


@pytest.mark.parametrize("name", ["symbol", "side", "condition", "repeat_mode"])
def test_what_an_alert_lacks_is_named_by_its_own_name(tmp_path, name):
    async def steps(door):
        body = {field: value for field, value in ALERT.items() if field != name}
        for method in ("PUT", "POST"):
            answer = await door.call(method, "/price_alert", body)
            assert answer.json() == {"error": "INVALID_DATA", "message": f"{name} is required"}

    journey(tmp_path, steps)


FIRINGS = [
    # condition and its numbers                                    quotes after it was made             fires at
    ({"condition": 1, "target_price": 1.08},                       ("1.08100", "1.08000"),              1.08),
    ({"condition": 12, "target_price": 1.08},                      ("1.07900", "1.08000"),              1.08),
    ({"condition": 2, "target_price": 1.08},                       ("1.08100",),                        1.081),
    ({"condition": 3, "target_price": 1.08},                       ("1.07900",),                        1.079),
    ({"condition": 4, "channel_low": 1.09, "channel_high": 1.1},   ("1.08000", "1.09500"),              1.095),
    ({"condition": 5, "channel_low": 1.08, "channel_high": 1.1},   ("1.09000", "1.07000"),              1.07),
    ({"condition": 6, "channel_low": 1.08, "channel_high": 1.1},   ("1.09000",),                        1.09),
    ({"condition": 7, "channel_low": 1.08, "channel_high": 1.1},   ("1.07000",),                        1.07),
    ({"condition": 8, "move_threshold": 0.01},                     ("1.08000", "1.09000"),              1.09),
    ({"condition": 9, "move_threshold": 0.01},                     ("1.09000", "1.08000"),              1.08),
    ({"condition": 10, "move_threshold": 1, "reference_price": 1}, ("1.01500",),                        1.015),
    ({"condition": 11, "move_threshold": 1, "reference_price": 2}, ("1.01500",),                        1.015),
    ({"condition": 0, "side": 1, "target_price": 1.09005},         ("1.08000", "1.09000"),              1.0901),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "bids", "fires_at"), FIRINGS, ids=[str(row[0]) for row in FIRINGS])
def test_every_condition_fires(tmp_path, fields, bids, fires_at):
    async def steps(door):
        number = await made(door, **fields)
        for bid in bids:
            await quote(door, bid)
        row = await one(door, number)
        assert (row["status"], row["triggered_price"]) == (1, fires_at)

    journey(tmp_path, steps)


def test_notifications_are_read_one_by_one_or_all(tmp_path):
    async def steps(door):
        await made(door, repeat_mode=1)
        for bid in ("1.08900", "1.09100", "1.08900", "1.09100", "1.08900", "1.09100"):
            await quote(door, bid)
        notices = rows_of(await door.get("/notify/list"))
        assert len(notices) == 3 and {row["open_time"] for row in notices} == {0}
        assert [row["id"] for row in notices] == sorted((row["id"] for row in notices), reverse=True)
        await door.ok("POST", "/notify/read", {"id": notices[0]["id"]})
        assert len(rows_of(await door.get("/notify/list", params={"filter": "unread"}))) == 2
        assert len(rows_of(await door.get("/notify/list", params={"filter": "read"}))) == 1
        assert len(rows_of(await door.get("/notify/list", params={"filter": "10"}))) == 3
        assert len(rows_of(await door.get("/notify/list", params={"filter": "30"}))) == 0
        assert len(rows_of(await door.get("/notify/list", params={"limit": 1, "offset": 1}))) == 1
        assert await door.refused("GET", "/notify/list", params={"filter": "loud"}) == (400, "INVALID_DATA")
        assert await door.refused("POST", "/notify/read", {}) == (400, "INVALID_DATA")
        assert await door.refused("POST", "/notify/read", {"id": 4711}) == (404, "NOT_FOUND")
        await door.ok("POST", "/notify/read", {"all": True})
        assert rows_of(await door.get("/notify/list", params={"filter": "unread"})) == []
        lines = rows_of(await door.get("/price_alert/logs"))
        assert len(lines) == 3
        assert len(rows_of(await door.get("/price_alert/logs", params={"limit": 2, "offset": 2}))) == 1
        first = lines[-1]["triggered_at"]
        assert len(rows_of(await door.get("/price_alert/logs", params={"from": first, "to": first}))) == 1
        assert rows_of(await door.get("/price_alert/logs", params={"symbol": "gbpusd"})) == []
        assert await door.ok("DELETE", f"/price_alert/logs/{lines[0]['id']}") == {"data": "OK"}
        assert await door.refused("DELETE", f"/price_alert/logs/{lines[0]['id']}") == (404, "NOT_FOUND")
        assert await door.ok("DELETE", "/price_alert/logs", {"id": lines[1]["id"]}) == {"data": "OK"}
        assert rows_of(await door.get("/price_alert/logs")) == lines[2:]

    journey(tmp_path, steps)


def test_an_alert_whose_time_is_over_is_told(tmp_path):
    async def steps(door):
        number = await made(door, expires_at=door.clock.at // 10**9 + 5)
        async with door.socket() as socket:
            await authorize(door, socket)
            door.pass_s(6)
            door.client.alerts.expire()
            await door.client.alerts.flush()
            [told] = await frames_of(socket, 1)
            assert (told[0], told[1], told[12], told[-1]) == ("a", number, 4, 4)
        assert (await one(door, number))["status"] == 4

    journey(tmp_path, steps)
