"""Budgets: what an order holds, what a position ties, what is freed, and that nothing is ever promised twice."""

from decimal import Decimal
from random import Random

import pytest

from tests.builders import LOGIN, MINE, OTHER, World, a_limit, an_account, an_instrument, an_order, free
from tradehall.domain.order import OrderStatus, Side
from tradehall.domain.rejection import RejectCode as Code
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.preview import preview

# At a leverage of 20 and 200 a share, each ties 10 USD.
AAPL = {"symbol": "AAPL", "strategy_id": MINE}
AT_200 = AAPL | {"type": "LIMIT", "limit_price": "200"}


def reserved(world: World, currency: str = "USD", strategy_id: str = MINE) -> Decimal:
    return world.book(strategy_id).reserved.get(currency, Decimal(0))


def budgeted(allocated: str = "1000", **fees: str) -> World:
    world = World(an_instrument("AAPL", commission=free(**fees)), an_instrument("EURUSD"))
    world.strategy(MINE, USD=allocated)
    return world


@pytest.mark.parametrize(("what", "wish", "amount"), [
    # what is asked                       the order                                                      what it holds [USD], market 200.00 / 200.10
    ("a limit, at its price",             {"type": "LIMIT", "limit_price": "190"},                       "9.50"),
    ("a stop, at its price",              {"type": "STOP", "stop_price": "210"},                         "10.50"),
    ("a stop-limit, at its limit",        {"type": "STOP_LIMIT", "stop_price": "210", "limit_price": "212"}, "10.60"),
    ("a market buy, at the ask and 0.1 %", {"type": "MARKET"},                                           "10.02"),
    ("a market sell, at the bid and 0.1 %", {"type": "MARKET", "side": "SELL"},                          "10.01"),
    ("a sell above the market",           {"type": "LIMIT", "side": "SELL", "limit_price": "220"},       "11.00"),
    ("a sell far below it: at the bid",   {"type": "LIMIT", "side": "SELL", "limit_price": "1"},         "10.00"),
    ("a stop-limit sell, at its stop",    {"type": "STOP_LIMIT", "side": "SELL", "stop_price": "201", "limit_price": "1"}, "10.05"),
    ("a trailing buy, at its trigger",    {"type": "TRAILING_STOP", "trailing_distance": "10", "trailing_type": "ABSOLUTE"}, "10.52"),
    ("the same in percent",               {"type": "TRAILING_STOP", "trailing_distance": "5", "trailing_type": "PERCENT"}, "10.52"),
    ("a trailing sell, at the bid",       {"type": "TRAILING_STOP", "side": "SELL", "trailing_distance": "5", "trailing_type": "PERCENT"}, "10.01"),
    ("leverage of its own",               {"type": "LIMIT", "limit_price": "190", "leverage": "2"},      "95.00"),
])  # fmt: skip
def test_an_order_holds_what_it_may_cost(what, wish, amount):
    world = budgeted()
    order = world.place(an_order(**AAPL | wish | {"quantity": "1"}))
    assert order.hold is not None
    assert (order.hold.currency, order.hold.amount, order.hold.quantity) == ("USD", Decimal(amount), 1)
    assert reserved(world) == Decimal(amount)


@pytest.mark.parametrize(("fees", "amount"), [
    ({"taker_rate": "0.001"},           "102.00"),  # 10 x 200 / 20, and 0.1 % of 2,000.
    ({"per_unit": "0.05"},              "100.50"),
    ({"fixed": "1", "minimum": "3"},    "103.00"),
    ({"maker_rate": "-0.01"},           "100.00"),  # A taker pays nothing; a rebate is no capital.
])  # fmt: skip
def test_the_estimated_fee_is_held_too(fees, amount):
    world = budgeted(**fees)
    world.place(**AT_200, quantity="10")
    assert reserved(world) == Decimal(amount)


