"""Lists of tickets: pages, types, clauses, totals over the whole filter, the history."""

import json
from decimal import Decimal

import pytest
from msgspec.structs import replace

from tests.faces.client.opened import MIRA, OTTO, journey, rows_of
from tradehall.domain.order import OrderTerms, OrderType, Side
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.commands import MoveFunds, PlaceOrder


async def a_mixture(door):
    """Two closed, one part closed, one open, one pending, one cancelled, and the deposit; their numbers by name."""
    numbers = {}
    for name, fields in (("won", {}), ("lost", {"cmd": 1}), ("parted", {"volume": 20, "comment": "keep"})):
        numbers[name] = await door.trade(**fields)
        door.pass_s(10)
    numbers["open"] = await door.trade(symbol="GBPUSD", volume=30)
    numbers["pending"] = await door.pending(volume=5)
    numbers["cancelled"] = await door.pending(cmd=4, open_price=1.2)
    door.pass_s(10)
    door.quote("EURUSD", "1.09000", "1.09010")
    for name in ("won", "lost"):
        await door.ok("DELETE", "/trade/close", {"order": numbers[name]})
    await door.ok("DELETE", "/trade/close", {"order": numbers["parted"], "volume": 5})
    await door.ok("DELETE", "/trade/cancel", {"order": numbers["cancelled"]})
    return numbers


TYPES = [
    (0, {"won", "lost", "part", "parted", "open", "pending", "cancelled", "deposit"}),
    (1, {"parted", "open"}),
    (2, {"won", "lost", "part", "cancelled"}),
    (3, {"pending"}),
    (4, {"deposit"}),
]


def names_of(rows, numbers):
    by_number = {number: name for name, number in numbers.items()}
    named = []
    for row in rows:
        special = {6: "deposit"}.get(row["cmd"]) or ("part" if row["state"] == 4 else None)
        named.append(special or by_number[row["order"]])
    return named


CLAUSES = [
    # query                                                                                       who is found
    ({"where": [["symbol", "gbpusd"]]},                                                           {"open"}),
    ({"where": [["order", "won"]]},                                                               {"won"}),
    ({"where": ["comment", "keep"]},                                                              {"parted"}),
    ({"where": [["cmd", 1]]},                                                                     {"lost"}),
    ({"where": [["cmd", 99]]},                                                                    set()),
    ({"whereNot": [["cmd", 0]]},                                                                  {"lost", "pending", "cancelled", "deposit"}),
    ({"whereIn": [["cmd", [1, 2]]]},                                                              {"lost", "pending"}),
    ({"whereIn": [["cmd", []]]},                                                                  set()),
    ({"whereNotIn": [["cmd", [0, 2, 4, 6]]]},                                                     {"lost"}),
    ({"whereBetween": [["cmd", [2, 5]]]},                                                         {"pending", "cancelled"}),
    ({"whereNotBetween": [["cmd", [0, 5]]]},                                                      {"deposit"}),
    ({"where": [["state", 4]]},                                                                   {"part"}),
    ({"where": [["state", 6]]},                                                                   {"cancelled"}),
    ({"where": [["reason", 0]]},                                                                  {"won", "lost", "part", "parted", "open", "pending", "cancelled", "deposit"}),
    ({"where": [["reason", 4]]},                                                                  set()),
    ({"whereNot": [["reason", 0]]},                                                               set()),
    ({"where": [["login", MIRA], ["volume", 5]]},                                                 {"part", "pending"}),
    ({"where": [["login", OTTO]]},                                                                set()),
    ({"whereBetween": [["volume", [15, 30]]]},                                                    {"parted", "open"}),
    ({"whereBetween": [["profit", [1, 100]]], "where": [["symbol", "EURUSD"]]},                   {"won", "part", "parted"}),
    ({"whereBetween": [["net_profit", [-1000, -20.5]]]},                                          {"lost"}),
    ({"where": [["sl", 0], ["tp", 0.0], ["digits", 2]]},                                          {"deposit"}),
    ({"where": [["open_price", 1.05]]},                                                           {"pending"}),
    ({"where": [["expiration", 0], ["storage", 0], ["commission", 0], ["symbol", "GBPUSD"]]},     {"open"}),
    ({"where": [["close_time", 0]]},                                                              {"parted", "open", "pending"}),
    ({"where": [["comment", "'; DROP TABLE tickets; --"]]},                                       set()),
]  # fmt: skip


