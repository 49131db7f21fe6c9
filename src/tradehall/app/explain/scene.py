"""Scene: one record as seen from one order."""

from dataclasses import dataclass

from tradehall.domain.ids import OrderId
from tradehall.domain.instrument import Instrument
from tradehall.domain.order import OrderTerms
from tradehall.engine.record import Record


@dataclass(frozen=True, slots=True)
class Scene:
    """A decision, and what sentences about it need: the order, its terms before, its instrument, the account's
    currency.
    """

    record: Record
    order_id: OrderId
    terms: OrderTerms
    instrument: Instrument
    currency: str
