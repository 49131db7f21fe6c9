"""What set a decision off, in words: somebody's wish, the venue's report, or the house's own look at things."""

from collections.abc import Callable
from typing import Any, Final, get_args

from tradehall.app.audit_lines import shown_order
from tradehall.app.explain.scene import Scene
from tradehall.app.explain.sentences import amount, quoted_report, wish
from tradehall.domain import fill as report
from tradehall.engine import commands as cmd

# Kind of the step, and its sentence.
Said = tuple[str, str]

REQUEST: Final = "request"
HOUSE: Final = "house"
VENUE: Final = "venue"


def said_by(scene: Scene) -> Said:
    """The command of a record."""
    command = scene.record.command
    return _SAID[type(command)](command, scene)


def _placed(command: cmd.PlaceOrder, scene: Scene) -> Said:
    terms = command.terms
    said = f"Asked through the {terms.source or 'unnamed'} door: {wish(terms, scene.instrument)}"
    if terms.client_order_id is not None:
        said += f", under the client order id {terms.client_order_id}"
    return REQUEST, said + (f", for strategy {terms.strategy_id}" if terms.strategy_id is not None else "")


def _amended(command: cmd.AmendOrder, scene: Scene) -> Said:
    named = ("quantity", "limit_price", "stop_price", "trailing_distance", "stop_loss", "take_profit")
    wanted = [f"{name.replace('_', ' ')} {amount(value)}" for name in named if (value := getattr(command, name))]
    wanted += [name.replace("_", " ") for name in ("clear_stop_loss", "clear_take_profit", "clear_expiry")
               if getattr(command, name)]  # fmt: skip
    wanted += [] if command.expires_at is None else ["another expiry"]
    return REQUEST, f"Asked to change {shown_order(command.order_id)}: {', '.join(wanted) or 'nothing'}"


def _cancelled(command: cmd.CancelOrder, scene: Scene) -> Said:
    return REQUEST, f"Asked to cancel {shown_order(command.order_id)}: {command.reason}"


def _closed(command: cmd.ClosePosition, scene: Scene) -> Said:
    part = "all" if command.quantity is None else amount(command.quantity)
    return REQUEST, f"Asked through the {command.source or 'unnamed'} door to close {part} of pos_{command.position_id}"


def _exits_set(command: cmd.SetPositionExits, scene: Scene) -> Said:
    return REQUEST, f"Asked to set the exits of pos_{command.position_id}"


def _killed(command: cmd.KillSwitch, scene: Scene) -> Said:
    who = command.actor or "somebody"
    return REQUEST, f"The kill switch was pressed by {who}: {command.reason}"


def _reported(command: cmd.ReportExecution, scene: Scene) -> Said:
    said = command.report
    if isinstance(said, report.TrailMoved):
        return VENUE, f"The venue reports that trailing stops follow {amount(said.price)}"
    return VENUE, f"The venue reports on {shown_order(said.order_id)}: {quoted_report(said)}"


def _all_of(what: str) -> Callable[[Any, Scene], Said]:
    def said(command: Any, scene: Scene) -> Said:
        whose = "" if command.strategy_id is None else f" of strategy {command.strategy_id}"
        where = "" if command.symbol is None else f" in {command.symbol}"
        return REQUEST, f"Asked to {what}{whose}{where}"

    return said


def _of_house(text: str) -> Callable[[Any, Scene], Said]:
    return lambda command, scene: (HOUSE, text)


def _of_operator(text: str) -> Callable[[Any, Scene], Said]:
    return lambda command, scene: (REQUEST, text)


_SAID: Final[dict[type, Callable[[Any, Scene], Said]]] = {
    cmd.PlaceOrder: _placed,
    cmd.AmendOrder: _amended,
    cmd.CancelOrder: _cancelled,
    cmd.CancelAllOrders: _all_of("cancel all working orders"),
    cmd.ClosePosition: _closed,
    cmd.CloseAllPositions: _all_of("close all positions"),
    cmd.SetPositionExits: _exits_set,
    cmd.KillSwitch: _killed,
    cmd.ReportExecution: _reported,
    cmd.CheckMargin: _of_house("The house valued the account, because a price or a decision moved its margin"),
    cmd.CheckLosses: _of_house("The house valued the strategy, because its losses may have come to a limit"),
    cmd.Tick: _of_house("Time made something due: an expiry or the rollover"),
    cmd.ListInstrument: _of_operator("The rules of an instrument were set"),
    cmd.OpenAccount: _of_operator("The account was opened"),
    cmd.UpdateAccount: _of_operator("The account's terms were changed"),
    cmd.MoveFunds: _of_operator("Funds were moved"),
    cmd.RegisterStrategy: _of_operator("A strategy was registered with the account"),
    cmd.SetBudget: _of_operator("A strategy's budget was set"),
    cmd.RemoveBudget: _of_operator("A strategy's budget was taken away"),
    cmd.SetStrategyLimits: _of_operator("A strategy's limits were set"),
    cmd.SetTradingState: _of_operator("What may be traded was set"),
    cmd.BookCorporateAction: _of_operator("A split or a dividend was booked"),
}  # fmt: skip
assert _SAID.keys() == set(get_args(cmd.AnyCommand))
