"""Bodies that the broker layer answers with."""

from typing import Any

from msgspec import Struct


class Message(Struct, frozen=True):
    """A write that was done."""

    message: str


class Rows(Struct, frozen=True):
    """A page; the rows stand once more under the name of what they are."""

    items: list[dict[str, Any]]
    total: int
    page: int
    size: int
    pages: int


class Records(Struct, frozen=True):
    """The newest `limit` of `total` orders."""

    records: list[dict[str, Any]]
    total: int


class ShortMetrics(Struct, frozen=True, rename={"total_return": "return"}):
    """Fractions, not percent."""

    total_return: float | None
    sharpe_ratio: float | None
    max_drawdown: float
    win_rate: float | None
    pnl: str


class ShortPerformance(Struct, frozen=True):
    """What a deployment brought."""

    strategy_id: int
    deployment_id: int
    metrics: ShortMetrics
