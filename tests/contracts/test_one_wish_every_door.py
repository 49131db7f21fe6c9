"""One wish, whichever door it comes through, is the same thing to the engine."""

import functools
import re
from collections import Counter
from decimal import Decimal

import msgspec
import pytest

from tests.contracts.asks import Ask, Not
from tests.contracts.one_house import CLIENT, DOORS, GATEWAY, GROUPS, LOGIN_OF_DOOR, TERMINAL, journey
from tests.contracts.wishes import BY_NAME, WISHES
from tradehall.app.streams import events_by_account
from tradehall.domain.order import OrderRole
from tradehall.domain.time import NS_PER_MS
from tradehall.engine.commands import ListInstrument
from tradehall.engine.events import AnyEvent, OrderAccepted, OrderRejected

# What tells doors apart and nothing else: who asked, in which spelling, and what a fingerprint is made of.
# What would have passed is a multiple of the door's own step: compared between the doors that speak lots.
NOT_COMPARED = frozenset(
    {"account_id", "source", "comment", "symbol_asked", "client_order_id", "digest", "venue_fill_id", "would_pass"}
)
INSTANTS = frozenset({"at", "opened_at", "updated_at", "closed_at", "swapped_at", "quote_age_ns"})
AMOUNT = re.compile(r"-?[0-9.]+(E[+-]?[0-9]+)?\Z")
NUMBERS = frozenset({"order_id", "position_id", "parent_order_id", "sibling_order_id"})


class Names:
    """Orders and positions of one account by when they were first heard of: their numbers differ, their places do not."""

    def __init__(self):
        self._numbers = {}
        self._fills = {}
        self.would_pass = []

    def told(self, event: AnyEvent):
        """An event as every door should have it."""
        return self._plain(msgspec.to_builtins(event))

    def _plain(self, value, name=""):
        if isinstance(value, dict):
            if "would_pass" in value:
                self.would_pass.append(value["would_pass"])
            return {key: self._plain(each, key) for key, each in value.items() if key not in NOT_COMPARED}
        if name in NUMBERS and value is not None:
            return f"order {self._numbers.setdefault(value, len(self._numbers) + 1)}"
        if name == "fill_id" and value is not None:
            return f"fill {self._fills.setdefault(value, len(self._fills) + 1)}"
        # Decisions follow each other by a nanosecond at least.
        if name in INSTANTS:
            return value // NS_PER_MS
        if name in ("message", "reason") and isinstance(value, str):
            return re.sub(r"\b7\d{6}\b", "N", value)
        if isinstance(value, str) and AMOUNT.match(value):
            return Decimal(value)
        return value


def story_of(house, login, after):
    """All events of an account since a record, in order."""
    return [
        event for record in house.records() if record.seq > after for event in events_by_account(record).get(login, [])
    ]


def entries_of(house, login):
    """Numbers of the orders that were asked for, the first first."""
    return [
        event.order_id
        for event in story_of(house, login, 0)
        if isinstance(event, OrderRejected) or (isinstance(event, OrderAccepted) and event.role is OrderRole.ENTRY)
    ]