@pytest.mark.parametrize("place", ["query", "body"])
def test_types_and_clauses_find_what_they_say_and_totals_cover_the_filter(tmp_path, place):
    """§12 check 6."""

    async def steps(door):
        numbers = await a_mixture(door)

        async def ask(query):
            if place == "body":
                return await door.get("/trades", json=query)
            return await door.get("/trades", params={name: as_text(value) for name, value in query.items()})

        for kind, wanted in TYPES:
            table = await ask({"tradeType": kind})
            rows = rows_of(table)
            assert set(names_of(rows, numbers)) == wanted, kind
            check_totals(table, rows)
            first = await ask({"tradeType": kind, "limit": 1})
            assert {name: first[name] for name in first if name not in ("rows",)} == {
                name: table[name] for name in table if name != "rows"
            }
            assert first["rows"] == table["rows"][:1]
            rest = await ask({"tradeType": kind, "limit": 1000, "offset": 1})
            assert rest["rows"] == table["rows"][1:]
        for query, wanted in CLAUSES:
            known = json.loads(json.dumps(query).replace('"won"', str(numbers["won"])))
            table = await ask(known)
            rows = rows_of(table)
            assert set(names_of(rows, numbers)) == wanted, query
            check_totals(table, rows)

    journey(tmp_path, steps)


def as_text(value):
    return value if isinstance(value, int) else json.dumps(value)


def check_totals(table, rows):
    assert table["count"] == len(rows)
    for total, column in (
        ("total_profit", "profit"),
        ("total_net_profit", "net_profit"),
        ("total_storage", "storage"),
        ("total_commission", "commission"),
        ("total_volume", "volume"),
    ):
        assert table[total] == pytest.approx(sum(row[column] for row in rows)), total


def test_times_are_held_against_the_second_they_show(tmp_path):
    async def steps(door):
        numbers = await a_mixture(door)
        rows = await door.trades()
        won = next(row for row in rows if row["order"] == numbers["won"])
        at = won["open_time"]
        same = {row["order"] for row in rows if row["open_time"] == at}
        for query in (
            {"where": [["open_time", at]]},
            {"whereIn": [["open_time", [at, 5]]]},
            {"whereBetween": [["open_time", [at, at]]]},
            {"whereNotBetween": [["open_time", [at + 1, at + 10**9]]]},
        ):
            found = await door.trades(**{name: json.dumps(value) for name, value in query.items()})
            assert {row["order"] for row in found} == same, query
        for query in (
            {"whereNot": [["open_time", at]]},
            {"whereNotIn": [["open_time", [at]]]},
        ):
            found = await door.trades(**{name: json.dumps(value) for name, value in query.items()})
            assert {row["order"] for row in found} == {row["order"] for row in rows} - same, query

    journey(tmp_path, steps)


WRONG = [
    {"where": "nonsense"},
    {"where": '{"symbol": "EURUSD"}'},
    {"where": '[["nothing", 1]]'},
    {"where": '[["symbol", 1]]'},
    {"where": '[["comment", 1.5]]'},
    {"where": '[["profit", "much"]]'},
    {"where": '[["profit", true]]'},
    {"where": '[["profit", null]]'},
    {"where": '[["order", 1.5]]'},
    {"where": '[["open_time", "now"]]'},
    {"where": '[["symbol"]]'},
    {"where": "[[1, 2]]"},
    {"where": "[1, 2]"},
    {"whereIn": '[["symbol", "EURUSD"]]'},
    {"whereBetween": '[["profit", [1]]]'},
    {"whereBetween": '[["profit", [1, 2, 3]]]'},
    {"whereIn": json.dumps([["order", list(range(1001))]])},
    {"where": json.dumps([["cmd", 0]] * 11)},
    {"where": "[" * 500},
    {"limit": "0"},
    {"limit": "1001"},
    {"limit": "ten"},
    {"offset": "-1"},
    {"tradeType": "5"},
]


@pytest.mark.parametrize("query", WRONG, ids=[str(each)[:40] for each in WRONG])
def test_a_query_that_cannot_be_meant_is_invalid(tmp_path, query):
    async def steps(door):
        assert await door.refused("GET", "/trades", params=query) == (400, "INVALID_DATA")
        assert await door.refused("GET", "/trades", as_body(query)) == (400, "INVALID_DATA")

    journey(tmp_path, steps)


def as_body(query):
    """The same in a body, whose values are no texts where they need not be."""
    try:
        return {name: json.loads(value) for name, value in query.items()}
    except ValueError:
        return query


HUGE = [
    '[["order", 99999999999999999999999999]]',
    '[["open_time", 99999999999999999999999999]]',
    '[["open_time", -99999999999999999999999999]]',
    '[["profit", 1e300]]',
    '[["volume", 1e300]]',
    '[["volume", -1]]',
    '[["comment", "\\u0000"]]',
    '[["symbol", "' + "X" * 3000 + '"]]',
]


