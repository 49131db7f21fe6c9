"""Deployments at work: bars become signals, signals become orders; a house that dies anywhere goes on from there."""

from decimal import Decimal

import pytest

from tests.app.studio.world import BY, MIRA, UP, Past, opened, opens_on, run
from tradehall.app.deployments.carrying import Carrier
from tradehall.app.deployments.transitions import Action
from tradehall.app.deployments.wishes import DeploymentPatch
from tradehall.app.records.deployments import BudgetShare, DeploymentLimits, DeploymentState, Mode, SizeType, StopPolicy
from tradehall.app.studio.refusals import StudioRefused
from tradehall.domain.order import OrderRole
from tradehall.domain.strategy import TradingState
from tradehall.domain.time import NS_PER_HOUR, NS_PER_MINUTE
from tradehall.engine.commands import ClosePosition, SetBudget, SetTradingState
from tradehall.ports.deployments import SignalOutcome


class Died(BaseException):
    """The process was killed."""


class DyingCarrier(Carrier):
    """Dies before anything is sent, or right after."""

    def __init__(self, carrier: Carrier, *, after: bool) -> None:
        self.carrier, self.after = carrier, after

    def carry_out(self, signal, *, is_strict=True):
        if self.after:
            yield from self.carrier.carry_out(signal, is_strict=is_strict)
        raise Died


