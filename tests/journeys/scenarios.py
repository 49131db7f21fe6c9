"""The journeys: each a function whose docstring is the sentence that its journal proves.

`python -m tools.record_journey` plays them and writes tests/journeys/*.jsonl. The asserts here say in plain words
what the journal says in full.
"""

from collections.abc import Callable
from decimal import Decimal

from tests.builders import INSTRUMENTS, an_account, an_instrument, an_order, free
from tests.journeys.stage import Stage
from tests.journeys.strategy_scenarios import STRATEGY_JOURNEYS
from tradehall.domain.account import MarginState
from tradehall.domain.order import OrderRole
from tradehall.domain.rejection import RejectCode
from tradehall.domain.time import from_rfc3339
from tradehall.engine import commands as cmd
from tradehall.venue.settings import Liquidity, VenueSettings

SL, TP = OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT


def bracket_to_take_profit() -> Stage:
    """A filled entry rests a stop loss and a take profit; the take profit fills at its price and takes the stop out."""
    stage = Stage(an_instrument(commission=free(taker_rate="0.00002", maker_rate="0.00001")))
    stage.quote("1.10000")
    stage.place(quantity="10000", stop_loss="1.09500", take_profit="1.11000", client_order_id="swing")
    assert stage.working() == [("STOP_LOSS", "10000"), ("TAKE_PROFIT", "10000")]
    stage.quote("1.10500")
    stage.quote("1.11020")
    assert stage.working() == [] and not stage.account.positions
    assert stage.balance == "10099.57"  # 0.00999 x 10,000 = 99.90, less 0.22 for taking and 0.11 for making.
    return stage


def stop_loss_over_a_gap() -> Stage:
    """A stop loss that the market jumps over fills where the market is, not where the stop was."""
    stage = Stage()
    stage.quote("1.10000")
    stage.place(quantity="10000", stop_loss="1.09500", take_profit="1.11000")
    stage.quote("1.08000")
    assert stage.working() == []
    assert stage.balance == "9799.90"  # 1.08000 - 1.10001, on 10,000.
    return stage


def partial_fills_with_legs() -> Stage:
    """An entry that fills in parts is covered part by part, under numbered client ids; one stop closes them all."""
    stage = Stage(settings=VenueSettings(liquidity=Liquidity.DISPLAYED))
    stage.quote("1.10000", size="3000")
    stage.limit("BUY", "10000", "1.10010", stop_loss="1.09000", client_order_id="parts")
    stage.quote("1.10000", size="5000")
    stage.quote("1.10000", size="5000")
    names = [order.terms.client_order_id for order in stage.account.orders.values()]
    assert names == ["parts-sl", "parts-sl-1", "parts-sl-2"]
    stage.quote("1.08900", size="50000")
    assert stage.working() == [] and not stage.account.positions
    return stage


def one_cancels_the_other() -> Stage:
    """Of a limit below and a stop above in one OCO group, the one that fills first cancels the other."""
    stage = Stage()
    stage.quote("1.10000")
    below = stage.limit("BUY", "10000", "1.09000", oco_group_id="breakout")
    above = stage.stop("BUY", "10000", "1.11000", oco_group_id="breakout")
    stage.quote("1.11000", "1.11010")
    assert stage.statuses(below, above) == ["CANCELLED", "FILLED"]
    return stage


def netting_flip() -> Stage:
    """On a netting account an opposite order first closes, then opens the rest the other way under its own number."""
    stage = Stage()
    stage.quote("1.10000")
    stage.place(quantity="10000", stop_loss="1.09000")
    stage.quote("1.10500")
    flip = stage.place(side="SELL", quantity="25000", stop_loss="1.11500")
    assert (stage.position.position_id, stage.position.side, stage.position.quantity) == (flip.order_id, "SHORT", 15000)
    assert stage.working() == [("STOP_LOSS", "15000")]
    return stage


def hedging_partial_closes() -> Stage:
    """On a hedging account each entry is a ticket of its own, closed in parts by its number, its legs shrinking with it."""
    stage = Stage(account=an_account(position_mode="HEDGING"))
    stage.quote("1.10000")
    first = stage.place(quantity="10000", stop_loss="1.09000", take_profit="1.12000")
    second = stage.place(side="SELL", quantity="4000")
    assert len(stage.account.positions) == 2
    stage.quote("1.10400")
    ticket = stage.account.positions[first.order_id]
    stage.close(ticket, quantity="3000")
    stage.close(ticket, quantity="2000", limit_price="1.10600")
    stage.quote("1.10610")
    assert stage.account.positions[first.order_id].quantity == 5000
    assert stage.working() == [("STOP_LOSS", "5000"), ("TAKE_PROFIT", "5000")]
    stage.close(stage.account.positions[second.order_id])
    stage.do(cmd.CloseAllPositions(first.terms.account_id))
    assert not stage.account.positions and stage.working() == []
    return stage