@pytest.mark.parametrize("where", HUGE, ids=[each[:40] for each in HUGE])
def test_values_beyond_all_find_nothing(tmp_path, where):
    async def steps(door):
        await a_mixture(door)
        assert await door.trades(where=where) == []

    journey(tmp_path, steps)


def test_pages_go_on_where_live_and_ended_tickets_alternate(tmp_path):
    async def steps(door):
        for index in range(12):
            ticket = await door.trade(volume=1)
            door.pass_s(1)
            if index % 3:
                await door.ok("DELETE", "/trade/close", {"order": ticket})
        whole = [row["order"] for row in await door.trades()]
        assert len(whole) == 13
        paged = []
        for offset in range(0, 14, 2):
            paged += [row["order"] for row in await door.trades(offset=offset, limit=2)]
        assert paged == whole

    journey(tmp_path, steps)


def test_within_the_second_that_is_shown_the_highest_number_comes_first_on_every_page(tmp_path):
    async def steps(door):
        for index in range(8):
            whole, parted = await door.trade(volume=3), await door.trade(volume=3)
            await door.ok("DELETE", "/trade/close", {"order": whole, "volume": 1})
            await door.ok("DELETE", "/trade/close", {"order": parted, "volume": 1})
            await door.ok("DELETE", "/trade/close", {"order": whole})
            door.pass_s(1 if index % 3 == 0 else 0.1)
        for query in ({}, {"tradeType": 2}, {"where": '[["symbol", "EURUSD"]]'}):
            rows = await door.trades(**query)
            assert [(row["open_time"], row["order"]) for row in rows] == sorted(
                ((row["open_time"], row["order"]) for row in rows), reverse=True
            )
            for limit in (1, 2, 3, 7):
                paged = []
                for offset in range(0, len(rows) + limit, limit):
                    paged += [row["order"] for row in await door.trades(offset=offset, limit=limit, **query)]
                assert paged == [row["order"] for row in rows], (query, limit)

    journey(tmp_path, steps)


def test_the_history_holds_what_ended_in_its_span(tmp_path):
    async def steps(door):
        begun = door.clock.at // NS_PER_SECOND
        numbers = await a_mixture(door)
        ended = door.clock.at // NS_PER_SECOND
        table = await door.get("/trades/history/login", params={"from": begun, "to": ended})
        assert "net_profit" not in table["structure"] and table["structure"][13:15] == ["profit", "commission"]
        assert set(names_of(rows_of(table), numbers)) == {"won", "lost", "part", "cancelled", "deposit"}
        late = await door.get("/trades/history/login", params={"from": begun + 15, "to": ended})
        assert set(names_of(rows_of(late), numbers)) == {"won", "lost", "part", "cancelled"}
        none = await door.get("/trades/history/login", params={"from": begun - 100, "to": begun - 1})
        assert none["rows"] == [] and none["structure"] == table["structure"]
        for query in (
            {"from": 5, "to": 4},
            {"from": 0, "to": 11 * 366 * 86400},
            {"from": 0},
            {},
            {"from": "x", "to": 1},
        ):
            assert await door.refused("GET", "/trades/history/login", params=query) == (400, "INVALID_DATA")

    journey(tmp_path, steps)


def test_funds_that_move_are_tickets(tmp_path):
    async def steps(door):
        await door.client.desk.submit(MoveFunds(MIRA, Decimal("-250.50"), "rent"))
        rows = await door.trades(tradeType=4)
        assert [(row["cmd"], row["profit"], row["comment"], row["state"]) for row in rows] == [
            (8, -250.5, "rent", 3),
            (6, 100000.0, "", 3),
        ]

    journey(tmp_path, steps)


def test_what_other_doors_made_is_shown_as_it_is(tmp_path):
    async def steps(door):
        at_market = OrderTerms(MIRA, "EURUSD", Side.BUY, OrderType.MARKET, Decimal("12345.6"), source="gateway")
        later = replace(at_market, type=OrderType.STOP_LIMIT, stop_price=Decimal("1.2"), limit_price=Decimal("1.21"))
        for terms in (at_market, later):
            await door.client.desk.submit(PlaceOrder(terms))
        [opened] = await door.trades(tradeType=1)
        [pending] = await door.trades(tradeType=3)
        assert (opened["volume"], opened["reason"]) == (12.3456, 4)
        assert (pending["cmd"], pending["open_price"]) == (10, 1.2)
        assert await door.refused("POST", "/trade/close", {"order": opened["order"], "volume": 12}) == (
            400,
            "RET_TRADE_BAD_VOLUME",
        )
        await door.ok("POST", "/trade/close", {"order": opened["order"], "volume": 11})
        await door.ok("POST", "/trade/close", {"order": opened["order"]})
        await door.ok("PUT", "/trade/modify", {"order": pending["order"], "open_price": 1.205})

    journey(tmp_path, steps)
