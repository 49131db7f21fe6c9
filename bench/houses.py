"""A house with a past: a million orders of several accounts, symbols and ends, a strategy's among them."""

from decimal import Decimal
from pathlib import Path
from typing import Final

from bench.journals import Sink
from bench.worlds import World, limit
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.demo import CLIENT_ACCOUNT, HOUSE_ACCOUNT
from tradehall.app.recovery import rebuild_views
from tradehall.app.snapshots import Snapshots
from tradehall.domain.account import PositionMode
from tradehall.domain.order import OrderTerms, OrderType, Side
from tradehall.engine.commands import CancelOrder, ClosePosition, PlaceOrder, RegisterStrategy

KEYGEN: Final = "7c1f4a52-6d1b-4f3e-9a60-0b8f2d5e1c47"
SYMBOLS: Final = {
    "EURUSD": ("1.08700", "1.08708"), "AAPL": ("149.99", "150.01"), "MSFT": ("410.00", "410.02"),
    "GBPUSD": ("1.26700", "1.26709"), "BTCUSD": ("61000", "61010"),
}  # fmt: skip
# The world's clock ticks when it is used, and old quotes are refused.
ROUNDS_PER_QUOTE: Final = 1_000
# Of 20 orders so many are closes and their openings on the client's account, market orders, refused, cancelled.
ROUND: Final = 20
NS_PER_ORDER: Final = 1_450_000


def write_house(data: Path, *, orders: int) -> None:
    """A journal in `data` with `orders` ended orders, one each NS_PER_ORDER, as a demo server would find it.

    A tenth belongs to the strategy KEYGEN on HOUSE_ACCOUNT; a fifth are round trips of CLIENT_ACCOUNT; one in twenty
    was refused, a quarter filled on HOUSE_ACCOUNT, the rest cancelled.
    """
    store = SqliteStore(data, _give_up)
    rebuild_views(store.journal, store.view_store)
    sink = Sink(store, None)
    world = World(sink.take)
    sink.world = world
    for symbol, bid, ask in (
        ("MSFT", "410.00", "410.02"),
        ("GBPUSD", "1.26700", "1.26709"),
        ("BTCUSD", "61000", "61010"),
    ):
        world.quote(symbol, bid, ask)
    world.account(HOUSE_ACCOUNT)
    world.account(CLIENT_ACCOUNT, PositionMode.HEDGING)
    world.submit(RegisterStrategy(HOUSE_ACCOUNT, KEYGEN))
    for number in range(orders // ROUND):
        if number % ROUNDS_PER_QUOTE == 0:
            for symbol, (bid, ask) in SYMBOLS.items():
                world.quote(symbol, bid, ask)
        _round(world, number)
    sink.flush()
    Snapshots(data / "snapshots").write(world.state, store.journal.head)
    store.close()


def _round(world: World, number: int) -> None:
    """ROUND orders, all of which have ended after it."""
    symbol = list(SYMBOLS)[number % len(SYMBOLS)]
    for _ in range(2):
        world.submit(_market(CLIENT_ACCOUNT, symbol, Side.BUY))
        (position,) = world.state.accounts[CLIENT_ACCOUNT].positions
        world.submit(ClosePosition(CLIENT_ACCOUNT, position))
    for side in Side:
        world.submit(_market(HOUSE_ACCOUNT, symbol, side))
        world.submit(_market(HOUSE_ACCOUNT, symbol, side, strategy_id=KEYGEN))
        world.submit(_market(HOUSE_ACCOUNT, "AAPL", side))
    world.submit(_market(HOUSE_ACCOUNT, "AAPL", Side.BUY, "1000000000"))  # Refused.
    for each in range(9):
        world.submit(limit(HOUSE_ACCOUNT, number + each, client_id=f"old-{number}-{each}"))
        world.submit(CancelOrder(HOUSE_ACCOUNT, world.state.next_order_id - 1))


def _market(
    login: int, symbol: str, side: Side, quantity: str = "0.01", *, strategy_id: str | None = None
) -> PlaceOrder:
    terms = OrderTerms(login, symbol, side, OrderType.MARKET, Decimal(quantity), strategy_id=strategy_id)
    return PlaceOrder(terms)


def _give_up(error: BaseException) -> None:
    raise error
