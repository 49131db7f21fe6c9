"""Deals: what moved money or a position, one line each, as the doors that speak tickets list them.

A fill that closes and then opens (a flip) is two deals under one number; so is a fill that closes several
positions. A movement of funds is a deal too.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.money import ZERO
from tradehall.domain.order import OrderRole, Side

_encode: Final = msgspec.json.Encoder().encode


class DealEntry(StrEnum):
    """Whether a deal opened, closed, or moved funds."""

    IN = "IN"
    OUT = "OUT"
    BALANCE = "BALANCE"


class Deal(Struct, frozen=True, gc=False, omit_defaults=True):
    """A deal at `at` [ns UTC]; `deal` is the fill's number, of funds the journal's.

    `lots`: units / contract size. Money in account currency, as booked: `profit` gross, `commission` and
    `swap` negative when charged; the swap of a closing is what its part had gathered. `role` and `source`
    tell why and through which door.
    """

    deal: int
    account_id: AccountId
    entry: DealEntry
    at: int
    ticket: PositionId = 0
    order_id: OrderId = 0
    symbol: str = ""
    side: Side | None = None
    lots: Decimal = ZERO
    price: Decimal = ZERO
    profit: Decimal = ZERO
    commission: Decimal = ZERO
    swap: Decimal = ZERO
    role: OrderRole | None = None
    source: str = ""
    strategy_id: str | None = None
    comment: str = ""


class DealRow(NamedTuple):
    """A deal; `is_funds` is 0 or 1, `body` the JSON of Deal."""

    deal_key: int
    account_id: AccountId
    ticket: int
    symbol: str
    is_funds: int
    at: int
    body: str


def deal_row(deal_key: int, deal: Deal) -> DealRow:
    """The row of a deal."""
    is_funds = int(deal.entry is DealEntry.BALANCE)
    return DealRow(deal_key, deal.account_id, deal.ticket, deal.symbol, is_funds, deal.at, _encode(deal).decode())


class DealQuery(Struct, frozen=True):
    """Deals of an account, newest first: `since` <= at < `until` [ns UTC]; None: any. `limit` is cut at PAGE_MAX."""

    account_id: AccountId
    ticket: int | None = None
    symbol: str | None = None
    is_funds: bool | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 100
    offset: int = 0