def test_a_rule_that_is_met_opens_once_and_the_next_one_closes(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            running = await world.deploy(await world.strategy(opens_on(UP)))
            await world.minute("1.0800", "1.0810")
            assert world.held(running) == {"EURUSD": Decimal(1_000)}
            await world.minute("1.0810", "1.0820")
            assert world.held(running) == {"EURUSD": Decimal(1_000)}
            await world.minute("1.0820", "1.0815")
            assert world.held(running) == {}
            assert [(each.action, each.outcome) for each in world.signals(running)] == [
                ("open_long", SignalOutcome.SENT), ("close_long", SignalOutcome.SENT),
            ]  # fmt: skip
            ledger = world.ledger(running)
            # Bought at the ask of 1.0811, sold at the bid of 1.0815.
            assert (ledger.entries, ledger.tally.wins, ledger.net_pnl) == (1, 1, Decimal("0.40"))

    run(journey())


def test_exits_of_an_entry_rest_in_the_engine(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            definition = opens_on(UP, stop_loss={"ticks": 500}, take_profit={"ticks": 1000})
            running = await world.deploy(await world.strategy(definition))
            await world.minute("1.0800", "1.0810")
            legs = [each for each in await world.orders() if each.role is not OrderRole.ENTRY]
            legs += list(world.rooms.desk.state.accounts[MIRA].orders.values())
            prices = {each.role: each.terms.stop_price or each.terms.limit_price for each in legs}
            assert prices == {OrderRole.STOP_LOSS: Decimal("1.07610"), OrderRole.TAKE_PROFIT: Decimal("1.09110")}
            await world.quote("1.0910", after_s=1)
            await world.quote("1.0912", after_s=1)
            assert world.held(running) == {}

    run(journey())


@pytest.mark.parametrize("after", [False, True], ids=["before it is sent", "after it was sent"])
def test_a_house_that_dies_around_an_order_makes_it_exactly_once(tmp_path, after):
    async def journey():
        async with opened(tmp_path) as world:
            running = await world.deploy(await world.strategy(opens_on(UP)))
            sender = world.rooms.runner.sender
            sender.carrier = DyingCarrier(sender.carrier, after=after)
            with pytest.raises(Died):
                await world.minute("1.0800", "1.0810")
            clock = world.clock
        async with opened(tmp_path, clock=clock) as world:
            await world.rooms.supervisor.seat_all()
            await world.quote("1.0811", after_s=1)
            await world.quote("1.0812", after_s=1)
            assert [each.terms.quantity for each in await world.orders()] == [Decimal(1_000)]
            assert world.units() == Decimal(1_000) == world.held(running)["EURUSD"]
            assert [each.outcome for each in world.signals(running)] == [SignalOutcome.SENT]

    run(journey())


def test_an_exit_that_was_missed_is_caught_up_and_an_entry_is_not(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            running = await world.deploy(await world.strategy(opens_on(UP)))
            await world.minute("1.0800", "1.0810")
            assert world.units() == Decimal(1_000)
            clock, gone_at = world.clock, world.clock.at - world.clock.at % NS_PER_MINUTE
        past = Past()
        # While nobody looked: down, which closes, and up again, which would open.
        past.add("1.0810", "1.0805", "1.0809", first_at=gone_at)
        clock.at = gone_at + 5 * NS_PER_MINUTE
        async with opened(tmp_path, clock=clock, past=past) as world:
            await world.quote("1.0809")
            await world.rooms.supervisor.seat_all()
            await world.settle()
            assert world.units() == 0
            assert world.held(running) == {}
            assert [each.action for each in world.signals(running)] == ["open_long", "close_long"]

    run(journey())


def test_bars_before_it_began_are_not_its_business(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            world.past.add("1.0800", "1.0810", first_at=world.clock.at - 2 * NS_PER_MINUTE)
            await world.quote("1.0810")
            running = await world.deploy(await world.strategy(opens_on(UP)))
            await world.quote("1.0810")
            assert list(world.signals(running)) == []

    run(journey())


def test_a_stop_flattens_what_the_deployment_opened_and_nothing_else(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            strategy = await world.strategy(opens_on(UP))
            one = await world.deploy(strategy)
            two = await world.deploy(strategy, size=Decimal(3_000))
            await world.minute("1.0800", "1.0810")
            assert world.units() == Decimal(4_000)
            await world.rooms.deployments.act(
                world.reach(MIRA), one.deployment_id, Action.STOP, by=BY, policy=StopPolicy.FLATTEN
            )
            await world.settle()
            assert world.deployment(one).state is DeploymentState.STOPPED
            assert (world.held(one), world.held(two)) == ({}, {"EURUSD": Decimal(3_000)})
            assert world.units() == Decimal(3_000)

    run(journey())


def test_a_restart_keeps_what_the_deployment_holds(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            running = await world.deploy(await world.strategy(opens_on(UP)))
            await world.minute("1.0800", "1.0810")
            act, reach = world.rooms.deployments.act, world.reach(MIRA)
            await act(reach, running.deployment_id, Action.STOP, by=BY, policy=StopPolicy.LEAVE)
            await world.minute("1.0810", "1.0800")
            assert world.held(running) == {"EURUSD": Decimal(1_000)}
            await act(reach, running.deployment_id, Action.RESTART, by=BY)
            await world.minute("1.0800", "1.0790")
            assert world.held(running) == {}

    run(journey())


def test_a_paused_deployment_does_nothing_and_goes_on_from_the_present(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            running = await world.deploy(await world.strategy(opens_on(UP)))
            act, reach = world.rooms.deployments.act, world.reach(MIRA)
            await act(reach, running.deployment_id, Action.PAUSE, by=BY)
            await world.minute("1.0800", "1.0810")
            await act(reach, running.deployment_id, Action.RESUME, by=BY)
            await world.settle()
            assert list(world.signals(running)) == []
            await world.minute("1.0810", "1.0820")
            assert world.held(running) == {"EURUSD": Decimal(1_000)}

    run(journey())


def test_who_only_wants_to_know_is_told_and_no_order_is_made(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            running = await world.deploy(await world.strategy(opens_on(UP)), mode=Mode.NOTIFY)
            for opened_at, close in (("1.0800", "1.0810"), ("1.0810", "1.0820"), ("1.0820", "1.0810")):
                await world.minute(opened_at, close)
            told = [(each.action, each.outcome) for each in world.signals(running)]
            assert told == [("open_long", SignalOutcome.NOTIFIED), ("close_long", SignalOutcome.NOTIFIED)]
            assert await world.orders() == []

    run(journey())


def test_shares_add_up_to_the_budget_and_keep_within_a_cap_that_somebody_set(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            strategy = await world.strategy(opens_on(UP))
            await world.deploy(strategy, budget=BudgetShare("USD", Decimal(600)))
            await world.deploy(strategy, budget=BudgetShare("USD", Decimal(400)))
            assert world.allocated(strategy) == Decimal(1_000)
            await world.rooms.desk.submit(SetBudget(MIRA, strategy.keygen, "USD", Decimal(1_200)))
            with pytest.raises(StudioRefused) as refused:
                await world.deploy(strategy, budget=BudgetShare("USD", Decimal(201)))
            assert (refused.value.code, refused.value.details["would_pass"]) == ("BUDGET_EXCEEDED", "200")
            await world.deploy(strategy, budget=BudgetShare("USD", Decimal(200)))
            assert world.allocated(strategy) == Decimal(1_200)

    run(journey())


def test_what_the_engine_refuses_is_told_with_its_reason(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            strategy = await world.strategy(opens_on(UP))
            running = await world.deploy(strategy, budget=BudgetShare("USD", Decimal(10)))
            await world.minute("1.0800", "1.0810")
            (signal,) = world.signals(running)
            assert signal.outcome is SignalOutcome.REFUSED
            assert "budget" in signal.reason.lower()

    run(journey())


def test_a_halted_strategy_says_so(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            strategy = await world.strategy(opens_on(UP))
            running = await world.deploy(strategy)
            halt = SetTradingState(MIRA, strategy.keygen, TradingState.HALTED, reason="lunch")
            await world.rooms.desk.submit(halt)
            await world.quote("1.0800")
            rooms = world.rooms
            (key,) = rooms.runner.seats.keys_of(running.deployment_id)
            program = rooms.runner.seats.hub.looking(key).program
            blocks = rooms.runner.decider.blocks(running, world.ledger(running), program, world.clock.at)
            assert "the strategy is halted: lunch" in blocks

    run(journey())


def test_limits_of_the_deployment_bar_what_opens(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            definition = {"rules": [{"when": UP, "do": [{"open": "long"}]}]}
            strategy = await world.strategy(definition)
            limits = DeploymentLimits(max_open_positions=1)
            running = await world.deploy(strategy, symbols=("EURUSD", "GBPUSD"), limits=limits)
            await world.minute("1.0800", "1.0810")
            await world.minute("1.2500", "1.2510", symbol="GBPUSD")
            assert world.held(running) == {"EURUSD": Decimal(1_000)}
            newest = world.rooms.runner.evaluations.of(running.deployment_id, 1)[0]
            assert newest.blocks == ("1 positions are open, its maximum is 1",)

    run(journey())


def test_when_its_time_is_over_it_closes_and_stops(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            ends_at = world.clock.at + NS_PER_HOUR
            running = await world.deploy(await world.strategy(opens_on(UP)), expires_at=ends_at)
            await world.minute("1.0800", "1.0810")
            assert world.units() == Decimal(1_000)
            world.clock.at = ends_at
            await world.quote("1.0810")
            await world.settle()
            over = world.deployment(running)
            assert (over.state, over.state_reason, world.units()) == (DeploymentState.STOPPED, "its time is over", 0)

    run(journey())


def test_percent_of_equity_is_worked_out_at_the_price_of_the_moment(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            strategy = await world.strategy(opens_on(UP))
            await world.deploy(strategy, size=Decimal(10), size_type=SizeType.PERCENT_EQUITY)
            await world.minute("1.0000", "1.2499")
            # 10 % of 100,000 at 1.25: 8,000, on the grid of 0.01 lot.
            assert world.units() == Decimal(8_000)

    run(journey())


def test_parameters_change_at_the_next_signal_and_symbols_only_while_it_is_stopped(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            running = await world.deploy(await world.strategy(opens_on(UP)))
            update, reach = world.rooms.deployments.update, world.reach(MIRA)
            await update(reach, running.deployment_id, DeploymentPatch(size=Decimal(2_000)), by=BY)
            await world.minute("1.0800", "1.0810")
            assert world.units() == Decimal(2_000)
            with pytest.raises(StudioRefused) as refused:
                await update(reach, running.deployment_id, DeploymentPatch(symbols=("GBPUSD",)), by=BY)
            assert refused.value.code == "DEPLOYMENT_ACTIVE"

    run(journey())


def test_what_a_hand_closes_is_taken_from_the_oldest_holding(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            strategy = await world.strategy(opens_on(UP))
            one, two = await world.deploy(strategy), await world.deploy(strategy)
            await world.minute("1.0800", "1.0810")
            (part,) = world.rooms.desk.state.accounts[MIRA].books[strategy.keygen].parts.values()
            by_hand = ClosePosition(MIRA, part.position_id, Decimal(1_500), strategy_id=strategy.keygen)
            await world.rooms.desk.submit(by_hand)
            assert (world.held(one), world.held(two)) == ({}, {"EURUSD": Decimal(500)})

    run(journey())


def two_symbols():
    """Buys when euros rose, and pounds did."""
    return {
        "inputs": {"pound": {"of": "close", "symbol": "GBPUSD"}, "before": {"of": "open", "symbol": "GBPUSD"}},
        "rules": [{"when": {"all": [UP, {"above": ["pound", "before"]}]}, "do": [{"open": "long"}]}],
    }


def test_a_bar_that_no_quote_closes_is_closed_by_the_clock_and_looked_at(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            running = await world.deploy(await world.strategy(opens_on(UP)))
            await world.quote("1.0800")
            await world.quote("1.0810", after_s=30)
            await world.wait(30)
            assert world.held(running) == {}  # Quotes may be under way.
            await world.wait(1)
            assert world.held(running) == {"EURUSD": Decimal(1_000)}

    run(journey())


def test_a_program_does_not_wait_past_its_patience_for_a_symbol_that_is_silent(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            for symbol, price in (("EURUSD", "1.0800"), ("GBPUSD", "1.2500")):
                await world.quote(price, symbol=symbol)
            running = await world.deploy(await world.strategy(two_symbols()))
            await world.quote("1.0810", after_s=20)
            await world.quote("1.2510", symbol="GBPUSD", after_s=1)
            await world.wait(39)
            await world.quote("1.0810", after_s=0.5)
            assert world.held(running) == {}  # Its own bar is over; the pound's is not yet, as far as anybody knows.
            await world.wait(1)
            assert world.held(running) == {"EURUSD": Decimal(1_000)}

    run(journey())


def test_a_deployment_that_begins_after_a_silent_bar_sees_that_bar_in_its_past(tmp_path):
    async def journey():
        async with opened(tmp_path) as world:
            await world.quote("1.0800")
            await world.quote("1.0810", after_s=30)
            await world.wait(31)
            rising = {"above": ["close", {"prev": ["close", 1]}]}
            running = await world.deploy(await world.strategy(opens_on(rising)))
            await world.quote("1.0820", after_s=5)
            await world.quote("1.0820", after_s=60)
            assert world.held(running) == {"EURUSD": Decimal(1_000)}

    run(journey())
