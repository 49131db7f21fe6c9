"""Scripts, settings, the watch list: kept for each login, and what cannot be kept is refused."""

from typing import Any

import pytest

from tests.faces.client.opened import MIRA, OTTO, journey, rows_of
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.records import scripts as script_records
from tradehall.app.records import settings as setting_records
from tradehall.app.records.scripts import Scripts
from tradehall.app.records.settings import Settings
from tradehall.app.records.watchlists import Watchlists
from tradehall.domain.catalogue import demo_instruments
from tradehall.ports.records import RecordsFault

SCRIPT = {"name": "MA bot", "script": "plot(close)"}


def test_a_script_is_made_by_either_verb_replaced_changed_and_removed(tmp_path):
    """§12 check 2: POST with id changes one field only."""

    async def steps(door):
        first = await door.ok("PUT", "/script", SCRIPT | {"description": "mine", "kind": "indicator", "autostart": 1})
        second = await door.ok("POST", "/script", SCRIPT | {"name": "other"})
        assert first["data"] == second["data"] == "OK" and second["id"] > first["id"]
        assert await door.ok("POST", "/script", {"id": first["id"], "name": "renamed"}) == {
            "data": "OK",
            "id": first["id"],
        }
        script = await door.get(f"/script/{first['id']}")
        assert script == {
            "id": first["id"], "login": MIRA, "name": "renamed", "script": "plot(close)", "description": "mine",
            "kind": "indicator", "language": "stscript", "visibility": "private", "autostart": 1, "enabled": 1,
            "created_time": script["created_time"], "updated_time": script["updated_time"],
        }  # fmt: skip
        await door.ok("PUT", "/script", SCRIPT | {"id": first["id"], "enabled": 0})
        script = await door.get(f"/script/{first['id']}")
        assert (script["name"], script["description"], script["kind"], script["autostart"], script["enabled"]) == (
            "MA bot", "", "robot", 0, 0,
        )  # fmt: skip
        rows = (await door.get("/scripts"))["rows"]
        assert [row["id"] for row in rows] == [first["id"], second["id"]]
        assert rows[0].keys() == {"id", "login", "name", "script", "type", "autostart", "visibility", "enabled"}
        table = rows_of(await door.get("/scripts", params={"format": "table"}))
        assert table == rows
        await door.ok("DELETE", f"/script/{first['id']}")
        await door.ok("DELETE", "/script", json={"id": second["id"]})
        for number in (first["id"], second["id"]):
            assert await door.refused("DELETE", f"/script/{number}") == (404, "SCRIPT_NOT_FOUND")
            assert await door.refused("GET", f"/script/{number}") == (404, "SCRIPT_NOT_FOUND")
            assert await door.refused("POST", "/script", {"id": number, "name": "x"}) == (404, "SCRIPT_NOT_FOUND")
        assert (await door.get("/scripts"))["rows"] == []

    journey(tmp_path, steps)


@pytest.mark.parametrize("body", [
    {}, {"name": "x"}, {"script": "x"}, SCRIPT | {"name": ""}, SCRIPT | {"name": "x" * 65}, SCRIPT | {"script": ""},
    SCRIPT | {"script": "x" * 200_001}, SCRIPT | {"kind": "toaster"}, SCRIPT | {"visibility": "friends"},
    SCRIPT | {"autostart": 2}, SCRIPT | {"autostart": True}, SCRIPT | {"id": "5"}, SCRIPT | {"name": 5}, [1],
])  # fmt: skip
def test_a_script_that_cannot_be_is_invalid(tmp_path, body):
    async def steps(door):
        assert await door.refused("PUT", "/script", body) == (400, "INVALID_DATA")

    journey(tmp_path, steps)


def test_a_public_script_is_read_by_all_and_written_by_its_owner(tmp_path):
    async def steps(door):
        number = (await door.ok("POST", "/script", SCRIPT | {"visibility": "public"}))["id"]
        assert (await door.get(f"/script/{number}", login=OTTO))["login"] == MIRA
        public = await door.get("/scripts", params={"visibility": "public"}, login=OTTO)
        assert [row["id"] for row in public["rows"]] == [number]
        assert (await door.get("/scripts", login=OTTO))["rows"] == []
        assert (await door.refused("POST", "/script", {"id": number, "name": "his"}, login=OTTO))[0] == 404
        assert (await door.refused("PUT", "/script", SCRIPT | {"id": number}, login=OTTO))[0] == 404
        assert (await door.refused("DELETE", f"/script/{number}", login=OTTO))[0] == 404
        await door.ok("POST", "/script", {"id": number, "visibility": "private"})
        assert (await door.refused("GET", f"/script/{number}", login=OTTO))[0] == 404

    journey(tmp_path, steps)


