"""The journeys of strategies; see scenarios.py."""

from decimal import Decimal

from tests.builders import LOGIN, MINE, OTHER, an_account
from tests.journeys.stage import Stage
from tradehall.domain.position import Position
from tradehall.domain.rejection import RejectCode
from tradehall.domain.strategy import StrategyLimits, TradingState
from tradehall.engine import commands as cmd
from tradehall.engine.books import unattributed_units


def two_books_and_a_hand() -> Stage:
    """Two strategies and a person share one netting position, each with an entry, a stop and a result of its own."""
    stage = _with_strategies(Stage())
    stage.quote("1.10000", "1.10000")
    stage.place(quantity="10000", strategy_id=MINE, stop_loss="1.09000")
    stage.quote("1.10500", "1.10500")
    stage.place(quantity="4000", side="SELL", strategy_id=OTHER, stop_loss="1.11000")
    stage.place(quantity="1000")
    assert (stage.position.quantity, _loose(stage)) == (7000, 1000)
    assert [(_part(stage, each).side, _part(stage, each).quantity) for each in (MINE, OTHER)] == [
        ("LONG", 10000),
        ("SHORT", 4000),
    ]
    stage.quote("1.11000", "1.11000")  # The short one's stop: a buy, that adds to the account's long position.
    assert stage.position.quantity == 11000 and not stage.account.books[OTHER].parts
    assert stage.account.books[OTHER].results["USD"].realized_pnl == Decimal("-20.00")
    stage.quote("1.09000", "1.09000")
    assert (stage.position.quantity, _loose(stage)) == (1000, 1000)
    assert stage.account.books[MINE].results["USD"].realized_pnl == Decimal("-100.00")
    return stage


def a_hand_closes_what_strategies_hold() -> Stage:
    """A close by hand takes what is in no book first, then the oldest part; closing all leaves no strategy a claim."""
    stage = _with_strategies(Stage())
    stage.quote("1.10000", "1.10000")
    stage.place(quantity="3000", strategy_id=MINE, stop_loss="1.09000")
    stage.place(quantity="5000", strategy_id=OTHER, stop_loss="1.09000")
    stage.place(quantity="2000")
    stage.do(cmd.ClosePosition(LOGIN, stage.position.position_id, Decimal(4000)))
    assert (_loose(stage), _part(stage, MINE).quantity, _part(stage, OTHER).quantity) == (0, 1000, 5000)
    assert stage.working() == [("STOP_LOSS", "1000"), ("STOP_LOSS", "5000")]
    stage.do(cmd.CloseAllPositions(LOGIN))
    assert not stage.account.positions and stage.working() == []
    assert not stage.account.books[MINE].parts and not stage.account.books[OTHER].parts
    return stage


def a_budget_from_order_to_flat() -> Stage:
    """A budget is held by an order, tied by its position, freed by its close; more than it is refused with numbers."""
    stage = _with_strategies(Stage())
    stage.do(cmd.SetBudget(LOGIN, MINE, "USD", Decimal(1000), reason="first share", actor="operator:anna"))
    stage.quote("1.10000", "1.10000")
    resting = stage.limit("BUY", "10000", "1.09000", strategy_id=MINE)
    assert _reserved(stage) == Decimal("545.00")  # 10,000 x 1.09 / 20.
    assert (
        stage.refusal(type="LIMIT", limit_price="1.09000", quantity="9000", strategy_id=MINE)
        is RejectCode.BUDGET_EXCEEDED
    )
    assert stage.refusal(side="SELL", quantity="9000", strategy_id=MINE) is RejectCode.BUDGET_EXCEEDED
    stage.do(cmd.AmendOrder(LOGIN, resting.order_id, quantity=Decimal(20000)))
    assert (stage.statuses(resting), _reserved(stage)) == (["OPEN"], Decimal("545.00"))
    stage.quote("1.09000", "1.09000")
    assert _reserved(stage) == Decimal("545.00")
    stage.place(side="SELL", quantity="4000", strategy_id=MINE)
    assert _reserved(stage) == Decimal("327.00")
    stage.place(side="SELL", quantity="7000", strategy_id=MINE)  # 6,000 close, 1,000 open: 54.50.
    assert _reserved(stage) == Decimal("54.50")
    stage.do(cmd.ClosePosition(LOGIN, _part(stage, MINE).position_id, strategy_id=MINE))
    assert _reserved(stage) == 0
    return stage


