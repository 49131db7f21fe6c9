"""Last records: up to where the journal has to be durable for what is told of one account."""

from tradehall.domain.fill import TrailMoved
from tradehall.domain.ids import AccountId
from tradehall.engine.commands import AnyCommand, ListInstrument, OpenAccount, PlaceOrder, ReportExecution, Tick
from tradehall.engine.record import Record
from tradehall.engine.state import State


class LastRecords:
    """The last record that concerns each account. Who reads of one need not wait for what others have just decided.

    After records were lost it may name numbers that are not reached yet: then somebody waits who need not.
    """

    def __init__(self) -> None:
        self._of: dict[AccountId, int] = {}
        self._of_all = 0

    def note(self, state: State, record: Record) -> None:
        """`record` was decided, and `state` is what it was after it."""
        concerned = concerns(state, record.command)
        if concerned is None:
            self._of_all = record.seq
        else:
            self._of[concerned] = record.seq

    def of(self, account_id: AccountId) -> int:
        """The last record that could change what is read of this account; 0: none since the start."""
        return max(self._of.get(account_id, 0), self._of_all)


def concerns(state: State, command: AnyCommand) -> AccountId | None:
    """The one account for which anything came of `command`, after it; None: it may be any, or all."""
    if isinstance(command, PlaceOrder):
        return command.terms.account_id
    if isinstance(command, ReportExecution):
        report = command.report
        # A trail that moves is that of all orders of a symbol and side.
        order = None if isinstance(report, TrailMoved) else state.order(report.order_id)
        return None if order is None else order.terms.account_id
    if isinstance(command, (ListInstrument, OpenAccount, Tick)):
        return None
    return command.account_id