def test_the_numbers_of_a_refusal_are_those_of_the_budget():
    world = budgeted()
    world.place(**AT_200, quantity="82")
    rejection = world.ask(an_order(**AT_200, quantity="24"))
    assert rejection is not None
    assert (rejection.code, rejection.currency) == (Code.BUDGET_EXCEEDED, "USD")
    order = world.order(world.told(ev.OrderRejected)[0].order_id)
    assert order.reject_numbers == {
        "required": "240.00", "allocated": "1000", "reserved": "820.00", "available": "180.00", "would_pass": "18.00000000",
        "currency": "USD",
    }  # fmt: skip
    budget = world.book().budget("USD")
    assert budget is not None
    assert (budget.allocated, budget.reserved, budget.available) == (1000, 820, 180)


def test_of_fifty_orders_that_need_thirty_a_thousand_pays_for_thirty_three():
    world = budgeted(per_unit="0.01")
    codes = [world.ask(an_order(**AT_200, quantity="2.997")) for _ in range(50)]  # 29.97 and a fee of 0.03.
    assert [code is None for code in codes].count(True) == 33
    assert reserved(world) == 990


@pytest.mark.parametrize("fees", [{}, {"taker_rate": "0.00037"}, {"minimum": "1.5", "per_unit": "0.013"}])
def test_what_would_pass_is_the_largest_that_passes(fees):
    random = Random(5)
    for _ in range(60):
        world = budgeted(str(random.randint(1, 900)), **fees)
        price = Decimal(random.randint(100, 30_000)) / 100
        wish = AAPL | {"type": "LIMIT", "limit_price": str(price)}
        rejection = world.ask(an_order(**wish, quantity="1000"))
        if rejection is None:
            continue
        largest = rejection.numbers.get("would_pass", Decimal(0))
        assert world.ask(an_order(**wish, quantity=str(largest + Decimal("1E-8")))) is not None
        assert not largest or world.ask(an_order(**wish, quantity=str(largest))) is None


def test_a_cancel_an_expiry_and_the_venues_no_give_back_what_was_held():
    world = budgeted()
    for end in (world.cancel, world.venue_cancels, world.venue_rejects):
        order = world.place(**AT_200, quantity="10")
        assert reserved(world) == 100
        end(order)
        assert reserved(world) == 0
    world.place(**AT_200, quantity="10", time_in_force="GTD", expires_at=world.now + 2_000_000_000)
    world.wait_until(world.now + 5_000_000_000)
    world.tick()
    assert reserved(world) == 0 and world.book().reserved == {}


def test_a_partial_fill_moves_its_share_to_the_position_at_its_price():
    world = budgeted()
    order = world.place(**AT_200, quantity="10")
    world.fill(order, "4", at="190")
    assert world.order(order).hold is not None
    assert (world.part().margin, reserved(world)) == (38, 38 + 60)
    world.venue_cancels(order)
    assert reserved(world) == 38


def test_closing_frees_pro_rata_and_flat_frees_all():
    world = budgeted()
    world.fill(world.place(**AT_200, quantity="9"))
    assert reserved(world) == 90
    world.deal(**AAPL, side="SELL", quantity="3")
    assert reserved(world) == 60
    world.deal(**AAPL, side="SELL", quantity="6")
    assert world.book().reserved == {} and not world.book().parts


def test_what_reduces_holds_nothing_and_what_flips_holds_for_the_part_beyond_flat():
    world = budgeted()
    world.fill(world.place(**AT_200, quantity="10"))
    closes = world.place(**AT_200, side="SELL", quantity="6")
    flips = world.place(**AT_200, side="SELL", quantity="6")
    assert closes.hold is None
    assert flips.hold is not None and flips.hold.quantity == 2  # Four more close: nothing closes a unit twice for free.
    assert reserved(world) == 120
    world.fill(flips)
    assert (world.part().quantity, reserved(world)) == (4, 40 + 20)
    world.fill(closes)
    assert (world.part().side, world.part().quantity, reserved(world)) == ("SHORT", 2, 20)


