"""Indicators over bars at the dashboard door: a line per output; what is none is refused where it was said."""

import pytest

from tests.faces.dashboard.opened import journey

BARS = {"symbol": "BTCUSD", "timeframe": "1m", "limit": 10}


def test_an_indicator_has_a_line_for_each_of_its_outputs(tmp_path):
    async def steps(door):
        for minute in range(3):
            door.quote("BTCUSD", f"50{minute}00", f"50{minute}10")
            door.pass_s(60)
        rows, total = await door.page("/trading/studies", **BARS, study="bbands(2, 2)")
        assert [(row["study"], row["output"], row["is_price"]) for row in rows] == [
            ("bbands(2, 2)", "upper", True), ("bbands(2, 2)", "middle", True), ("bbands(2, 2)", "lower", True),
        ]  # fmt: skip
        assert total == 3
        (rsi,), _ = await door.page("/trading/studies", **BARS, study="RSI")
        assert (rsi["output"], rsi["is_price"]) == ("", False)

    journey(tmp_path, steps)


@pytest.mark.parametrize("study", ["EMMA(20)", "EMA(", "EMA(0)", "EMA(20,3)", ""])
def test_what_is_no_indicator_is_refused_where_it_was_said(tmp_path, study):
    async def steps(door):
        answer = await door.call("GET", "/trading/studies", params={**BARS, "study": study})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", "study"]

    journey(tmp_path, steps)
