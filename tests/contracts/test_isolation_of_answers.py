"""Two people who have one of everything: no answer and no frame to one of them holds anything of the other."""

import json
import re
from contextlib import AsyncExitStack
from typing import Any

from tests.contracts.asks import pending, trade
from tests.contracts.one_house import CLIENT, GATEWAY, TERMINAL, journey
from tests.contracts.test_cross_door_streams import streams_of
from tests.contracts.test_isolation import (
    MEANINGS,
    Naming,
    all_of_mira,
    belongings,
    let_alerts_fire,
    needed_by,
    path_of,
    what_was_told,
)
from tests.faces.client.opened import MIRA, OTTO

MARK = "nobody else's business"
RESTING = pending(2, 1.04).body
TO_BUY_LOW = {"symbol": "EURUSD", "type": 2, "volume": 0.1, "price": 1.04}
# What a query must say to be answered.
QUERIES = {
    (GATEWAY, "/bars/{symbol}"): {"timeframe": "1m"},
    (CLIENT, "/trades/history/login"): {"from": 1, "to": 300_000_000},
    (CLIENT, "/market/symbol"): {"symbol": "EURUSD"},
    (CLIENT, "/quotes/candles"): {"symbol": "EURUSD", "frame": "1M"},
    (CLIENT, "/market/watch"): {"symbol": "EURUSD"},
    (CLIENT, "DELETE /settings"): {"key": "theme"},
    (TERMINAL, "/candles/{symbol}"): {"timeframe": "M1"},
}
BODIES: dict[tuple[str, str], Any] = {
    (CLIENT, "/notify/read"): {"all": True},
    (TERMINAL, "/orders"): TO_BUY_LOW,
    (TERMINAL, "/order"): TO_BUY_LOW,
    (TERMINAL, "/trade"): trade().body,
}
# They make or end sessions, and name nobody but who asks.
LEFT_OUT = ("/sign/in", "/sign/up", "/sign/out", "/sign/password")
# Reading comes first, and what takes something away last.
ORDER = ("GET", "POST", "PATCH", "PUT", "DELETE")


def askings(house, held):
    """A good request to every route, about one's own things."""
    routes = [(name, route) for name, door in house.doors.items() for route in door.routes]
    routes = [(name, route) for name, route in routes if route.method != "WEBSOCKET" and not route.public]
    routes = [each for each in routes if each[1].path not in LEFT_OUT]
    for door, route in sorted(routes, key=lambda each: ("close" in each[1].path, ORDER.index(each[1].method))):
        path = path_of(door, route)
        names = {(named, field): meant for (at, named, field), meant in MEANINGS.items() if at == door}
        needed = BODIES.get((door, path)) or needed_by(Naming(door, route.method, path, "", ""))
        body: Any = None if route.method == "GET" else dict(needed)
        told = path.replace("{symbol}", "EURUSD")
        for field in re.findall(r"\{(\w+)\}", told):
            told = told.replace(f"{{{field}}}", names[path, field][0].format(**held))
        for field in getattr(route.body, "__struct_fields__", ()):
            if (path, field) in names and field in ("order", "ticket"):
                number = names[path, field][-1 if "pending" in path or "cancel" in path else 0].format(**held)
                body[field] = int(number)
        query = QUERIES.get((door, f"{route.method} {path}")) or QUERIES.get((door, path), {})
        yield door, route.method, told, body, query


def words_of(held):
    """What would give her away."""
    numbers = rf"(?<!\d)({MIRA}|{held['open']}|{held['pending']})(?!\d)"
    return re.compile(rf"{MARK}|mira|{held['key']}|{held['strategy']}|{numbers}")


def test_no_route_tells_or_touches_anything_of_another(tmp_path):
    async def steps(house):
        hers, his = await belongings(house, MIRA, MARK), await belongings(house, OTTO, "his")
        await let_alerts_fire(house)
        hers, his = hers | await what_was_told(house, MIRA), his | await what_was_told(house, OTTO)
        before, words, asked, answered = await all_of_mira(house, hers), words_of(hers), 0, []
        for door, method, path, body, query in askings(house, his):
            answer = await house.call(door, method, path, body, login=OTTO, params=query)
            assert not words.search(answer.text), (door, method, path, answer.text)
            assert method != "GET" or answer.status_code == 200, (door, path, answer.text)
            asked += 1
            answered += [(door, method, path)] if answer.status_code < 300 else []
        assert await all_of_mira(house, hers) == before
        assert asked > 100 and len(answered) > 0.8 * asked

    journey(tmp_path, steps)


def test_what_gives_somebody_away_is_found_in_what_she_reads_herself(tmp_path):
    async def steps(house):
        hers = await belongings(house, MIRA, MARK)
        await let_alerts_fire(house)
        hers |= await what_was_told(house, MIRA)
        words = words_of(hers)
        read = (await all_of_mira(house, hers)).items()
        silent = {place for place, said in read if not words.search(json.dumps(said))}
        # Sums, and lists of symbols, tell nothing by themselves.
        assert silent == {(GATEWAY, "/account"), (CLIENT, "/market/watch/list")}

    journey(tmp_path, steps)


def test_no_stream_tells_anything_of_another(tmp_path):
    async def steps(house):
        async with AsyncExitStack() as stack:
            her_sockets, his_sockets = await streams_of(house, stack, MIRA), await streams_of(house, stack, OTTO)
            hers, his = await belongings(house, MIRA, MARK), await belongings(house, OTTO, "his")
            await let_alerts_fire(house)
            for held, login in ((hers, MIRA), (his, OTTO)):
                closed = await house.call(TERMINAL, "DELETE", f"/positions/{held['open']}", login=login)
                cancelled = await house.call(CLIENT, "POST", "/trade/cancel", {"order": held["pending"]}, login=login)
                assert closed.status_code == cancelled.status_code == 200
            words = words_of(hers)
            for login, sockets in ((MIRA, her_sockets), (OTTO, his_sockets)):
                last = (await house.call(CLIENT, "POST", "/trade/open/pending", RESTING, login=login)).json()["order"]
                for door, socket in sockets.items():
                    told = await told_until(socket, str(last))
                    assert (words.search(told) is not None) == (login == MIRA), (door, told)

    journey(tmp_path, steps)


async def told_until(socket, number):
    """All frames up to the first one that tells of a number."""
    frames = [await socket.receive()]
    while number not in frames[-1]:
        frames.append(await socket.receive())
    return "\n".join(frames)
