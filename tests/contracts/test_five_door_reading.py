"""What any door opened has the same numbers at the support desk and the dashboard as at the terminal.

That the terminal's are the gateway's and the client's too is what `test_cross_door_reading` holds.
"""

from decimal import Decimal

import pytest

from tests.contracts.all_doors import AllDoors, journey
from tests.contracts.one_house import DOORS, GATEWAY, GROUPS, LOGIN_OF_DOOR, TERMINAL
from tests.contracts.test_cross_door_reading import (
    MARKETS,
    PART,
    UNITS,
    cents,
    closing,
    exact,
    number_in,
    opening,
    price,
)

LOGIN = LOGIN_OF_DOOR[GATEWAY]
WHOLE = "/users/{user}"


async def of_terminal(doors: AllDoors, path: str):
    return (await doors.house.read(TERMINAL, path, login=LOGIN))["data"]


def a_position(row, symbol, side, units, opened, now, profit):
    """A row of any door in one set of words."""
    return {
        "symbol": row[symbol].replace("/", "").removesuffix(".SIM"),
        "is_long": row[side].lower() in ("long", "buy"),
        "units": exact(units),
        "opened_at": price(row[opened]),
        "is_at": price(row[now]),
        "profit": cents(row[profit]),
    }


async def open_ones_agree(doors: AllDoors, number: int):
    """The open position as the terminal, the desk and the dashboard tell it, which is the same."""
    [seen] = await of_terminal(doors, "/positions")
    units = exact(seen["volume"]) * UNITS[seen["symbol"]]
    told = a_position(seen, "symbol", "side", units, "open_price", "current_price", "profit")
    [row] = await doors.all_of(f"{WHOLE}/positions")
    assert a_position(row, "symbol", "side", row["quantity"], "entry_price", "current_price", "unrealized_pnl") == told
    [line] = await doors.dashboard("/positions")
    shown = a_position(line, "instrument_id", "side", line["quantity"], "avg_open_px", "last_px", "unrealized_pnl")
    assert shown == told
    assert (seen["ticket"], row["ticket"], line["position_id"]) == (number, number, f"pos_{number}")
    [trip] = await doors.all_of(f"{WHOLE}/trades", status=["open"])
    assert trip["tickets"] == [number]
    assert (price(trip["entry_price"]), price(trip["current_price"])) == (told["opened_at"], told["is_at"])
    assert (price(trip["stop_loss"]), price(trip["target"])) == (price(seen["sl"]), price(seen["tp"]))
    assert cents(trip["unrealized_pnl"]) == told["profit"]
    return told


async def accounts_agree(doors: AllDoors):
    """The account as all three tell it."""
    seen = await of_terminal(doors, "/account")
    told = [cents(seen[name]) for name in ("balance", "equity", "profit", "margin", "free_margin")]
    assert told[1] == told[0] + told[2]
    [row] = await doors.all_of(f"{WHOLE}/accounts")
    fields = ("balance", "equity", "unrealized_pnl", "margin_used", "margin_available")
    assert [cents(row[name]) for name in fields] == told
    [line] = await doors.dashboard("/accounts")
    assert [cents(line[name]) for name in (*fields[:4], "margin_free")] == told
    return told[0]


async def closed_ones_agree(doors: AllDoors, number: int):
    """What was closed: the deals of the terminal, the desk's trade, and the dashboard's fills and position."""
    deals = await of_terminal(doors, f"/account/history?ticket={number}")
    profit, costs, swaps = (
        sum(cents(deal[name]) for deal in deals) for name in ("profit", "commission", "swap")
    )  # fmt: skip
    outs = [deal for deal in deals if deal["entry"] == "out"]
    volume = sum(exact(deal["volume"]) for deal in outs)
    exit_price = sum(exact(deal["volume"]) * price(deal["price"]) for deal in outs) / volume
    [into] = [deal for deal in deals if deal["entry"] == "in"]
    [trip] = await doors.all_of(f"{WHOLE}/trades", status=["closed"])
    assert (trip["tickets"], trip["result"]) == ([number], "win" if profit + costs > 0 else "loss")
    assert (cents(trip["gross_pnl"]), cents(trip["fees"]), cents(trip["swaps"])) == (profit, -costs, swaps)
    assert cents(trip["net_pnl"]) == profit + costs + swaps
    assert (price(trip["entry_price"]), exact(trip["quantity"])) == (
        price(into["price"]), volume * UNITS[into["symbol"]],
    )  # fmt: skip
    assert abs(price(trip["exit_price"]) - exit_price) < Decimal("0.000001")
    assert trip["order_ids"] == [f"ord_{deal['order']}" for deal in reversed(deals)]
    fills = await doors.dashboard("/fills")
    assert [fill["trade_id"] for fill in fills] == [f"trd_{deal['deal']}" for deal in deals]
    for fill, deal in zip(fills, deals, strict=True):
        assert (fill["position_id"], fill["side"].lower()) == (f"pos_{number}", deal["side"])
        assert (price(fill["fill_px"]), cents(fill["fee"])) == (price(deal["price"]), -cents(deal["commission"]))
        assert exact(fill["fill_qty"]) == exact(deal["volume"]) * UNITS[deal["symbol"]]
        assert cents(fill["realized_pnl"]) == cents(deal["profit"])
    [line] = await doors.dashboard("/positions", status="closed")
    assert (line["position_id"], line["side"], line["quantity"]) == (f"pos_{number}", "FLAT", 0)
    assert (price(line["avg_open_px"]), cents(line["fees"])) == (price(into["price"]), -costs)
    assert abs(price(line["avg_close_px"]) - exit_price) < Decimal("0.000001")
    assert await doors.all_of(f"{WHOLE}/positions") == await doors.dashboard("/positions", status="open") == []
    return profit + costs + swaps


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("market", MARKETS, ids=[row[0] for row in MARKETS])
@pytest.mark.parametrize("door", DOORS)
def test_the_desk_and_the_dashboard_tell_a_position_as_the_terminal_does(tmp_path, door, market, group):
    symbol, lots, stop, target, afterwards, then = market

    async def sent(doors, ask):
        answer = await doors.house.call(door, ask.method, ask.path, ask.body, login=LOGIN)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def steps(doors):
        number = number_in(door, await sent(doors, opening(door, symbol, lots, stop, target)))
        told = await open_ones_agree(doors, number)
        assert told["units"] == Decimal(lots) * UNITS[symbol]
        doors.house.quote(symbol, *afterwards)
        assert (await open_ones_agree(doors, number))["profit"] > 0
        await accounts_agree(doors)
        await sent(doors, closing(door, number, symbol, PART))
        doors.house.quote(symbol, *then)
        assert (await open_ones_agree(doors, number))["units"] == (Decimal(lots) - Decimal(PART)) * UNITS[symbol]
        await accounts_agree(doors)
        await sent(doors, closing(door, number, symbol))
        balance = await accounts_agree(doors)
        assert await closed_ones_agree(doors, number) == balance - 100_000

    journey(tmp_path, steps, group)
