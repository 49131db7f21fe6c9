"""What one door opened has the same numbers at the others: while it lives, and after it is closed."""

from decimal import Decimal

import pytest

from tests.contracts.asks import Ask, order, pending, resting, ticket, trade
from tests.contracts.one_house import CLIENT, DOORS, GATEWAY, GROUPS, LOGIN_OF_DOOR, TERMINAL, journey
from tests.faces.client.opened import rows_of

LOGIN = LOGIN_OF_DOOR[CLIENT]
UNITS = {"EURUSD": 100_000, "USDJPY": 100_000, "BTCUSD": 1}
CENT = Decimal("0.01")


def cents(value):
    return Decimal(str(value)).quantize(CENT)


def exact(value):
    return Decimal(str(value)).normalize() + 0


def price(value):
    """A price; none is 0."""
    return exact(value or 0)


# Each door's answers, in one set of words: numbers, units, cents.


async def gateway_account(house):
    seen = await house.read(GATEWAY, "/account", login=LOGIN)
    names = ("balance", "equity", "unrealized_pnl", "margin_used", "margin_available")
    return {name: cents(seen[name]) for name in names}


async def client_account(house):
    me, balance = [await house.read(CLIENT, f"/account/{page}", login=LOGIN) for page in ("me", "balance")]
    assert all(balance[name] == me[name] for name in balance.keys() & me.keys())
    seen = balance | {
        "unrealized_pnl": balance["profit"],
        "margin_used": me["margin"],
        "margin_available": me["margin_free"],
    }
    return {
        name: cents(seen[name]) for name in ("balance", "equity", "unrealized_pnl", "margin_used", "margin_available")
    }


async def terminal_account(house):
    seen = (await house.read(TERMINAL, "/account", login=LOGIN))["data"]
    seen |= {"unrealized_pnl": seen["profit"], "margin_used": seen["margin"], "margin_available": seen["free_margin"]}
    return {
        name: cents(seen[name]) for name in ("balance", "equity", "unrealized_pnl", "margin_used", "margin_available")
    }


async def gateway_positions(house):
    orders = await house.read(GATEWAY, "/orders", login=LOGIN)
    found = {}
    for seen in await house.read(GATEWAY, "/positions", login=LOGIN):
        legs = {leg["order_type"]: leg for leg in orders if leg["position_id"] == seen["id"] and leg["reduce_only"]}
        assert seen == await house.read(GATEWAY, f"/positions/{seen['id']}", login=LOGIN)
        found[int(seen["id"].removeprefix("pos_"))] = {
            "symbol": seen["symbol"].replace("/", ""),
            "is_long": seen["side"] == "LONG",
            "units": exact(seen["quantity"]),
            "opened_at": price(seen["average_entry_price"]),
            "is_at": price(seen["current_price"]),
            "stop_loss": price(legs.get("STOP", {}).get("stop_price")),
            "take_profit": price(legs.get("LIMIT", {}).get("limit_price")),
            "profit": cents(seen["unrealized_pnl"]),
        }
    return found


async def client_positions(house):
    rows = rows_of(await house.read(CLIENT, "/trades?tradeType=1", login=LOGIN))
    return {
        row["order"]: {
            "symbol": row["symbol"],
            "is_long": row["cmd"] == 0,
            "units": exact(row["volume"]) * UNITS[row["symbol"]] / 100,
            "opened_at": price(row["open_price"]),
            "is_at": price(row["close_price"]),
            "stop_loss": price(row["sl"]),
            "take_profit": price(row["tp"]),
            "profit": cents(row["profit"]),
        }
        for row in rows
    }


async def terminal_positions(house):
    seen = (await house.read(TERMINAL, "/positions", login=LOGIN))["data"]
    for position in seen:
        assert (await house.read(TERMINAL, f"/positions/{position['ticket']}", login=LOGIN))["data"] == position
    return {
        position["ticket"]: {
            "symbol": position["symbol"],
            "is_long": position["type"] == 0,
            "units": exact(position["volume"]) * UNITS[position["symbol"]],
            "opened_at": price(position["open_price"]),
            "is_at": price(position["current_price"]),
            "stop_loss": price(position["sl"]),
            "take_profit": price(position["tp"]),
            "profit": cents(position["profit"]),
        }
        for position in seen
    }


