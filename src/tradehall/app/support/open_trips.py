"""Trips that may still change, as they are folded and kept over a restart."""

from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Struct, field

from tradehall.analytics.round_trips import OpenTrip
from tradehall.domain.ids import OrderId
from tradehall.domain.money import ZERO
from tradehall.domain.order import OrderRole, OrderTerms


class Opening(Struct, gc=False):
    """An entry order that has not filled: the trip it may become. `amended_at`: the last time, 0: never."""

    trip_id: int
    order_id: OrderId
    terms: OrderTerms
    at: int
    deployment_id: int | None
    amended_at: int = 0


class Facts(Struct):
    """What is known of an open trip beside its sums.

    `exits`: its working exit orders, and what they are called. Of a netting account's position (`is_beside`):
    `books_pnl`, what of it strategies' books have, and `has_hand`, whether anything else is in it.
    """

    trip_id: int
    created_at: int
    updated_at: int
    deployment_id: int | None = None
    keygen: str | None = None
    order_price: Decimal | None = None
    stop_loss: Decimal | None = None
    target: Decimal | None = None
    exits: dict[OrderId, str] = field(default_factory=dict)
    books_pnl: Decimal = ZERO
    is_beside: bool = False
    has_hand: bool = True
    is_told: bool = False


class Kept(Struct):
    """An open trip as it is kept over a restart."""

    key: str
    trip: OpenTrip
    facts: Facts


encode: Final = msgspec.json.Encoder().encode
decode_kept: Final = msgspec.json.Decoder(Kept).decode
decode_opening: Final = msgspec.json.Decoder(Opening).decode


def opens(terms: OrderTerms, role: OrderRole) -> bool:
    """Whether an order may open a position: it is not one that only reduces."""
    return role is OrderRole.ENTRY and not terms.reduce_only and terms.position_id is None
