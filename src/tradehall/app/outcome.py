"""What became of a command, and the fingerprint that tells a repeat from another wish."""

from hashlib import blake2b
from typing import Final

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


_encode: Final = msgspec.json.Encoder().encode
# Copied for each wish: setting one up costs as much as the digest itself.
_HASHING: Final = blake2b(digest_size=16)


def request_digest(terms: OrderTerms) -> str:
    """Fingerprint of the wish in `terms`, 32 hex digits: equal for numerically equal terms, whatever the door.

    It is kept for ever, so it must not change with the program: fields at their default are left out, and a
    field that is added later leaves the fingerprints of all earlier wishes as they were.
    """
    hashing = _HASHING.copy()
    hashing.update(_encode(_wish(terms)))
    return hashing.hexdigest()


def _wish(terms: OrderTerms) -> OrderTerms:
    """`terms` without what is no part of the wish, and each number in its shortest form.

    The door, its settings, the name under which it is asked for and the spelling of the symbol are no part.
    """
    return replace(
        terms,
        source="",
        client_order_id=None,
        symbol_asked=None,
        exits_live_ns=None,
        quantity=terms.quantity.normalize(),
        limit_price=None if terms.limit_price is None else terms.limit_price.normalize(),
        stop_price=None if terms.stop_price is None else terms.stop_price.normalize(),
        trailing_distance=None if terms.trailing_distance is None else terms.trailing_distance.normalize(),
        stop_loss=None if terms.stop_loss is None else terms.stop_loss.normalize(),
        take_profit=None if terms.take_profit is None else terms.take_profit.normalize(),
        display_quantity=None if terms.display_quantity is None else terms.display_quantity.normalize(),
        leverage=None if terms.leverage is None else terms.leverage.normalize(),
    )
