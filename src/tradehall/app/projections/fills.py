"""The view of fills."""

from typing import Final

import msgspec

from tradehall.app.projections.facts import Facts
from tradehall.engine.events import OrderFilled
from tradehall.engine.state import State
from tradehall.ports.views import FillRow, ViewRows

_encoder: Final = msgspec.json.Encoder()


def project_fill(event: OrderFilled, index: int, facts: Facts, state: State, rows: ViewRows) -> None:
    """A row per fill."""
    fill = event.fill
    order = state.order(fill.order_id)
    rows.fills.append(
        FillRow(
            fill.fill_id,
            fill.order_id,
            fill.account_id,
            fill.symbol,
            fill.at,
            str(fill.side),
            fill.strategy_id,
            int(order is None or order.fill_count == 1),
            _encoder.encode(fill).decode(),
        )
    )
