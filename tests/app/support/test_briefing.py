"""Who is told what is new knows, all told, what the house knows."""

from types import SimpleNamespace
from typing import Any, cast

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from tests.app.shard import a_quote
from tradehall.app.support.briefing import Briefed, Briefing, InTheHouse
from tradehall.app.support.stamp_queue import StampQueue
from tradehall.domain.account import PositionMode
from tradehall.ports.bookkeeping import BookkeepingTask
from tradehall.ports.trips import Overlay

SYMBOLS = ("BTCUSD", "ETHUSD", "EURUSD")
STEPS = st.lists(st.tuples(st.sampled_from(["quote", "open", "lose", "list", "lay", "tell"]), st.integers(0, 9)))


class Overlays(dict[int, Overlay]):
    """As much of them as is read."""

    of = dict.get

    def all(self) -> list[Overlay]:
        return [*self.values()]


def an_account(number: int) -> Any:
    mode = PositionMode.HEDGING if number % 2 else PositionMode.NETTING
    return SimpleNamespace(terms=SimpleNamespace(currency=("USD", "EUR", "JPY")[number % 3], position_mode=mode))


@given(STEPS)
@example([("open", 1), ("tell", 0), ("lose", 0), ("open", 1)])  # First hedging, then netting.
def test_who_was_briefed_knows_what_the_house_knows(steps):
    state = SimpleNamespace(accounts={}, instruments={})
    desk = cast(Any, SimpleNamespace(state=state, quotes={}))
    overlays, fresh = Overlays({7: Overlay(trip_id=7, is_adjusted=True)}), []
    house, briefed, briefing = InTheHouse(desk, cast(Any, overlays)), Briefed(), None
    for place, (step, number) in enumerate([*steps, ("tell", 0)]):
        symbol = SYMBOLS[number % 3]
        if step == "quote":
            desk.quotes[symbol] = msgspec.structs.replace(a_quote(), symbol=symbol, at=place)
        elif step == "open":
            desk.state.accounts.setdefault(number, an_account(number + place))
        elif step == "lose":  # The journal refused what was decided last, and the state is made anew.
            accounts = dict([*desk.state.accounts.items()][:-1])
            desk.state = SimpleNamespace(accounts=accounts, instruments=dict(desk.state.instruments))
        elif step == "list":
            desk.state.instruments[symbol] = SimpleNamespace(symbol=symbol, place=place)
        elif step == "lay":
            overlays[number] = Overlay(trip_id=number, closed_at=place, is_adjusted=True)
            fresh.append(overlays[number])
        else:
            briefing = briefing or Briefing(desk, cast(Any, overlays), StampQueue())
            briefed.hear(briefing.task(0, fresh))
            fresh.clear()
            assert briefed.instruments == house.instruments
            assert {each for each in briefed.hedging if each in desk.state.accounts} == set(house.hedging)
            for each in desk.state.accounts:
                assert briefed.currency_of(each) == house.currency_of(each)
            assert [briefed.quote_of(each) for each in SYMBOLS] == [house.quote_of(each) for each in SYMBOLS]
            assert [briefed.overlay_of(each) for each in range(10)] == [house.overlay_of(each) for each in range(10)]


def test_what_was_told_is_not_told_again():
    desk = cast(Any, SimpleNamespace(
        state=SimpleNamespace(accounts={1: an_account(1)}, instruments={"BTCUSD": "rules"}),
        quotes={"BTCUSD": a_quote()},
    ))  # fmt: skip
    briefing = Briefing(desk, cast(Any, Overlays({7: Overlay(trip_id=7)})), StampQueue())
    first = briefing.task(5, ())
    assert [len(part) for part in (first.quotes, first.instruments, first.accounts, first.overlays)] == [1, 1, 1, 1]
    assert briefing.task(6, ()) == BookkeepingTask(until=6, quotes=[], instruments=[], overlays=[])