async def all_agree(house):
    """Account and positions as all doors tell them, which is the same."""
    accounts = [await tell(house) for tell in (gateway_account, client_account, terminal_account)]
    positions = [await tell(house) for tell in (gateway_positions, client_positions, terminal_positions)]
    assert accounts[0] == accounts[1] == accounts[2]
    assert positions[0] == positions[1] == positions[2]
    account = accounts[0]
    assert account["equity"] == account["balance"] + account["unrealized_pnl"]
    assert account["margin_available"] == account["equity"] - account["margin_used"]
    return account, positions[0]


async def sent(house, door, ask: Ask):
    """A request that must succeed; its JSON."""
    answer = await house.call(door, ask.method, ask.path, ask.body, login=LOGIN)
    assert answer.status_code < 300, (door, ask, answer.text)
    return answer.json()


def number_in(door, answer):
    """The number that an answer to an opening names."""
    return {
        GATEWAY: lambda: int(answer["id"].removeprefix("ord_")),
        CLIENT: lambda: answer["order"],
        TERMINAL: lambda: answer["data"]["ticket"],
    }[door]()


MARKETS = [
    # symbol    lots    stop     target   afterwards             then
    ("EURUSD", "0.13", "1.08",  "1.095", ("1.08813", "1.08827"), ("1.08555", "1.08569")),
    ("USDJPY", "0.07", "149",   "151",   ("150.333", "150.343"), ("149.777", "149.789")),
    ("BTCUSD", "0.31", "49000", "51000", ("50123.7", "50133.9"), ("49876.1", "49886.3")),
]  # fmt: skip


def opening(door, symbol, lots, stop, target):
    """A buy with exits as the door has it."""
    units = Decimal(lots) * UNITS[symbol]
    if door == GATEWAY:
        return order(symbol=symbol, quantity=str(units), stop_loss=stop, take_profit=target)
    if door == CLIENT:
        return ticket(symbol=symbol, volume=int(Decimal(lots) * 100), sl=float(stop), tp=float(target))
    return trade(symbol=symbol, volume=float(lots), sl=float(stop), tp=float(target))


PART = "0.05"


def closing(door, number, symbol, lots=None):
    """A close of a part, or of all."""
    if door == GATEWAY:
        body = None if lots is None else {"quantity": str(Decimal(lots) * UNITS[symbol])}
        return Ask("DELETE", f"/positions/pos_{number}", body)
    if door == CLIENT:
        return Ask(
            "DELETE", "/trade/close", {"order": number} | ({} if lots is None else {"volume": int(Decimal(lots) * 100)})
        )
    return Ask("DELETE", f"/positions/{number}", None if lots is None else {"volume": float(lots)})


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("market", MARKETS, ids=[row[0] for row in MARKETS])
@pytest.mark.parametrize("door", DOORS)
def test_a_position_has_the_same_numbers_everywhere_from_open_to_closed(tmp_path, door, market, group):
    symbol, lots, stop, target, afterwards, then = market
    # Who closes is another door than who opened.
    by = DOORS[(DOORS.index(door) + 1) % 3]

    async def steps(house):
        number = number_in(door, await sent(house, door, opening(door, symbol, lots, stop, target)))
        _, positions = await all_agree(house)
        assert positions.keys() == {number}
        assert (positions[number]["stop_loss"], positions[number]["take_profit"]) == (price(stop), price(target))
        assert positions[number]["units"] == Decimal(lots) * UNITS[symbol]
        house.quote(symbol, *afterwards)
        account, positions = await all_agree(house)
        assert account["unrealized_pnl"] == positions[number]["profit"] > 0
        await sent(house, by, closing(by, number, symbol, PART))
        _, positions = await all_agree(house)
        assert positions[number]["units"] == (Decimal(lots) - Decimal(PART)) * UNITS[symbol]
        house.quote(symbol, *then)
        await all_agree(house)
        await sent(house, by, closing(by, number, symbol))
        account, positions = await all_agree(house)
        assert not positions and account["unrealized_pnl"] == account["margin_used"] == 0
        await history_agrees(house, number, symbol, account["balance"])

    journey(tmp_path, steps, group)


