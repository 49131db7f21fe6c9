"""What a deployment dealt beside what its program would have: the same, or a difference with its cause."""

from decimal import Decimal

import pytest

from tests.app.shard import ACCOUNT, START
from tradehall.app.backtests.deals import SENT_WITHIN_NS, Deals, compared
from tradehall.backtests.parity.divergence import Difference
from tradehall.domain.fill import Fill
from tradehall.domain.order import OrderRole, OrderTerms, OrderType, Side
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.domain.time import NS_PER_MS
from tradehall.engine.commands import Tick
from tradehall.engine.events import OrderAccepted, OrderFilled, OrderRejected
from tradehall.engine.record import Record
from tradehall.ports.deployments import Signal, SignalOutcome

NAME = "dep1-AAPL-1700000000:0.0"


def the_deals(*events, at=START):
    deals = Deals(1)
    for seq, event in enumerate(events, 1):
        deals.take(Record(seq, at, Tick(), (event,)))
    return deals


def terms(name=NAME, quantity="10"):
    return OrderTerms(ACCOUNT, "AAPL", Side.BUY, OrderType.MARKET, Decimal(quantity), client_order_id=name)


def accepted(order_id=1, **changes):
    return OrderAccepted(order_id, terms(**changes))


def filled(order_id=1, price="150", quantity="10", fee="0"):
    return OrderFilled(
        Fill(order_id, order_id, ACCOUNT, "AAPL", Side.BUY, Decimal(quantity), Decimal(price), START, Decimal(fee))
    )


def refused():
    return OrderRejected(1, terms(), Rejection(RejectCode.BUDGET_UNPRICED, "its budget is used up"))


def a_signal(outcome, reason=""):
    return Signal(
        deployment_id=1, keygen="k", account_id=ACCOUNT, symbol="AAPL", bar_at=START, at=START, rule=0,
        action="open_long", price=Decimal(150), client_order_id=NAME, outcome=outcome, reason=reason,
    )  # fmt: skip


def test_the_same_orders_and_fills_are_the_same_however_late_they_came():
    found = compared(
        the_deals(accepted(7), filled(7), at=START + 30 * NS_PER_MS), the_deals(accepted(1), filled(1)), [], [], []
    )
    assert (found.orders, found.fills, found.differences) == (1, 1, [])
    assert found.latency_ns == [30 * NS_PER_MS]
    assert "30.0 ms" in found.latency_sentence


@pytest.mark.parametrize(("what", "session", "program", "difference", "cause"), [
    # what differs           the session                              the program                                 told as                       because
    ("the price",            (accepted(), filled()),                  (accepted(), filled(price="151")),          Difference.OTHER_PRICE,       "met another market"),
    ("the fee",              (accepted(), filled()),                  (accepted(), filled(fee="1")),              Difference.OTHER_FEE,         "met another market"),
    ("the size",             (accepted(),),                           (accepted(quantity="11"),),                 Difference.OTHER_QUANTITY,    "met another market"),
    ("a fill less",          (accepted(),),                           (accepted(), filled()),                     Difference.EXTRA_FILL,        "met another market"),
    ("a fill more",          (accepted(), filled()),                  (accepted(),),                              Difference.MISSING_FILL,      "met another market"),
    ("a budget's refusal",   (refused(),),                            (accepted(), filled()),                     Difference.MISSING_REJECTION, "its budget is used up"),
    ("an order more",        (accepted(),),                           (),                                         Difference.MISSING_ORDER,     "does not signal there"),
    ("an order less",        (),                                      (accepted(),),                              Difference.EXTRA_ORDER,       "did not signal there"),
])  # fmt: skip
def test_each_difference_has_its_class_and_cause(what, session, program, difference, cause):
    (found,) = compared(the_deals(*session), the_deals(*program), [], [], []).differences
    assert found.difference is difference, what
    assert cause in found.cause


@pytest.mark.parametrize(("outcome", "reason", "cause"), [
    (SignalOutcome.MISSED, "the bar closed while the house was away", "late bar: the bar closed while the house was away"),
    (SignalOutcome.REFUSED, "its budget is used up", "it was refused: its budget is used up"),
    (SignalOutcome.IDLE, "", "it was idle"),
])  # fmt: skip
def test_an_order_that_was_signalled_and_not_made_says_what_became_of_the_signal(outcome, reason, cause):
    (found,) = compared(the_deals(), the_deals(accepted()), [a_signal(outcome, reason)], [], []).differences
    assert found.cause == cause


def test_closings_and_exits_find_the_signal_they_came_of():
    closing = accepted(name=f"{NAME}.0.rest")
    (found,) = compared(the_deals(), the_deals(closing), [a_signal(SignalOutcome.MISSED, "late")], [], []).differences
    assert found.cause == "late bar: late"


def test_exits_go_by_the_name_of_their_entry():
    exit_leg = OrderAccepted(2, terms(name=None), role=OrderRole.STOP_LOSS, parent_order_id=1)
    deals = the_deals(accepted(), exit_leg, filled(2))
    assert list(deals.by_name) == [NAME, f"{NAME} STOP_LOSS"]
    assert len(deals.by_name[f"{NAME} STOP_LOSS"].fills) == 1


def test_what_is_wished_shortly_before_the_end_is_not_missed():
    program = the_deals(accepted())
    assert compared(the_deals(), program, [], [], [START + SENT_WITHIN_NS]).differences == []
    assert len(compared(the_deals(), program, [], [], [START + SENT_WITHIN_NS + 1]).differences) == 1


def test_orders_of_others_are_none_of_its_business():
    assert the_deals(accepted(name="dep2-AAPL-1:0.0"), accepted(name=None), filled()).by_name == {}