def trailing_stop() -> Stage:
    """A trailing stop follows the best price up, stays where it is on the way down, and sells when it is met."""
    stage = Stage()
    stage.quote("1.10000")
    stage.place(quantity="10000")
    trail = stage.place(type="TRAILING_STOP", side="SELL", quantity="10000", trailing_distance="0.00500",
                        trailing_type="ABSOLUTE", reduce_only=True)  # fmt: skip
    for bid in ("1.10300", "1.11000", "1.10700", "1.10501"):
        stage.quote(bid)
    assert stage.statuses(trail) == ["OPEN"]
    stage.quote("1.10500")
    assert stage.statuses(trail) == ["FILLED"]
    assert stage.balance == "10049.90"
    return stage


def margin_call_and_stop_out() -> Stage:
    """As equity falls an account is called, then working orders that hold margin go, then the worst position."""
    stage = Stage(an_instrument(), INSTRUMENTS["GBPUSD"], deposit="1500")
    stage.quote("1.10000")
    stage.quote("1.25000", symbol="GBPUSD")
    stage.place(quantity="15000")
    stage.place(symbol="GBPUSD", quantity="5000")
    resting = stage.limit("BUY", "1000", "1.00000")
    stage.quote("1.08000")
    stage.quote("1.03900")
    assert stage.statuses(resting) == ["CANCELLED"]
    stage.quote("1.02000")
    assert [position.symbol for position in stage.account.positions.values()] == ["GBPUSD"]
    assert stage.told().count("MarginStateChanged") >= 2
    return stage


def an_order_calls_its_account() -> Stage:
    """What a resting order holds calls its account in the same input, and calls it off when the order goes."""
    stage = Stage(deposit="1000")
    stage.quote("1.10000", "1.10000")
    stage.place(quantity="10000")
    resting = stage.limit("BUY", "9000", "1.00000")  # 550 and 450 of 1,000 are used.
    called = stage.account.margin_state
    stage.cancel(resting)
    assert (called, stage.account.margin_state) == (MarginState.CALLED, MarginState.NORMAL)
    assert stage.told()[-4:] == ["OrderAccepted", "MarginStateChanged", "OrderCancelled", "MarginStateChanged"]
    return stage


def day_order_expires() -> Stage:
    """A DAY order of a market with sessions expires at the end of the session; one given after it lives through the next."""
    new_york = tuple((day * 1440 + 870, day * 1440 + 1260) for day in range(5))
    stage = Stage(an_instrument(sessions=new_york))
    stage.wait_until("2025-01-14T15:00:00Z")
    stage.quote("1.10000")
    today = stage.limit("BUY", "1000", "1.00000", time_in_force="DAY")
    until = stage.limit("BUY", "1000", "1.00000", time_in_force="GTD", expires_at=from_rfc3339("2025-01-14T18:00:00Z"))
    stage.wait_until("2025-01-14T20:00:00Z")
    assert stage.statuses(today, until) == ["OPEN", "EXPIRED"]
    stage.wait_until("2025-01-14T21:30:00Z")
    tomorrow = stage.limit("BUY", "1000", "1.00000", time_in_force="DAY")
    stage.wait_until("2025-01-15T20:00:00Z")
    assert stage.statuses(today, tomorrow) == ["EXPIRED", "OPEN"]
    stage.wait_until("2025-01-15T21:00:01Z")
    assert stage.statuses(tomorrow) == ["EXPIRED"]
    return stage


def swap_over_a_week() -> Stage:
    """A position pays its swap at 22:00 UTC: threefold on Wednesday, nothing at the weekend."""
    stage = Stage(an_instrument(swap_long="-0.00006", swap_short="0.00002"))
    stage.quote("1.10000")
    stage.place(quantity="10000")
    stage.wait_until("2025-01-21T12:00:00Z")
    assert stage.position.swap == Decimal("-4.20")  # Seven nights of 0.60.
    return stage