def a_loss_halts_a_strategy() -> Stage:
    """At its daily loss a strategy is halted and its entries go; its stop stays; the others trade on."""
    stage = _with_strategies(Stage())
    stage.do(cmd.SetStrategyLimits(LOGIN, MINE, StrategyLimits(daily_loss_max=Decimal(50))))
    stage.quote("1.10000", "1.10000")
    stage.place(quantity="10000", strategy_id=MINE, stop_loss="1.09000")
    stage.limit("BUY", "10000", "1.09200", strategy_id=MINE)
    stage.quote("1.09600", "1.09600")
    assert _state(stage) == "NORMAL"
    stage.quote("1.09490", "1.09490")
    assert _state(stage) == "HALTED"
    assert stage.working() == [("STOP_LOSS", "10000")]
    assert stage.refusal(strategy_id=MINE) is RejectCode.TRADING_HALTED
    stage.place(strategy_id=OTHER)
    return stage


def the_kill_switch() -> Stage:
    """The kill switch halts, cancels and closes in one decision: first a strategy alone, then the whole account."""
    stage = _with_strategies(Stage())
    stage.quote("1.10000", "1.10000")
    for strategy_id in (MINE, OTHER):
        stage.place(quantity="5000", strategy_id=strategy_id, stop_loss="1.09000")
        stage.limit("BUY", "1000", "1.05000", strategy_id=strategy_id)
    stage.do(cmd.KillSwitch(LOGIN, MINE, actor="operator:anna"))
    assert (stage.position.quantity, stage.account.books[MINE].parts) == (5000, {})
    assert stage.working() == [("STOP_LOSS", "5000"), ("ENTRY", "1000")]
    stage.do(cmd.KillSwitch(LOGIN, actor="operator:anna"))
    assert not stage.account.positions and stage.working() == [] and not stage.account.books[OTHER].parts
    assert stage.refusal() is RejectCode.TRADING_HALTED
    stage.do(cmd.SetTradingState(LOGIN, None, TradingState.NORMAL, actor="operator:anna"))
    stage.place()
    return stage


def a_strategy_among_tickets() -> Stage:
    """On a hedging account a strategy's book is its own positions: it reduces no other, and none other is its."""
    stage = _with_strategies(Stage(account=an_account(position_mode="HEDGING")))
    stage.do(cmd.SetBudget(LOGIN, MINE, "USD", Decimal(2000)))
    stage.quote("1.10000", "1.10000")
    by_hand = stage.place(quantity="2000")
    own = stage.place(quantity="10000", strategy_id=MINE, take_profit="1.11000")
    stage.place(quantity="3000", side="SELL", strategy_id=MINE)
    assert _reserved(stage) == Decimal("715.00")  # Long and short both tie: 550 and 165.
    stage.place(quantity="10000", side="SELL", strategy_id=MINE, reduce_only=True)
    assert by_hand.order_id in stage.account.positions and own.order_id not in stage.account.positions
    assert stage.working() == [] and _reserved(stage) == Decimal("165.00")
    return stage


def _with_strategies(stage: Stage) -> Stage:
    for strategy_id in (MINE, OTHER):
        stage.do(cmd.RegisterStrategy(LOGIN, strategy_id))
    return stage


def _part(stage: Stage, strategy_id: str) -> Position:
    (part,) = stage.account.books[strategy_id].parts.values()
    return part


def _state(stage: Stage) -> str:
    return stage.account.books[MINE].trading_state.value


def _loose(stage: Stage) -> Decimal:
    return unattributed_units(stage.account, "EURUSD")


def _reserved(stage: Stage) -> Decimal:
    return stage.account.books[MINE].reserved.get("USD", Decimal(0))


STRATEGY_JOURNEYS = (
    two_books_and_a_hand,
    a_hand_closes_what_strategies_hold,
    a_budget_from_order_to_flat,
    a_loss_halts_a_strategy,
    the_kill_switch,
    a_strategy_among_tickets,
)