async def history_agrees(house, number, symbol, balance):
    """Closed tickets, deals and trades tell of the same fills, and add up to the balance."""
    table = await house.read(CLIENT, "/trades?tradeType=2", login=LOGIN)
    rows, finance = rows_of(table), rows_of(await house.read(CLIENT, "/trades?tradeType=4", login=LOGIN))
    deals = (await house.read(TERMINAL, "/account/history?kind=all", login=LOGIN))["data"]
    trades = await house.read(GATEWAY, "/trades", login=LOGIN)
    deposit = sum(cents(row["profit"]) for row in finance)
    assert deposit == 100_000
    assert (
        deposit + sum(cents(row["profit"]) + cents(row["commission"]) + cents(row["storage"]) for row in rows)
        == balance
    )
    assert deposit + cents(table["total_net_profit"]) == balance
    assert sum(cents(deal["profit"]) + cents(deal["commission"]) + cents(deal["swap"]) for deal in deals) == balance
    # The same fills under the same numbers.
    fills = [deal for deal in deals if deal["entry"] != "balance"]
    assert [f"trd_{deal['deal']}" for deal in fills] == [fill["id"] for fill in trades]
    for deal, fill in zip(fills, trades, strict=True):
        assert (deal["ticket"], deal["order"]) == (number, int(fill["order_id"].removeprefix("ord_")))
        assert deal["side"].upper() == fill["side"] and price(deal["price"]) == price(fill["price"])
        assert exact(deal["volume"]) * UNITS[symbol] == exact(fill["quantity"])
        assert cents(deal["commission"]) == -cents(fill["commission"])
    # A row of the client is an entry and its exit.
    outs = [deal for deal in fills if deal["entry"] == "out"]
    shown = {(price(row["close_price"]), exact(row["volume"]) / 100, cents(row["profit"])) for row in rows}
    assert shown == {(price(deal["price"]), exact(deal["volume"]), cents(deal["profit"])) for deal in outs}
    assert {price(row["open_price"]) for row in rows} == {
        price(deal["price"]) for deal in fills if deal["entry"] == "in"
    }
    assert {row["state"] for row in rows if row["order"] == number} == {3} and {row["state"] for row in rows} == {3, 4}
    since = house.client.clock.at // 10**9
    page = await house.read(CLIENT, f"/trades/history/login?from={since - 60}&to={since + 60}", login=LOGIN)
    assert {row["order"] for row in rows_of(page) if row["symbol"]} == {row["order"] for row in rows}


# ------------------------------------------------------------------------------------------------ pending orders

KINDS = [
    # order type        as the gateway asks for it                                                        cmd  type  name                  price
    ("STOP_LIMIT",      dict(side="BUY", stop_price="1.095", limit_price="1.096"),                         10,   4, "buy_stop_limit",     1.095),
    ("STOP_LIMIT",      dict(side="SELL", stop_price="1.08", limit_price="1.079"),                         11,   5, "sell_stop_limit",    1.08),
    ("TRAILING_STOP",   dict(side="BUY", trailing_distance="0.005", trailing_type="ABSOLUTE"),              4,   4, "buy_trailing_stop",  1.0921),
    ("TRAILING_STOP",   dict(side="SELL", trailing_distance="0.005", trailing_type="ABSOLUTE"),             5,   5, "sell_trailing_stop", 1.082),
    ("LIMIT",           dict(side="BUY", limit_price="1.08"),                                               2,   2, "buy_limit",          1.08),
    ("LIMIT",           dict(side="SELL", limit_price="1.095"),                                             3,   3, "sell_limit",         1.095),
    ("STOP",            dict(side="BUY", stop_price="1.095"),                                               4,   4, "buy_stop",           1.095),
    ("STOP",            dict(side="SELL", stop_price="1.08"),                                               5,   5, "sell_stop",          1.08),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=[row[4] for row in KINDS])
