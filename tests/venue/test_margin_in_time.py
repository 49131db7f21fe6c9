"""The margin call comes with what causes it: behind every input each account is in the state that its level says."""

from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venue.floor import BUY, LIMIT, MARKET, SELL, STOP, TradingFloor, order_terms
from tradehall.domain.account import AccountTerms, MarginState, PositionMode
from tradehall.domain.money import ZERO
from tradehall.domain.order import MarginMode, OrderRole, TimeInForce
from tradehall.domain.strategy import StrategyLimits
from tradehall.domain.time import NS_PER_DAY, NS_PER_MS, NS_PER_SECOND
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.engine import Engine
from tradehall.engine.handlers.check_margin import isolated_is_broken, margin_state
from tradehall.engine.record import Record, encode_record
from tradehall.engine.replay import redecide
from tradehall.engine.valuation import isolated_positions, value_cross
from tradehall.venue.loop import TradingLoop

POOR = 7
NORMAL, CALLED, STOPPED_OUT = MarginState.NORMAL, MarginState.CALLED, MarginState.STOPPED_OUT


def a_floor(*, stop_out: str = "50", **options: Any) -> TradingFloor:
    """Account 7 has 600: at leverage 20, ten units of 100 need 50. It is called at 200 % of used margin."""
    floor = TradingFloor(**options)
    levels = dict(margin_call_level=Decimal(200), stop_out_level=Decimal(stop_out))
    floor.submit(cmd.OpenAccount(msgspec.structs.replace(AccountTerms(POOR), **levels), Decimal(600)))
    floor.quote("100.00", "100.02")
    return floor


def state_of(floor: TradingFloor) -> MarginState:
    return floor.state.accounts[POOR].margin_state


def own_kinds(floor: TradingFloor, since: int) -> list[str]:
    return [type(record.command).__name__ for record in floor.records[since:]]


# Each thing that can lift or lower what is used, and the input that tells it.


def test_a_resting_order_that_lifts_used_margin_past_the_level_calls_at_once():
    floor = a_floor()
    floor.place(BUY, LIMIT, "60", limit_price="90", account_id=POOR)
    assert state_of(floor) is NORMAL  # 270 of 600 are held.
    before = len(floor.records)
    floor.place(BUY, LIMIT, "20", limit_price="90", account_id=POOR)
    assert state_of(floor) is CALLED  # 360.
    assert own_kinds(floor, before) == ["PlaceOrder", "CheckMargin"]


def test_an_order_that_goes_calls_off_at_once():
    floor = a_floor()
    order_id = floor.place(BUY, LIMIT, "80", limit_price="90", account_id=POOR)
    assert state_of(floor) is CALLED
    floor.submit(cmd.CancelOrder(POOR, order_id))
    assert state_of(floor) is NORMAL


def test_an_amendment_calls_and_calls_off():
    floor = a_floor()
    order_id = floor.place(BUY, LIMIT, "60", limit_price="90", account_id=POOR)
    floor.submit(cmd.AmendOrder(POOR, order_id, quantity=Decimal(80)))
    assert state_of(floor) is CALLED
    floor.submit(cmd.AmendOrder(POOR, order_id, limit_price=Decimal(70)))
    assert state_of(floor) is NORMAL


def test_an_order_that_expires_calls_off_when_it_expires():
    floor = a_floor()
    until = floor.now + NS_PER_SECOND
    floor.place(BUY, LIMIT, "80", limit_price="90", account_id=POOR, time_in_force=TimeInForce.GTD, expires_at=until)
    assert state_of(floor) is CALLED
    floor.wait(NS_PER_SECOND)
    assert state_of(floor) is NORMAL


def test_a_fill_calls_without_another_quote():
    floor = a_floor()
    floor.place(quantity="70", account_id=POOR)
    assert state_of(floor) is CALLED


def test_money_that_leaves_calls_and_money_that_comes_calls_off():
    floor = a_floor()
    floor.place(quantity="30", account_id=POOR)
    floor.submit(cmd.MoveFunds(POOR, Decimal(-350)))
    assert state_of(floor) is CALLED
    floor.submit(cmd.MoveFunds(POOR, Decimal(350)))
    assert state_of(floor) is NORMAL


def test_on_a_slow_venue_the_order_calls_while_it_is_on_its_way():
    floor = a_floor(latency_ns=100 * NS_PER_MS)
    floor.place(quantity="70", account_id=POOR)
    assert state_of(floor) is CALLED
    assert floor.state.accounts[POOR].positions == {}


def test_what_is_filled_at_once_is_looked_at_when_it_is_filled():
    """A netting account that turns around holds margin for a moment, between two decisions of one input."""
    floor = a_floor()
    floor.place(quantity="50", account_id=POOR)
    floor.place(SELL, quantity="100", account_id=POOR)
    assert not [event for event in floor.events if isinstance(event, ev.MarginStateChanged)]