def test_the_list_of_public_scripts_is_bounded_whoever_made_them(tmp_path):
    async def steps(door):
        large = SCRIPT | {"visibility": "public", "script": "x" * 200_000}
        numbers = [(await door.ok("POST", "/script", large))["id"] for _ in range(25)]
        public = await door.get("/scripts", params={"visibility": "public"}, login=OTTO)
        assert [row["id"] for row in public["rows"]] == numbers[-20:], "the newest, up to 4 MiB"
        assert len((await door.get("/scripts"))["rows"]) == 25

    journey(tmp_path, steps)


def test_scripts_outlive_a_restart_and_numbers_are_not_given_twice(tmp_path):
    numbers = []

    async def before(door):
        numbers.extend([(await door.ok("POST", "/script", SCRIPT))["id"] for _ in range(3)])
        await door.ok("DELETE", f"/script/{numbers[-1]}")

    async def after(door):
        assert [row["id"] for row in (await door.get("/scripts"))["rows"]] == numbers[:2]
        assert (await door.ok("POST", "/script", SCRIPT))["id"] > numbers[-1]

    journey(tmp_path, before)
    journey(tmp_path, after)


def test_a_login_has_so_many_scripts_and_no_more(tmp_path):
    async def steps(door):
        for _ in range(script_records.SCRIPTS_MAX):
            await door.ok("POST", "/script", SCRIPT)
        assert await door.refused("POST", "/script", SCRIPT) == (400, "INVALID_DATA")
        await door.ok("POST", "/script", SCRIPT, login=OTTO)

    journey(tmp_path, steps)


