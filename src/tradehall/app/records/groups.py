"""Groups: the terms on which accounts are opened. Built in, or changed by a record of the same name."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.ids import AccountId

KIND: Final = "group"

HEDGING_GROUP: Final = "demo-usd"
NETTING_GROUP: Final = "demo-usd-netting"


class Group(Struct, frozen=True, omit_defaults=True):
    """Terms of the accounts of a group; margin levels in percent of used margin.

    `is_open`: people may sign up for it themselves. `one_account_per_email`: a second account of the same
    person is refused. The switches and limits below are the engine's: see AccountTerms.
    """

    name: str
    currency: str = "USD"
    leverage_max: int = 500
    leverage: int = 50
    position_mode: PositionMode = PositionMode.HEDGING
    is_open: bool = True
    one_account_per_email: bool = True
    margin_call_level: Decimal = Decimal(100)
    stop_out_level: Decimal = Decimal(50)
    hedge_prohibited: bool = False
    close_fifo: bool = False
    positions_max: int = 0  # 0: as many as they like.
    partial_close: bool = True
    orders_max: int = 1_000_000

    def terms(self, login: AccountId, *, owner: int, name: str, leverage: int | None = None) -> AccountTerms:
        """What an account of this group is opened with."""
        return AccountTerms(
            account_id=login, currency=self.currency, position_mode=self.position_mode,
            leverage=Decimal(leverage or self.leverage), margin_call_level=self.margin_call_level,
            stop_out_level=self.stop_out_level, orders_max=self.orders_max,
            owner=str(owner), name=name, group=self.name, hedge_prohibited=self.hedge_prohibited,
            close_fifo=self.close_fifo, positions_max=self.positions_max, partial_close=self.partial_close,
        )  # fmt: skip


BUILT_IN: Final = {
    group.name: group
    for group in (
        Group(HEDGING_GROUP),
        Group(NETTING_GROUP, position_mode=PositionMode.NETTING, one_account_per_email=False),
    )
}