def test_a_fill_that_reaches_the_stop_out_is_closed_in_the_same_input():
    floor = a_floor(stop_out="150")
    floor.place(quantity="80", account_id=POOR)
    assert floor.fills() == ["80@100.02", "80@100"]
    assert (floor.state.accounts[POOR].positions, state_of(floor)) == ({}, NORMAL)


def test_after_a_start_nobody_is_called_before_the_quotes_have_come():
    floor = a_floor()
    floor.place(quantity="60", account_id=POOR)
    order_id = floor.place(BUY, LIMIT, "1", limit_price="50", account_id=POOR)
    floor.quote("98.00", "98.02")
    assert state_of(floor) is CALLED
    floor.quotes.clear()
    floor.restart()
    floor.submit(cmd.CancelOrder(POOR, order_id))
    assert state_of(floor) is CALLED  # Flat in profit it would be normal.
    floor.quote("100.50", "100.52")
    assert state_of(floor) is NORMAL


def test_what_an_older_rule_left_is_made_good_with_the_first_input_after_a_start():
    floor = a_floor()
    floor.place(BUY, LIMIT, "80", limit_price="90", account_id=POOR)
    floor.state.accounts[POOR].margin_state = NORMAL  # The older rule looked at accounts with positions only.
    floor.restart()
    floor.quote("100.00", "100.02")
    assert state_of(floor) is CALLED


def test_a_journal_of_the_older_rule_is_decided_again_without_a_difference():
    """There the call came with the next quote: a later record, whose events are the same today."""
    floor = a_floor()
    floor.place(BUY, LIMIT, "80", limit_price="90", account_id=POOR)
    floor.quote("100.50", "100.52")
    *before, call = floor.records
    assert isinstance(call.command, cmd.CheckMargin)
    later = Record(call.seq, call.now + NS_PER_SECOND, call.command, call.events, call.quotes)
    assert [found for found in redecide([*before, later]) if found is not None] == []


# Losses of strategies are looked at by the same rule.


def a_strategy_floor(**limits: Any) -> TradingFloor:
    floor = a_floor()
    floor.submit(cmd.RegisterStrategy(POOR, "mine"))
    floor.submit(cmd.SetStrategyLimits(POOR, "mine", StrategyLimits(**limits)))
    return floor


def trading_state(floor: TradingFloor) -> str:
    return str(floor.state.accounts[POOR].books["mine"].trading_state)


def test_the_fill_that_takes_a_strategy_to_its_loss_halts_it():
    floor = a_strategy_floor(loss_max=Decimal(1))
    floor.place(quantity="40", account_id=POOR, strategy_id="mine")
    assert trading_state(floor) == "NORMAL"  # 40 x 0.02 below what was paid.
    floor.place(quantity="10", account_id=POOR, strategy_id="mine")
    assert trading_state(floor) == "HALTED"