def test_settings_are_set_merged_replaced_and_removed(tmp_path):
    async def steps(door):
        assert await door.ok("PUT", "/settings", {"key": "theme", "value": "dark"}) == {"data": "OK"}
        await door.ok("POST", "/settings", {"settings": {"chart.layout": {"a": [1, 2.5]}, "my-key_1": None, "x": 7}})
        rows = rows_of(await door.get("/settings"))
        assert [(row["key"], row["value"]) for row in rows] == [
            ("chart.layout", {"a": [1, 2.5]}),
            ("theme", "dark"),
            ("x", 7),
        ]
        assert all(row["updated_at"] == door.clock.at // 10**9 for row in rows)
        assert [row["key"] for row in rows_of(await door.get("/settings", params={"key": "x"}))] == ["x"]
        assert [row["key"] for row in rows_of(await door.get("/settings", params={"prefix": "ch"}))] == ["chart.layout"]
        await door.ok("POST", "/settings", {"key": "x", "value": None})
        await door.ok("PUT", "/settings", {"settings": {"language": "pt-BR"}})
        assert [row["key"] for row in rows_of(await door.get("/settings"))] == ["language"]
        assert await door.refused("DELETE", "/settings", params={"key": "theme"}) == (404, "NOT_FOUND")
        await door.ok("DELETE", "/settings", json={"key": "language"})
        assert await door.get("/settings") == {"structure": ["key", "value", "updated_at"], "rows": []}
        assert rows_of(await door.get("/settings", login=OTTO)) == []

    journey(tmp_path, steps)


@pytest.mark.parametrize("body", [
    {}, {"key": "x"}, {"value": 1}, {"key": "", "value": 1}, {"key": "X", "value": 1}, {"key": "a b", "value": 1},
    {"key": "x" * 65, "value": 1}, {"key": "x", "value": "y" * 16_384}, {"settings": [1]}, {"settings": {"ü": 1}}, {"settings": {"ü": None}},
    {"key": "a b", "value": None},
    {"key": "theme", "value": "pink"}, {"key": "language", "value": "not a language"}, {"key": "language", "value": 5},
    {"key": "timezone", "value": "Mars/Olympus"}, {"key": "one_click_trading", "value": 1},
    {"key": "default_volume", "value": 1.5}, {"key": "default_volume", "value": True},
    {"key": "confirm_orders", "value": "yes"}, {"key": "chart.layout", "value": []}, {"key": "notify.email", "value": 0},
    {"key": "notify.push", "value": {}}, {"key": "margin_call_alert", "value": "on"},
    {"settings": {f"k{number}": 1 for number in range(201)}},
])  # fmt: skip
def test_a_setting_that_cannot_be_is_invalid_and_changes_nothing(tmp_path, body):
    async def steps(door):
        await door.ok("PUT", "/settings", {"key": "kept", "value": 1})
        for method in ("PUT", "POST"):
            assert await door.refused(method, "/settings", body) == (400, "INVALID_DATA")
        assert [row["key"] for row in rows_of(await door.get("/settings"))] == ["kept"]

    journey(tmp_path, steps)


@pytest.mark.parametrize(("key", "value"), [
    ("language", "de"), ("timezone", "Europe/Berlin"), ("theme", "system"), ("one_click_trading", True),
    ("default_volume", 10), ("confirm_orders", False), ("chart.layout", {}), ("notify.email", True),
    ("notify.push", False), ("margin_call_alert", True), ("anything.else", [None, {"deep": "x"}]),
])  # fmt: skip
def test_a_known_setting_is_kept_as_it_was_given(tmp_path, key, value):
    async def steps(door):
        await door.ok("PUT", "/settings", {"key": key, "value": value})
        assert rows_of(await door.get("/settings"))[0]["value"] == value

    journey(tmp_path, steps)


def test_settings_are_bounded():
    setting_records.check("x", b'"' + b"y" * (setting_records.VALUE_BYTES_MAX - 2) + b'"')
    with pytest.raises(setting_records.SettingRefused):
        setting_records.check("x", b'"' + b"y" * (setting_records.VALUE_BYTES_MAX - 1) + b'"')


def test_the_watch_list_begins_with_the_house_s_and_becomes_one_s_own(tmp_path):
    async def steps(door):
        listed = (await door.get("/market/watch/list"))["assets"]
        assert list(listed) == ["EURUSD", "GBPUSD", "USDJPY", "BTCUSD", "ETHUSD", "AAPL"]
        assert listed["EURUSD"].keys() == {"symbol", "sort_index", "color", "price1d", "high", "low", "prices"}
        added = await door.ok("POST", "/market/watch", {"symbol": "msft"})
        assert added["MSFT"].keys() == {"symbol", "price1d", "high", "low", "prices"}
        assert await door.ok("PUT", "/market/watch", {"symbol": "MSFT"}) == added
        assert await door.ok("DELETE", "/market/watch", params={"symbol": "EUR/USD"}) == {"data": "OK"}
        assert await door.ok("DELETE", "/market/watch", json={"symbol": "EURUSD"}) == {"data": "OK"}
        listed = (await door.get("/market/watch/list"))["assets"]
        assert [(name, asset["sort_index"]) for name, asset in listed.items()] == [
            ("GBPUSD", 0), ("USDJPY", 1), ("BTCUSD", 2), ("ETHUSD", 3), ("AAPL", 4), ("MSFT", 5),
        ]  # fmt: skip
        assert list((await door.get("/market/watch/list", params={"prefix": "u"}))["assets"]) == ["USDJPY"]
        assert "EURUSD" in (await door.get("/market/watch/list", login=OTTO))["assets"]
        assert await door.refused("POST", "/market/watch", {"symbol": "NOPE"}) == (404, "RET_SYMBOL_NOT_FOUND")
        assert await door.refused("POST", "/market/watch", {}) == (400, "INVALID_DATA")

    journey(tmp_path, steps)


class FullDisk:
    """A record store that can be read and not written."""

    def __init__(self, store):
        self._store = store

    def all(self, kind):
        return self._store.all(kind)

    def get(self, kind, key):
        return self._store.get(kind, key)

    def write(self, changes, audit, *more):
        raise RecordsFault("the disk is full")


WRITES: list[tuple[str, str, dict[str, Any], tuple[int, str]]] = [
    ("PUT",    "/settings",     {"key": "x", "value": 1},    (503, "RET_TRADE_BROKER_BUSY")),
    ("POST",   "/settings",     {"key": "x", "value": 1},    (503, "RET_TRADE_BROKER_BUSY")),
    ("POST",   "/market/watch", {"symbol": "MSFT"},          (500, "INVALID_ADD_SYMBOL_TO_MARKET_WATCH")),
    ("DELETE", "/market/watch", {"symbol": "EURUSD"},        (503, "RET_TRADE_BROKER_BUSY")),
    ("POST",   "/script",       SCRIPT,                      (500, "INVALID_ADD_SCRIPT")),
    ("POST",   "/script",       {"id": 1, "name": "new"},    (500, "INVALID_UPDATE_SCRIPT")),
    ("DELETE", "/script/1",     {},                          (500, "INVALID_UPDATE_SCRIPT")),
]  # fmt: skip


def test_a_full_disk_is_said_and_nothing_is_changed(tmp_path):
    async def steps(door):
        await door.ok("POST", "/script", SCRIPT)
        store: Any = FullDisk(SqliteRecords(tmp_path / "records.db"))
        door.client.settings = Settings(store, door.clock)
        door.client.scripts = Scripts(store, door.clock)
        door.client.watchlists = Watchlists(store, door.clock, demo_instruments())
        for method, path, body, refusal in WRITES:
            assert await door.refused(method, path, body) == refusal, path
        assert [row["name"] for row in (await door.get("/scripts"))["rows"]] == [SCRIPT["name"]]
        assert rows_of(await door.get("/settings")) == []
        assert "MSFT" not in (await door.get("/market/watch/list"))["assets"]
        store._store.close()

    journey(tmp_path, steps)
