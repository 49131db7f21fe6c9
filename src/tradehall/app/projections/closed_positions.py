"""The view of closed positions."""

from typing import Final

import msgspec

from tradehall.app.projections.facts import Facts
from tradehall.app.projections.ledger import ENTRIES_PER_RECORD_BITS
from tradehall.engine.events import PositionClosed
from tradehall.engine.state import State
from tradehall.ports.views import ClosedPosition, ClosedPositionRow, ViewRows

_encoder: Final = msgspec.json.Encoder()


def project_closed_position(event: PositionClosed, index: int, facts: Facts, state: State, rows: ViewRows) -> None:
    """A row per position that went flat."""
    position = event.position
    closed = ClosedPosition(position, event.closed_at, event.exit_price, event.reason)
    rows.closed_positions.append(
        ClosedPositionRow(
            (facts.seq << ENTRIES_PER_RECORD_BITS) + index,
            position.position_id,
            position.account_id,
            position.symbol,
            event.closed_at,
            _encoder.encode(closed).decode(),
        )
    )