def test_an_order_whose_position_is_gone_holds_its_budget_or_goes():
    world = budgeted("160")
    world.fill(world.place(**AT_200, quantity="10"))
    first = world.place(**AT_200, side="SELL", quantity="6")
    second = world.place(**AT_200, side="SELL", quantity="4")
    world.do(cmd.ClosePosition(LOGIN, world.part().position_id, strategy_id=MINE))
    world.fill(world.orders[-1])
    assert [event.order_id for event in world.told(ev.OrderHoldChanged)] == [first.order_id, second.order_id]
    assert reserved(world) == 100

    world = budgeted("160")
    world.fill(world.place(**AT_200, quantity="10"))
    orders = [world.place(**AT_200, side="SELL", quantity="5") for _ in range(2)]
    world.do(cmd.SetBudget(LOGIN, MINE, "USD", Decimal(80)))
    world.do(cmd.ClosePosition(LOGIN, world.part().position_id, strategy_id=MINE))
    world.fill(world.orders[-1])
    assert [world.order(order).status for order in orders] == [OrderStatus.OPEN, OrderStatus.CANCELLED]
    assert "budget" in (world.order(orders[1]).end_reason or "")
    assert reserved(world) == 50


def test_an_amendment_upward_is_checked_again_and_leaves_the_order_as_it_was():
    world = budgeted("100")
    order = world.place(**AT_200, quantity="8")
    rejection = world.amend(order, quantity="11")
    assert rejection is not None and rejection.code is Code.BUDGET_EXCEEDED
    told = {name: rejection.numbers[name] for name in ("required", "reserved", "available", "would_pass")}
    assert told == {"required": 110, "reserved": 0, "available": 100, "would_pass": 10}
    assert (world.order(order).terms.quantity, reserved(world)) == (8, 80)
    assert world.amend(order, limit_price="260") is not None
    assert world.amend(order, quantity="10") is None
    assert reserved(world) == 100
    assert world.amend(order, quantity="3", limit_price="210") is None
    assert reserved(world) == Decimal("31.50")


def test_less_than_is_reserved_may_be_allocated_and_then_nothing_new_opens_but_less_is_always_allowed():
    world = budgeted()
    order = world.place(**AT_200, quantity="50")
    world.strategy(MINE, USD="300")
    budget = world.book().budget("USD")
    assert budget is not None and budget.available == -200
    assert world.ask(an_order(**AT_200, quantity="1")) is not None
    assert world.amend(order, quantity="49") is None
    assert world.amend(order, quantity="50") is not None
    assert world.order(order).status is OrderStatus.OPEN


def test_strategies_without_a_budget_are_free_and_a_budget_set_later_knows_what_they_hold():
    world = World()
    world.strategy()
    world.place(**AT_200, quantity="1000")
    world.strategy(MINE, USD="10")
    budget = world.book().budget("USD")
    assert budget is not None and (budget.reserved, budget.available) == (10_000, -9_990)
    world.do(cmd.RemoveBudget(LOGIN, MINE, "USD", force=True))
    assert world.told(ev.BudgetRemoved)[0].before == 10
    assert world.ask(an_order(**AT_200, quantity="1")) is None


def test_one_strategys_budget_is_no_other_ones_and_none_of_people():
    world = budgeted("100")
    world.strategy(OTHER, USD="50")
    assert world.ask(an_order(**AT_200, quantity="10")) is None
    assert world.ask(an_order(**AT_200 | {"strategy_id": OTHER}, quantity="6")) is not None
    assert world.ask(an_order(**AT_200 | {"strategy_id": OTHER}, quantity="5")) is None
    assert world.ask(an_order(**AT_200 | {"strategy_id": None}, quantity="5")) is None


def test_a_market_order_over_a_gap_ties_what_it_costs_and_nothing_opens_until_there_is_room():
    world = budgeted("101")
    world.fill(world.place(**AAPL, quantity="10"), at="240")
    budget = world.book().budget("USD")
    assert budget is not None and (budget.reserved, budget.available) == (120, -19)
    assert world.ask(an_order(**AT_200, quantity="0.1")) is not None
    world.deal(**AAPL, side="SELL", quantity="2")
    assert world.ask(an_order(**AT_200, quantity="0.5")) is None


