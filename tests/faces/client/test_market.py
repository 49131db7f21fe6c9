"""Instruments, quotes, candles."""

import pytest

from tests.faces.client.opened import MIRA, journey, rows_of
from tradehall.app.asset_info import GROUPS
from tradehall.domain.calendar import ALWAYS
from tradehall.domain.catalogue import demo_instruments
from tradehall.faces.client.routes.market import SHORT_COLUMNS, _of_day

INFO = {
    "symbol", "description", "currency", "margin_currency", "quote_currency", "group", "digits", "trade", "spread",
    "swap_enable", "margin_divider", "contract_size", "ask", "bid", "market_state", "market_reason", "lot_min",
    "lot_max", "lot_step", "sessions",
}  # fmt: skip
MORE = {
    "spread_balance", "margin_mode", "stops_level", "long_only", "point", "tick_value", "tick_size", "comm_base",
    "comm_type", "performance", "seasons", "exchange", "category", "industry", "sector", "market_cap",
}  # fmt: skip


def test_the_market_is_listed_by_symbol_and_group(tmp_path):
    async def steps(door):
        market = await door.get("/market")
        assert market["groups"] == ["Stocks", "Forex", "Crypto"]
        assert all(asset.keys() == INFO for asset in market["assets"].values())
        euro = market["assets"]["EURUSD"]
        assert {name: euro[name] for name in ("bid", "ask", "spread", "digits", "contract_size", "lot_step")} == {
            "bid": 1.087, "ask": 1.0871, "spread": 10, "digits": 5, "contract_size": 100000.0, "lot_step": 1,
        }  # fmt: skip
        assert (euro["currency"], euro["quote_currency"], euro["group"], euro["trade"]) == ("EUR", "USD", "Forex", 2)
        assert (euro["market_state"], market["assets"]["MSFT"]["market_state"]) == (1, 0)
        assert market["assets"]["MSFT"]["market_reason"] == "no quotes"
        assert euro["sessions"] == [[[0, 1440]]] * 7

    journey(tmp_path, steps)


def test_one_symbol_tells_all_there_is_to_say(tmp_path):
    async def steps(door):
        asset = await door.get("/market/symbol", params={"symbol": "aapl"})
        assert asset.keys() >= INFO | MORE
        assert (asset["sector"], asset["exchange"], asset["group"]) == ("Technology", "NASDAQ", "Stocks")
        assert asset["performance"].keys() == {"1W", "1M", "3M", "6M", "YTD", "1Y"}
        assert (await door.get("/market/symbol", json={"symbol": "EUR/USD"}))["symbol"] == "EURUSD"
        assert await door.refused("GET", "/market/symbol", params={"symbol": "NOPE"}) == (404, "RET_SYMBOL_NOT_FOUND")
        assert await door.refused("GET", "/market/symbol") == (400, "INVALID_DATA")

    journey(tmp_path, steps)


def test_the_short_list_is_a_table_of_all(tmp_path):
    async def steps(door):
        short = await door.get("/market/short/list", params={"login": MIRA})
        assert short["groups"][0] == "ALL" and tuple(short["assets"]["structure"]) == SHORT_COLUMNS
        rows = rows_of(short["assets"])
        assert {row["symbol"] for row in rows} == demo_instruments().keys()
        assert {row["group"] for row in rows} <= set(GROUPS.values())

    journey(tmp_path, steps)


def test_candles_are_the_bars_of_a_frame(tmp_path):
    async def steps(door):
        for price in ("1.08800", "1.08600", "1.08900"):
            door.pass_s(61)
            door.quote("EURUSD", price, price[:-2] + "10")
        for frame in ("1M", "5M", "15M", "30M", "1H", "4H", "1D", "1W", "1m"):
            table = await door.get("/quotes/candles", params={"symbol": "EURUSD", "frame": frame})
            assert table["structure"] == ["open", "high", "low", "close", "volume", "time"]
            assert table["data"] == table["rows"] and all(len(row) == 6 for row in table["data"])
            assert [row[5] for row in table["data"]] == sorted(row[5] for row in table["data"])
            assert table["data"][-1][3] == 1.089
        minutes = (await door.get("/quotes/candles", params={"symbol": "EURUSD", "frame": "1M"}))["data"]
        assert len(minutes) == 4
        cut = {"symbol": "EURUSD", "frame": "1M", "from": minutes[1][5], "to": minutes[2][5]}
        assert (await door.get("/quotes/candles", params=cut))["data"] == minutes[1:3]
        last = {"symbol": "EURUSD", "frame": "1M", "count": 1}
        assert (await door.get("/quotes/candles", params=last))["data"] == minutes[-1:]
        for wrong in ({"frame": "7M"}, {"count": 0}, {"count": 5001}, {"from": "x"}, {"symbol": ""}):
            query = {"symbol": "EURUSD", "frame": "1M"} | wrong
            assert await door.refused("GET", "/quotes/candles", params=query) == (400, "INVALID_DATA")
        far = {"symbol": "EURUSD", "frame": "1M", "from": 10**15}
        assert (await door.get("/quotes/candles", params=far))["data"] == []

    journey(tmp_path, steps)


@pytest.mark.parametrize(("spans", "day", "shown"), [
    (((0, 1320),),           0, [[0, 1320]]),
    (((0, 1320),),           1, []),
    (((1320, 1500),),        0, [[1320, 1440]]),
    (((1320, 1500),),        1, [[0, 60]]),
    (((60, 120), (180, 240)), 0, [[60, 120], [180, 240]]),
])  # fmt: skip
def test_sessions_are_cut_into_days(spans, day, shown):
    assert _of_day(spans, day * 1440) == shown
    assert ALWAYS == ()
