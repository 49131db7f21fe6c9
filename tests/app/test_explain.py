"""Explain: whatever becomes of an order, the journal tells its life, and today's rules decide it again."""

import asyncio
from itertools import product

import pytest

from tests.app.shard import OwnClock, a_desk
from tests.builders import MINE, World, a_limit, a_stop, an_account, an_order
from tests.engine.chaos_of_strategies import StrategyChaos
from tradehall.adapters.memory import MemoryStore
from tradehall.app.explain import Explainer, history
from tradehall.app.past import Past
from tradehall.app.projections import VIEWS_VERSION, project
from tradehall.app.snapshots import Snapshots
from tradehall.domain.order import OrderRole
from tradehall.domain.time import NS_PER_HOUR
from tradehall.engine import commands as cmd
from tradehall.engine.record import encode_record
from tradehall.engine.replay import fold
from tradehall.engine.state import State
from tradehall.ports.journal import MENTION
from tradehall.ports.views import HistoryQuery, ViewRows


class NoBars:
    """Nothing is known of past prices."""

    async def bars(self, window):
        return []


class Told:
    """The journal of a world, and what is explained from it."""

    def __init__(self, world, folder, snapshots_at=()):
        self.store, state, snapshots = MemoryStore(VIEWS_VERSION), State(), Snapshots(folder)
        for record in world.records:
            rows = ViewRows()
            fold(state, record)
            project(record, state, rows)
            self.store.journal.append([encode_record(record)], rows)
            if record.seq in snapshots_at:
                snapshots.write(state, self.store.journal.head)
        self.desk = a_desk(self.store, clock=OwnClock(world.now), snapshots=snapshots)
        self.explainer = Explainer(
            self.desk, Past(self.store.journal, snapshots, NoBars(), OwnClock(world.now)), snapshots
        )

    def orders(self):
        ended = [self.store.views.order(number) for number in self.store.view_store.tables["orders"]]
        return [*ended, *self.desk.state.orders.values()]

    def explain(self, order):
        order = self.desk.state.order(order.order_id) or self.store.views.order(order.order_id)
        return asyncio.run(self.explainer.explain(order))

    def ledger(self, order):
        entries = asyncio.run(self.store.views.ledger(HistoryQuery(order.terms.account_id, limit=10_000)))
        return sorted(
            (entry.at, str(entry.amount), str(entry.balance)) for entry in entries if entry.order_id == order.order_id
        )


def kinds(found):
    return [step.kind for step in found.steps]


def said(found, kind):
    return [step.text for step in found.steps if step.kind == kind]


@pytest.mark.parametrize(("seed", "mode"), list(product(range(5), ("NETTING", "HEDGING"))))
def test_every_order_of_any_history_is_explained_and_decided_the_same_again(seed, mode, tmp_path):
    chaos = StrategyChaos(seed, mode)
    for _ in range(250):
        chaos.step()
    middle = len(chaos.world.records) // 2
    told = Told(chaos.world, tmp_path, snapshots_at={middle})
    orders = told.orders()
    assert len(orders) > 30
    for order in orders:
        found = told.explain(order)
        where = f"{seed=} {mode=} order {order.order_id}: {found.steps}"
        assert (found.order_id, found.outcome) == (order.order_id, order.status), where
        assert found.redecided.same and found.redecided.decided and not found.redecided.left_out, found.redecided
        assert [step.seq for step in found.steps] == sorted(step.seq for step in found.steps), where
        booked = [step for step in found.steps if step.kind == "ledger"]
        assert sorted((step.at, step.data["amount"], step.data["balance"]) for step in booked) == told.ledger(order), (
            where
        )
        assert kinds(found).count("filled") == order.fill_count, where
        assert {"accepted", "refused"} & set(kinds(found)), where
        assert all(step.text and "None" not in step.text for step in found.steps), where