def test_realised_results_neither_enlarge_nor_shrink_a_budget():
    world = budgeted("100", per_unit="0.10")
    world.fill(world.place(**AAPL, quantity="5"), at="200")
    world.fill(world.place(**AAPL, side="SELL", quantity="5"), at="230")
    result = world.book().results["USD"]
    assert (result.realized_pnl, result.fees, result.fill_count) == (150, 1, 2)
    budget = world.book().budget("USD")
    assert budget is not None and budget.available == 100
    assert world.book().net_pnl == 149


def test_a_budget_in_another_currency_than_the_accounts_counts_in_its_own():
    world = World(an_instrument("EURJPY", commission=free(taker_rate="0.0001")), an_instrument("USDJPY"))
    world.strategy(MINE, JPY="100000")
    wish = {"symbol": "EURJPY", "strategy_id": MINE}
    order = world.place(**wish, type="LIMIT", limit_price="165.000", quantity="10000")
    # 10,000 x 165 / 20 = 82,500 JPY; the fee of 165 JPY is 1.10 USD at the account, and comes back as 165.0055.
    assert order.hold is not None and order.hold.amount == 82_666
    world.fill(order)
    world.fill(world.place(**wish, side="SELL", quantity="10000"), at="166")
    result = world.book().results["JPY"]
    assert (result.realized_pnl, result.fees) == (10_000, 332)
    assert world.book().net_pnl == Decimal("64.45")  # 66.66 USD at 150.005, less fees of 1.10 and 1.11.


def test_a_preview_tells_what_is_left_and_what_the_order_would_take():
    world = budgeted("100")
    world.place(**AT_200, quantity="4")
    for quantity, code in (("6", None), ("7", Code.BUDGET_EXCEEDED)):
        found = preview(
            world.state, cmd.PlaceOrder(an_order(**AT_200, quantity=quantity)), Context(world.now + 1, world.quotes)
        )
        assert found.budget is not None and found.budget.available == 60
        assert found.budget_required == 10 * Decimal(quantity)
        assert (found.rejection and found.rejection.code) == code
    assert reserved(world) == 40


@pytest.mark.parametrize("seed", range(5))
def test_a_thousand_orders_reserve_no_cent_too_much(seed):
    random = Random(seed)
    world = World(an_instrument("AAPL", commission=free(taker_rate="0.0003")), account=an_account(), deposit="1000000")
    world.strategy(MINE, USD="5000")
    working = []
    for _ in range(1000):
        side, price = random.choice(list(Side)), Decimal(random.randint(19000, 21000)) / 100
        quantity = str(Decimal(random.randint(1, 4000)) / 100)
        if world.ask(an_order(**AAPL, type="LIMIT", side=side, limit_price=str(price), quantity=quantity)) is None:
            working.append(world.orders[-1])
            budget = world.book().budget("USD")
            assert budget is not None and budget.reserved <= budget.allocated, f"{seed=}"
        if working and random.random() < 0.3:
            order = world.order(working.pop(random.randrange(len(working))))
            before = reserved(world)
            if order.is_working and random.random() < 0.5:
                share = order.remaining_quantity * random.choice([Decimal(1), Decimal("0.31")])
                world.fill(order, share, at=order.terms.limit_price)
                assert reserved(world) <= before, f"{seed=}"
            elif order.is_working:
                world.cancel(order)
    assert len(world.records) > 1000


def test_amended_and_filled_in_parts_a_buy_never_ties_more_than_it_held():
    world = budgeted("333.34")
    order = world.place(a_limit("BUY", "3", "2222.2267", **AAPL))
    assert reserved(world) == Decimal("333.34")
    for quantity in ("1", "1", "1"):
        world.fill(order, quantity)
        assert reserved(world) <= Decimal("333.34")
