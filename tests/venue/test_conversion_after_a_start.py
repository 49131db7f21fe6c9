"""After a start a symbol may quote before the pair that converts it: what filled then could not be booked."""

import pytest

from tests.builders import INSTRUMENTS, an_account, an_instrument, free
from tests.journeys.stage import Stage
from tradehall.engine.engine import Engine
from tradehall.venue.loop import TradingLoop
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue


def started_anew(stage: Stage) -> Stage:
    """The same state under a new venue and loop that have heard no quote yet."""
    stage.quotes.clear()
    venue = SimulatedVenue(VenueSettings(), stage.state, stage.quotes)
    stage.loop = TradingLoop(Engine(stage.state), venue, stage.quotes, stage.records.append)
    stage.loop.rebuild()
    return stage


@pytest.mark.parametrize("kind", ["stop", "limit"])
def test_profit_in_yen_waits_for_the_dollars_quote(kind):
    stage = Stage(INSTRUMENTS["EURJPY"], INSTRUMENTS["USDJPY"])
    stage.quote("150.000", symbol="USDJPY")
    stage.quote("165.000", "165.001", symbol="EURJPY")
    stage.place(symbol="EURJPY", quantity="10000")
    if kind == "stop":
        order = stage.stop("SELL", "10000", "164.000", symbol="EURJPY", reduce_only=True)
    else:
        order = stage.limit("SELL", "10000", "166.000", symbol="EURJPY", reduce_only=True)
    started_anew(stage)
    for _ in range(2):
        stage.quote("163.501" if kind == "stop" else "166.501", symbol="EURJPY")
        assert stage.statuses(order) == ["OPEN"]
    stage.quote("150.000", symbol="USDJPY")
    stage.quote("163.501" if kind == "stop" else "166.501", symbol="EURJPY")
    assert stage.statuses(order) == ["FILLED"]
    assert stage.balance == ("9900.00" if kind == "stop" else "10066.60")


def test_a_commission_in_dollars_waits_for_them_too():
    stage = Stage(
        an_instrument("EURJPY", commission=free(fixed="1")), INSTRUMENTS["USDJPY"],
        account=an_account(currency="JPY"), deposit="1000000",
    )  # fmt: skip
    stage.quote("150.000", symbol="USDJPY")
    stage.quote("165.000", symbol="EURJPY")
    order = stage.limit("BUY", "1000", "164.000", symbol="EURJPY")
    started_anew(stage)
    stage.quote("163.000", symbol="EURJPY")
    assert stage.statuses(order) == ["OPEN"]
    stage.quote("150.000", symbol="USDJPY")
    stage.quote("163.000", symbol="EURJPY")
    assert stage.statuses(order) == ["FILLED"]