def test_a_new_day_takes_yesterdays_profits_from_the_daily_loss_when_it_begins():
    floor = a_strategy_floor(daily_loss_max=Decimal(20))
    floor.place(quantity="20", account_id=POOR, strategy_id="mine")
    floor.quote("102.00", "102.02")
    floor.place(SELL, quantity="20", account_id=POOR, strategy_id="mine")  # 39.60 are won.
    floor.place(quantity="20", account_id=POOR, strategy_id="mine")
    floor.quote("100.80", "100.82")  # 24.40 are floating.
    assert trading_state(floor) == "NORMAL"
    midnight = (floor.now // NS_PER_DAY + 1) * NS_PER_DAY
    assert floor.loop.next_deadline() == midnight
    floor.wait(midnight - floor.now)
    assert trading_state(floor) == "HALTED"


# Any sequence of inputs.


class Crowd:
    """Poor accounts that do whatever the dice say; behind each record and each input the sums are checked."""

    ACCOUNTS = (7, 8, 9)

    def __init__(self, seed: int, options: dict[str, Any], kind: type[TradingFloor] = TradingFloor) -> None:
        self.dice = Random(seed)
        self.floor = kind(**options)
        for number in self.ACCOUNTS:
            mode = self.dice.choice(list(PositionMode))
            terms = AccountTerms(number, leverage=Decimal(20), position_mode=mode, margin_call_level=Decimal(130))
            self.floor.submit(cmd.OpenAccount(terms, Decimal(self.dice.randint(200, 900))))
        self.price = 10_000
        self.move(0)

    def step(self) -> None:
        floor, dice = self.floor, self.dice
        number = dice.choice(self.ACCOUNTS)
        account = floor.state.accounts[number]
        roll = dice.random()
        if roll < 0.35:
            self.order(number)
        elif roll < 0.45 and account.orders:
            floor.submit(cmd.CancelOrder(number, dice.choice(sorted(account.orders))))
        elif roll < 0.55 and account.orders:
            quantity = Decimal(dice.randint(1, 90))
            floor.submit(cmd.AmendOrder(number, dice.choice(sorted(account.orders)), quantity=quantity))
        elif roll < 0.6 and account.positions:
            floor.submit(cmd.ClosePosition(number, dice.choice(sorted(account.positions))))
        elif roll < 0.65:
            floor.submit(cmd.MoveFunds(number, Decimal(dice.choice([150, -100]))))
        elif roll < 0.7:
            floor.wait(dice.randint(1, 900) * NS_PER_MS)
        else:
            self.move(dice.choice([3, 30, 300]))

    def order(self, number: int) -> None:
        dice = self.dice
        price = f"{(self.price + dice.randint(-300, 300)) / 100:.2f}"
        kind = dice.choice([MARKET, LIMIT, LIMIT, STOP])
        options: dict[str, Any] = {"limit_price": price} if kind is LIMIT else {"stop_price": price}
        if kind is MARKET:
            options = {"stop_loss": price} if dice.random() < 0.2 else {}
        if dice.random() < 0.2:
            options["margin_mode"] = MarginMode.ISOLATED
        if kind is LIMIT and dice.random() < 0.2:
            options |= {
                "time_in_force": TimeInForce.GTD,
                "expires_at": self.floor.now + dice.randint(1, 2_000) * NS_PER_MS,
            }
        terms = order_terms(dice.choice([BUY, SELL]), kind, str(dice.randint(1, 90)), account_id=number, **options)
        self.floor.submit(cmd.PlaceOrder(terms))

    def move(self, size: int) -> None:
        self.price = max(1_000, self.price + self.dice.randint(-size, size))
        self.floor.quote(f"{self.price / 100:.2f}", f"{(self.price + self.dice.randint(1, 5)) / 100:.2f}", "70")


class AuditedFloor(TradingFloor):
    """Adds up every account's margin behind each record."""

    def start_loop(self) -> None:
        super().start_loop()
        self.loop = TradingLoop(Engine(self.state), self.venue, self.quotes, self.audit)

    def audit(self, record: Record) -> None:
        self.records.append(record)
        for account in self.state.accounts.values():
            assert account.margin_used == sum((one.margin for one in account.positions.values()), ZERO)
            assert account.margin_held == sum((order.margin_held for order in account.orders.values()), ZERO)


def assert_nobody_has_to_be_called(floor: TradingFloor) -> None:
    """By looking at every account: its state is what its level says, and nothing broken is left to be closed."""
    quote_of = floor.quotes.get
    for account in floor.state.accounts.values():
        assert account.margin_state is margin_state(account, value_cross(floor.state, account, quote_of))
        for position in isolated_positions(account):
            if isolated_is_broken(floor.state, account, position, quote_of):
                going = floor.state.bound_orders(position)
                assert any(order.role is OrderRole.LIQUIDATION for order in going)


CROWDS = dict(
    seed=st.integers(0, 2**32),
    options=st.sampled_from(
        [{}, {"latency_ns": 100 * NS_PER_MS}, {"liquidity": "displayed"}, {"partial_fill_ratio": Decimal("0.5")}]
    ),
)


@settings(max_examples=60, deadline=None)
@given(**CROWDS)
def test_no_call_is_later_than_the_input_that_crosses_the_level(seed, options):
    crowd = Crowd(seed, options)
    for _ in range(120):
        crowd.step()
        assert_nobody_has_to_be_called(crowd.floor)


@settings(max_examples=30, deadline=None)
@given(**CROWDS)
def test_behind_every_record_used_margin_is_what_positions_and_orders_hold(seed, options):
    crowd = Crowd(seed, options, AuditedFloor)
    for _ in range(120):
        crowd.step()
    assert len(crowd.floor.records) > 20


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_restart_changes_nobodys_call(seed):
    """What is looked at may depend on what was looked at before; who is called, and in which order, may not."""
    one, other = Crowd(seed, {}), Crowd(seed, {})
    for step in range(120):
        one.step()
        other.step()
        if step % 7 == 0 and not other.floor.state.orders:
            other.floor.restart()
    assert [encode_record(record) for record in one.floor.records] == [
        encode_record(record) for record in other.floor.records
    ]


def test_such_crowds_are_called_and_liquidated():
    """Otherwise the properties above would prove little."""
    states = set()
    for seed in range(5):
        crowd = Crowd(seed, {})
        for _ in range(120):
            crowd.step()
        states |= {event.state for event in crowd.floor.events if isinstance(event, ev.MarginStateChanged)}
    assert states == {NORMAL, CALLED, STOPPED_OUT}