def test_an_order_that_was_filled_and_closed_tells_prices_fees_money_and_both_ends(tmp_path):
    world = World(account=an_account(leverage="20"))
    entry = world.deal(quantity="10000", stop_loss="1.09", take_profit="1.12", client_order_id="mine", source="gateway")
    stop, target = world.leg(OrderRole.STOP_LOSS), world.leg(OrderRole.TAKE_PROFIT)
    world.quote("EURUSD", "1.08990")
    world.trigger(stop, "1.0899")
    world.fill(stop)
    told = Told(world, tmp_path)
    found = told.explain(entry)
    assert kinds(found)[:4] == ["request", "quotes", "checks", "accepted"]
    assert "through the gateway door: BUY 10,000 of EURUSD, MARKET" in said(found, "request")[0]
    assert said(found, "quotes")[0].startswith("Quotes used: EURUSD bid 1.10000, ask 1.10010, ")
    assert said(found, "checks") == ["All 43 checks passed; 550.05 USD of margin required, 100,000 free"]
    checks = {each["claim"]: each for step in found.steps if step.kind == "checks" for each in step.data["checks"]}
    assert checks["margin is sufficient"]["figures"] == {
        "required": "550.05", "available": "100000", "leverage": "20", "price": "1.10010",
    }  # fmt: skip
    assert all(each["passed"] for each in checks.values())
    assert [text.split(":")[0] for text in said(found, "related")] == [
        f"ord_{stop.order_id} was placed as its stop loss", f"ord_{target.order_id} was placed as its take profit",
    ]  # fmt: skip
    closing = told.explain(stop)
    assert closing.outcome == "FILLED"
    assert kinds(closing).index("triggered") < kinds(closing).index("filled") < kinds(closing).index("ledger")
    assert said(closing, "ledger") == ["Booked realized pnl -102.00 USD; the balance is 99,898.00"]
    assert "it realised -102.00 USD" in said(closing, "position")[0]
    other = told.explain(target)
    assert (other.outcome, said(other, "cancelled")) == (
        "CANCELLED", [f"ord_{target.order_id} was cancelled: the other exit filled"],
    )  # fmt: skip


def test_an_order_refused_for_margin_says_what_was_missing_and_what_would_have_passed(tmp_path):
    world = World(account=an_account(leverage="20"), deposit="800")
    order = world.place(quantity="100000")
    found = Told(world, tmp_path).explain(order)
    text = "Refused: needs 5,500.50 USD margin, 800 free; 14,544.13235160 would have passed"
    assert (found.outcome, found.text) == ("REJECTED", text)
    assert said(found, "checks") == ["42 checks passed, the next of 43 did not hold: margin is sufficient"]
    assert found.steps[2].data["checks"][-1]["passed"] is False


def test_an_order_beyond_a_budget_names_the_budget(tmp_path):
    world = World()
    world.strategy(MINE, USD="100")
    order = world.place(quantity="10000", strategy_id=MINE)
    found = Told(world, tmp_path).explain(order)
    assert found.text.startswith("Refused: needs ")
    assert "of the strategy's budget, 100 of 100 available; " in found.text
    assert kinds(found) == ["request", "quotes", "checks", "refused"]


def test_a_stop_out_tells_why_the_house_sold(tmp_path):
    world = World(account=an_account(leverage="100"), deposit="300")
    world.deal(quantity="20000")
    world.quote("EURUSD", "1.09000")
    world.check_margin()
    liquidation = world.leg(OrderRole.LIQUIDATION)
    world.fill(liquidation)
    found = Told(world, tmp_path).explain(liquidation)
    assert kinds(found)[:4] == ["house", "quotes", "margin", "accepted"]
    assert "Margin state STOPPED_OUT: equity " in said(found, "margin")[0]
    assert "The house placed" in said(found, "accepted")[0]
    assert found.outcome == "FILLED"