def filled_in(value, numbers):
    """A request with the numbers of the orders it is about."""
    if isinstance(value, dict):
        return {key: filled_in(each, numbers) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    for name, number in zip("nm", numbers, strict=False):
        if value == f"{{{name}}}":
            return number
        value = value.replace(f"{{{name}}}", str(number))
    return value


async def send(house, door, ask):
    """Send a wish; its status."""
    login = LOGIN_OF_DOOR[door]
    numbers = entries_of(house, login)
    path, body = filled_in(ask.path, numbers), filled_in(ask.body, numbers)
    answer = await house.call(door, ask.method, path, body, login=login, headers=dict(ask.headers))
    assert answer.status_code < 500 or answer.status_code == 503, (door, ask, answer.text)
    return answer.status_code


async def stage(house):
    """Quarters of a lot are between the steps of GBPUSD here."""
    pound = house.desk.state.instruments["GBPUSD"]
    await house.desk.submit(ListInstrument(msgspec.structs.replace(pound, lot_step=Decimal("0.1"))))


def asks_of(wish):
    """The doors that have the wish, each with its request."""
    return {door: ask for door in DOORS if isinstance(ask := getattr(wish, door), Ask)}


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("wish", WISHES, ids=[wish.name for wish in WISHES])
def test_a_wish_comes_to_the_same_events_through_every_door(tmp_path, wish, group):
    async def steps(house):
        await stage(house)
        asks = asks_of(wish)
        for name in wish.after:
            for door in asks:
                assert await send(house, door, asks_of(BY_NAME[name])[door]) < 300, (name, door)
        before = house.desk.state.seq
        statuses = {door: await send(house, door, ask) for door, ask in asks.items()}
        for quote in wish.then:
            house.quote("EURUSD", quote.bid, quote.ask)
        await house.desk.settled()
        told, names = {}, {door: Names() for door in asks}
        for door, login in LOGIN_OF_DOOR.items():
            if door in asks:
                whole = [names[door].told(event) for event in story_of(house, login, 0)]
                told[door] = whole[len(whole) - len(story_of(house, login, before)) :]
        for door, story in told.items():
            assert in_order(wish, kinds_of(story)) == in_order(wish, wish.events_of(group)), (door, statuses)
            refusals = [event["rejection"]["code"] for event in story if "rejection" in event]
            assert refusals == ([wish.refusal] if wish.refusal else []), door
        first, *others = told
        for other in others:
            assert in_order(wish, told[other]) == in_order(wish, told[first]), (other, first)
        of_lots = [names[door].would_pass for door in asks if door != GATEWAY]
        assert of_lots[1:] == of_lots[:-1]

    journey(tmp_path, steps, group)


def kinds_of(story):
    return [event["kind"] for event in story]


def in_order(wish, story):
    """A story as it is compared: as it went, or whatever the order where doors may take turns."""
    return sorted(map(str, story)) if wish.in_any_order else story


# ---------------------------------------------------------------------------------------- the table is complete


def test_every_wish_names_each_door_or_says_why_not():
    assert Counter(wish.name for wish in WISHES).most_common(1)[0][1] == 1
    for wish in WISHES:
        for door in DOORS:
            ask = getattr(wish, door)
            assert isinstance(ask, Ask) or (isinstance(ask, Not) and len(ask.why.split()) > 3), (wish.name, door)
        assert asks_of(wish), wish.name
        for name in wish.after:
            assert asks_of(BY_NAME[name]).keys() >= asks_of(wish).keys(), (wish.name, name)


def is_a_wish(door, route):
    """Whether a route moves orders or positions."""
    if route.method in ("GET", "WEBSOCKET"):
        return False
    if door == CLIENT:
        return route.tag == "trading"
    return route.scope == "trade" and route.path != "/circuit-breakers/reset"


def work_of(route):
    """What does the work of a route, under whichever path and method."""
    return route.handler.func if isinstance(route.handler, functools.partial) else route.handler.__wrapped__


def asked(door, path):
    """A path of the table as the door's route table has it."""
    return f"/api{path}" if door == TERMINAL else path


@pytest.mark.parametrize("door", DOORS)
def test_every_way_of_a_door_to_trade_has_a_wish(tmp_path, door):
    async def steps(house):
        routes = [route for route in house.doors[door].routes if is_a_wish(door, route)]
        sent = {(ask.method, asked(door, ask.path)) for wish in WISHES if (ask := asks_of(wish).get(door))}
        patterns = {(method, re.sub(r"\{[nm]\}|(pos|ord)_\{[nm]\}", "*", path)) for method, path in sent}
        covered = {
            work_of(route) for route in routes if (route.method, re.sub(r"\{\w+\}", "*", route.path)) in patterns
        }
        missing = [f"{route.method} {route.path}" for route in routes if work_of(route) not in covered]
        assert routes and not missing

    journey(tmp_path, steps)
