"""What became of a command, and the fingerprint that tells a repeat from another wish."""

from decimal import Decimal
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tradehall.domain.order import Order, OrderTerms
from tradehall.domain.rejection import Rejection
from tradehall.engine.events import AnyEvent


class Outcome(Struct, frozen=True):
    """The durable answer to a command.

    `events`: what the command made happen, and then what the venue answered at once. `order`: the order
    it made or found, as it stood at that moment. `rejection`: why the wish was refused. `is_repeat`: an
    earlier request with the same client order id stands; nothing happened.
    """

    events: tuple[AnyEvent, ...] = ()
    order: Order | None = None
    rejection: Rejection | None = None
    is_repeat: bool = False


class ShardUnavailable(Exception):
    """No decision can be made durable now; nothing of the wish was kept. `reason` is one sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# The door, its settings, the name under which it is asked for and the spelling of the symbol are no part of the wish.
_NOT_THE_WISH: Final = {"source": "", "client_order_id": None, "symbol_asked": None, "exits_live_ns": None}
_DECIMALS: Final = tuple(name for name, kind in get_type_hints(OrderTerms).items() if kind in (Decimal, Decimal | None))
_decimals: Final = attrgetter(*_DECIMALS)
_encode: Final = msgspec.json.Encoder().encode
# Copied for each wish: setting one up costs as much as the digest itself.
_HASHING: Final = blake2b(digest_size=16)


def request_digest(terms: OrderTerms) -> str:
    """Fingerprint of the wish in `terms`, 32 hex digits: equal for numerically equal terms, whatever the door.

    It is kept for ever, so it must not change with the program: fields at their default are left out, and a
    field that is added later leaves the fingerprints of all earlier wishes as they were.
    """
    wish: dict[str, Any] = dict(_NOT_THE_WISH)
    for name, value in zip(_DECIMALS, _decimals(terms), strict=True):
        if value is not None:
            wish[name] = value.normalize()
    hashing = _HASHING.copy()
    hashing.update(_encode(replace(terms, **wish)))
    return hashing.hexdigest()