def test_an_order_of_the_gateway_is_shown_by_the_ticket_doors(tmp_path, kind):
    order_type, asked, cmd, type_number, type_name, at = kind

    async def steps(house):
        handle = await sent(house, GATEWAY, order(order_type=order_type, quantity="12345.5", **asked))
        number = number_in(GATEWAY, handle)
        [row] = rows_of(await house.read(CLIENT, "/trades?tradeType=3", login=LOGIN))
        assert (row["order"], row["cmd"], row["open_price"]) == (number, cmd, at)
        assert row["volume"] == 12.3455 and not row["close_time"]
        [shown] = (await house.read(TERMINAL, "/orders", login=LOGIN))["data"]
        assert (shown["ticket"], shown["type"], shown["type_name"]) == (number, type_number, type_name)
        assert (shown["price"], shown["volume"], shown["state"]) == (at, 0.123455, "placed")
        await all_agree(house)
        # Each of the other doors may take it out.
        by = CLIENT if cmd % 2 else TERMINAL
        ask = Ask("DELETE", "/trade/cancel", {"order": number}) if by == CLIENT else Ask("DELETE", f"/orders/{number}")
        await sent(house, by, ask)
        assert (await house.read(GATEWAY, f"/orders/ord_{number}", login=LOGIN))["status"] == "CANCELLED"
        shown = (await house.read(TERMINAL, f"/orders/{number}", login=LOGIN))["data"]
        [row] = rows_of(await house.read(CLIENT, "/trades?tradeType=2", login=LOGIN))
        assert (row["order"], row["cmd"], row["state"]) == (number, cmd, 6)
        # Where a trailing stop stood is not kept.
        left = 0 if order_type == "TRAILING_STOP" else at
        assert (shown["state"], shown["price"], row["open_price"]) == ("cancelled", left, left)

    journey(tmp_path, steps)


PENDING = {CLIENT: pending(2, 1.08, sl=1.075, tp=1.09), TERMINAL: resting(2, 1.08, sl=1.075, tp=1.09)}


@pytest.mark.parametrize("door", PENDING)
def test_a_pending_ticket_is_an_order_of_the_gateway_and_keeps_its_number_when_it_opens(tmp_path, door):
    async def steps(house):
        number = number_in(door, await sent(house, door, PENDING[door]))
        [shown] = await house.read(GATEWAY, "/orders", login=LOGIN)
        assert (shown["id"], shown["symbol"], shown["order_type"]) == (f"ord_{number}", "EUR/USD", "LIMIT")
        # Text, as a program compares it: no zeros that nobody sent.
        assert (shown["quantity"], shown["limit_price"], shown["stop_loss"], shown["take_profit"]) == (
            "10000", "1.08", "1.075", "1.09",
        )  # fmt: skip
        assert shown["client_order_id"] is None
        account, _ = await all_agree(house)
        assert account["margin_used"] > 0, "a working order holds margin"
        house.quote("EURUSD", "1.07980", "1.07990")
        _, positions = await all_agree(house)
        assert positions.keys() == {number}
        assert positions[number]["stop_loss"] == price("1.075") and positions[number]["opened_at"] == price("1.08")
        # The legs are orders of the gateway alone.
        assert len(await house.read(GATEWAY, "/orders", login=LOGIN)) == 2
        assert rows_of(await house.read(CLIENT, "/trades?tradeType=3", login=LOGIN)) == []
        assert (await house.read(TERMINAL, "/orders", login=LOGIN))["data"] == []
        house.quote("EURUSD", "1.07400", "1.07410")
        account, positions = await all_agree(house)
        assert not positions
        [row] = rows_of(await house.read(CLIENT, "/trades?tradeType=2", login=LOGIN))
        assert (row["order"], row["close_price"], cents(row["profit"])) == (number, 1.074, account["balance"] - 100_000)
        deal = (await house.read(TERMINAL, f"/account/history?ticket={number}", login=LOGIN))["data"][0]
        assert (deal["reason"], deal["price"], deal["profit"]) == ("sl", row["close_price"], row["profit"])

    journey(tmp_path, steps)


def test_a_refused_order_has_its_number_at_the_gateway_whichever_door_sent_it(tmp_path):
    async def steps(house):
        for door, ask in (
            (GATEWAY, order(quantity="10000000")),
            (CLIENT, ticket(volume=10_000)),
            (TERMINAL, trade(volume=100)),
        ):
            answer = await house.call(door, ask.method, ask.path, ask.body, login=LOGIN)
            assert answer.status_code in (400, 422), answer.text
        ended = await house.read(GATEWAY, "/orders/history", login=LOGIN)
        assert [row["status"] for row in ended] == ["REJECTED"] * 3
        assert {row["quantity"] for row in ended} == {"10000000"}
        for row in ended:
            shown = (await house.read(TERMINAL, f"/orders/{row['id'].removeprefix('ord_')}", login=LOGIN))["data"]
            assert (shown["state"], shown["volume"]) == ("rejected", 100)

    journey(tmp_path, steps)