def test_an_order_that_expired_and_one_that_was_filled_in_part(tmp_path):
    world = World()
    late = world.place(a_limit("BUY", "1000", "1.05", time_in_force="GTD", expires_at=world.now + NS_PER_HOUR))
    world.wait_until(world.now + NS_PER_HOUR)
    world.tick()
    part = world.place(quantity="1000", time_in_force="IOC")
    world.fill(part, "400")
    world.venue_cancels(part)
    told = Told(world, tmp_path)
    assert said(told.explain(late), "expired") == [f"ord_{late.order_id} expired: its time was up"]
    found = told.explain(part)
    assert said(found, "cancelled") == [f"ord_{part.order_id} was cancelled: nothing left at the price"]
    assert found.text.endswith("is CANCELLED: 400 filled at 1.10010 on average; nothing left at the price")


def test_an_amended_order_tells_what_changed_and_what_was_refused(tmp_path):
    world = World(account=an_account(leverage="20"), deposit="1000")
    order = world.place(a_limit("BUY", "1000", "1.05"))
    world.amend(order, quantity="2000", limit_price="1.06")
    world.amend(order, quantity="900000")
    world.cancel(order)
    found = Told(world, tmp_path).explain(order)
    assert said(found, "amended") == [
        "Changed: quantity 1,000 → 2,000, limit price 1.05 → 1.06; it goes to the back of the queue; 106.00 USD of margin held"
    ]
    assert said(found, "refused")[0].startswith("The wish was refused: needs 47,700.00 USD margin")
    assert (found.outcome, found.redecided.decided) == ("CANCELLED", 4)


def test_a_changed_rule_is_told_where_it_decides_otherwise(tmp_path):
    world = World()
    order = world.deal(quantity="1000")
    accepted = next(record for record in world.records if isinstance(record.command, cmd.PlaceOrder))
    forged = type(accepted)(
        accepted.seq, accepted.now, cmd.PlaceOrder(an_order(quantity="900000000")), accepted.events, accepted.quotes
    )
    world.records[world.records.index(accepted)] = forged
    found = Told(world, tmp_path).explain(order)
    assert not found.redecided.same
    [difference] = found.redecided.differences
    assert difference.seq == accepted.seq
    assert difference.expected[0]["kind"] == "OrderAccepted"
    assert difference.found[0]["kind"] == "OrderRejected"
    assert "filled" in kinds(found), "the story goes on from what the journal says"


def test_of_an_order_that_lived_too_long_fills_and_end_are_found_all_the_same(tmp_path):
    world = World()
    order = world.place(a_limit("BUY", "1000", "1.05"))
    for _ in range(5):
        world.place(a_stop("BUY", "1000", "1.5"))
    world.amend(order, quantity="900")
    world.fill(order, "300")
    world.fill(order, "600")
    world.place(a_stop("BUY", "1000", "1.5"))
    told = Told(world, tmp_path)
    journal, ended = told.store.journal, told.desk.state.ended[order.order_id]
    fills = told.store.views.fills_of(order.order_id)
    part = history.history_of(journal, ended, fills, searched_max=3)
    assert [type(record.command) for record in part.records] == [
        cmd.PlaceOrder,
        cmd.ReportExecution,
        cmd.ReportExecution,
    ]
    assert part.unsearched == part.records[0].seq + 4
    whole = history.history_of(journal, ended, fills)
    assert (len(whole.records), whole.unsearched) == (4, None)


def test_numbers_that_begin_alike_are_not_confused(tmp_path):
    world = World()
    first = world.place(a_limit("BUY", "1000", "1.05"))
    told = Told(world, tmp_path)
    short = int(str(first.order_id)[:-1])
    assert told.store.journal.mentions(short, 0, 1_000), "the journal is asked for a beginning"
    assert MENTION.endswith(":")
    [record] = [record for record in world.records if isinstance(record.command, cmd.PlaceOrder)]
    assert not history.is_about(record, short)
    assert history.is_about(record, first.order_id)
