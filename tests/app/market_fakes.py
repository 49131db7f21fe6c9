"""A clock of one's own, quotes with a default for everything, and a listener that remembers."""

from decimal import Decimal

from tradehall.app.market import MarketBoard, MarketListener
from tradehall.app.staleness import DataStaleness
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.market import Bar, Print, Quote
from tradehall.domain.time import NS_PER_SECOND, from_rfc3339
from tradehall.ports.history import BarHistory, NoHistory

NOON = from_rfc3339("2025-01-15T12:00:00Z")


class FakeClock:
    def __init__(self, now: int = NOON) -> None:
        self.instant = now

    def now(self) -> int:
        return self.instant

    def pass_s(self, seconds: float) -> None:
        self.instant += round(seconds * NS_PER_SECOND)


def a_quote(
    bid: str = "150.00", ask: str | None = None, *, symbol: str = "AAPL", at: int = NOON, received_at: int | None = None
) -> Quote:
    price = Decimal(bid)
    return Quote(
        symbol=symbol,
        bid=price,
        ask=price + Decimal("0.01") if ask is None else Decimal(ask),
        at=at,
        received_at=at if received_at is None else received_at,
    )


def a_print(size: str = "5", *, price: str = "150.00", symbol: str = "AAPL", at: int = NOON) -> Print:
    return Print(symbol, Decimal(price), Decimal(size), at, at)


def a_board(
    clock: FakeClock | None = None, *, history: BarHistory | None = None, stale_after_s: int | None = 30
) -> MarketBoard:
    return MarketBoard(
        demo_instruments(),
        NoHistory() if history is None else history,
        FakeClock() if clock is None else clock,
        None if stale_after_s is None else stale_after_s * NS_PER_SECOND,
    )


class Ear(MarketListener):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_quote(self, quote: Quote) -> None:
        self.heard.append(quote)

    def on_bar(self, bar: Bar) -> None:
        self.heard.append(bar)

    def on_staleness(self, staleness: DataStaleness) -> None:
        self.heard.append(staleness)

    def bars(self) -> list[Bar]:
        return [heard for heard in self.heard if isinstance(heard, Bar)]

    def staleness(self) -> list[DataStaleness]:
        return [heard for heard in self.heard if isinstance(heard, DataStaleness)]