def isolated_liquidation() -> Stage:
    """A position on isolated margin goes when its own margin is half eaten; the rest of the account stays."""
    stage = Stage(an_instrument(), INSTRUMENTS["GBPUSD"], account=an_account(position_mode="HEDGING"))
    stage.quote("1.10000")
    stage.quote("1.25000", symbol="GBPUSD")
    stage.place(quantity="10000", margin_mode="ISOLATED", leverage="50")
    stage.place(symbol="GBPUSD", quantity="10000")
    stage.quote("1.09000")
    assert [position.symbol for position in stage.account.positions.values()] == ["EURUSD", "GBPUSD"]
    stage.quote("1.08890")
    assert [position.symbol for position in stage.account.positions.values()] == ["GBPUSD"]
    return stage


def the_same_again() -> Stage:
    """A repeated client order id changes nothing, even after the order has ended; another wish under it is refused."""
    stage = Stage()
    stage.quote("1.10000")
    stage.place(quantity="1000", client_order_id="once", digest="a")
    known = len(stage.records)
    assert stage.do(cmd.PlaceOrder(an_order(quantity="1000", client_order_id="once"), "a")) is None
    assert len(stage.records) == known
    stage.do(cmd.PlaceOrder(an_order(quantity="2000", client_order_id="once"), "b"))
    assert [rejection.code for rejection in stage.refusals()] == [RejectCode.IDEMPOTENCY_MISMATCH]
    assert stage.position.quantity == 1000
    return stage


def refusals_with_their_numbers() -> Stage:
    """A refusal by form makes no order; one by the rules is a rejected order; both say what would have passed."""
    stage = Stage(an_instrument(quantity_min="1000", quantity_step="1000", enforces_tick=True), deposit="1000")
    stage.quote("1.10000")
    stage.do(cmd.PlaceOrder(an_order(type="LIMIT")))
    for wish in (
        {"quantity": "500"}, {"quantity": "1500"}, {"stop_loss": "1.000001"}, {"quantity": "30000"}, {"reduce_only": True},
    ):  # fmt: skip
        stage.place(**wish)
    codes = [rejection.code for rejection in stage.refusals()]
    assert codes == [
        "PRICE_MISSING", "QUANTITY_BELOW_MIN", "QUANTITY_STEP", "PRICE_OFF_TICK", "MARGIN_INSUFFICIENT", "REDUCE_ONLY_NOTHING_TO_REDUCE",
    ]  # fmt: skip
    assert stage.refusals()[4].numbers["would_pass"] == 18000
    return stage


def amended_and_cancelled() -> Stage:
    """An order amended in place keeps its number and holds what it needs now; refused amendments leave it as it was."""
    stage = Stage(deposit="1000")
    stage.quote("1.10000")
    order = stage.limit("BUY", "10000", "1.00000")
    stage.amend(order, quantity="8000")
    stage.amend(order, limit_price="1.05000", stop_loss="1.01000")
    stage.amend(order, quantity="800000")
    assert (order.terms.quantity, order.margin_held) == (8000, 420)
    stage.amend(order, limit_price="1.10010")
    assert stage.statuses(order) == ["FILLED"]
    stage.amend(order, stop_loss="1.02000")
    assert stage.leg(SL).terms.stop_price == Decimal("1.02000")
    stage.cancel(order)
    stage.cancel(stage.leg(SL))
    assert stage.working() == []
    return stage


def profit_in_another_currency() -> Stage:
    """What is earned in yen is booked in dollars at the mid of USDJPY in the moment of the fill, as is its commission."""
    stage = Stage(an_instrument("EURJPY", commission=free(taker_rate="0.00002")), INSTRUMENTS["USDJPY"])
    stage.quote("150.000", symbol="USDJPY")
    stage.quote("165.000", symbol="EURJPY")
    stage.place(symbol="EURJPY", quantity="10000")
    stage.quote("140.000", symbol="USDJPY")
    stage.quote("166.001", symbol="EURJPY")
    stage.close(stage.position)
    assert stage.balance == "10070.97"  # 10,000 JPY at 140.0005 = 71.43, less 0.22 and 0.24.
    return stage


JOURNEYS: tuple[Callable[[], Stage], ...] = (
    bracket_to_take_profit,
    stop_loss_over_a_gap,
    partial_fills_with_legs,
    one_cancels_the_other,
    netting_flip,
    hedging_partial_closes,
    trailing_stop,
    margin_call_and_stop_out,
    an_order_calls_its_account,
    day_order_expires,
    swap_over_a_week,
    isolated_liquidation,
    the_same_again,
    refusals_with_their_numbers,
    amended_and_cancelled,
    profit_in_another_currency,
    *STRATEGY_JOURNEYS,
)
