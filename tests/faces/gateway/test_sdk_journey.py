"""The published SDK, unmodified, against the real server process: every method, sync, async and streaming."""

import asyncio
import decimal
import gc
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tektii import (
    AsyncTradingGateway,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    OrderRejectedError,
    TradingGateway,
)
from tektii.models import AccountEvent, CandleEvent, ConnectionEvent, OrderEvent, PositionEvent, QuoteEvent, TradeEvent

# The SDK leaves loops and sockets of its own to the garbage collector.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

READY_WITHIN_S = 30


@pytest.fixture(scope="module")
def base_url(tmp_path_factory):
    """A server with the demo in a folder of its own."""
    folder = tmp_path_factory.mktemp("server")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TRADEHALL_", "GATEWAY_"))}
    command = [sys.executable, "-m", "tradehall", "serve", "--demo", "--port", "0", "--dashboard-port", "0",
               "--data", str(folder)]  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=folder)
    try:
        wait_until_ready(server, folder)
        yield json.loads((folder / "demo.json").read_text())["base_url"]
    finally:
        server.terminate()
        assert server.wait(timeout=10) == 0, (folder / "log").read_text()[-2000:]
    verify = [sys.executable, "-m", "tradehall", "verify", "--data", str(folder)]
    checked = subprocess.run(verify, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    assert checked.returncode == 0, f"what the journeys left does not follow from the journal: {checked}"


@pytest.fixture(autouse=True)
def no_litter():
    """What the SDK leaves lying about is collected here, where it is known."""
    yield
    gc.collect()


def wait_until_ready(server, folder):
    deadline = time.monotonic() + READY_WITHIN_S
    while b"Ready." not in (folder / "log").read_bytes():
        assert server.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def arithmetic_of_a_strangers_process():
    """The SDK's threads calculate with the 28 digits of a plain Python, not with those of the house."""
    with decimal.localcontext(decimal.Context(prec=28)):
        yield


@pytest.fixture
def gateway(base_url):
    with TradingGateway(base_url=base_url) as gateway:
        yield gateway
        gateway.cancel_all_orders()
        gateway.close_all_positions()


def test_the_system_answers_in_every_method_of_the_sdk(gateway):
    health = gateway.get_health()
    assert health.status == "connected"
    assert health.providers[0].connected
    assert gateway.get_status().connected
    capabilities = gateway.get_capabilities()
    assert "MARKET" in capabilities.supported_order_types
    assert {"bracket_orders", "oco", "trailing_stop"} <= set(capabilities.features)
    assert gateway.get_circuit_breakers().adapter.state == "closed"
    assert gateway.reset_circuit_breakers().exit_order.state == "closed"
    with pytest.raises(ConflictError):
        gateway.reset_circuit_breakers()
    account = gateway.get_account()
    assert account.currency == "USD"
    assert Decimal(account.balance) > 0


@pytest.mark.parametrize("symbol", ["AAPL", "BTC/USD", "BTCUSD", "EUR/USD", "USD/JPY"])
def test_every_market_quotes_and_has_bars(gateway, symbol):
    quote = gateway.get_quote(symbol)
    assert quote.symbol == symbol
    assert 0 < Decimal(quote.bid) < Decimal(quote.ask)
    bars = gateway.get_bars(symbol, "1m")
    assert len(bars) == 100
    now = datetime.now(tz=UTC)
    day = gateway.get_bars(symbol, "1h", start=now - timedelta(days=1), end=now)
    assert 23 <= len(day) <= 25
    assert [bar.timestamp for bar in day] == sorted(bar.timestamp for bar in day)
    again = gateway.get_bars(symbol, "1h", start=now - timedelta(days=1), end=now - timedelta(hours=2))
    assert again == day[: len(again)], "history does not change between reads"


def test_an_order_fills_becomes_a_position_and_is_closed(gateway):
    handle = gateway.submit_order("AAPL", "buy", "1")
    order = gateway.get_order(handle.id)
    assert (order.status, order.filled_quantity) == ("FILLED", "1")
    assert order.average_fill_price
    [trade] = gateway.list_trades(order_id=handle.id)
    assert trade.symbol == "AAPL"
    assert handle.id in [past.id for past in gateway.get_order_history()]
    [position] = gateway.list_positions(symbol="AAPL")
    assert gateway.get_position(position.id).side == "LONG"
    gateway.close_position(position.id, quantity="0.25")
    assert gateway.get_position(position.id).quantity == "0.75"
    assert gateway.close_position(position.id, cancel_associated_orders=True).status == "FILLED"
    assert gateway.list_positions(symbol="AAPL") == []


def test_a_resting_order_is_changed_and_cancelled(gateway):
    far_below = Decimal(gateway.get_quote("AAPL").bid) * Decimal("0.5")
    handle = gateway.submit_order("AAPL", "buy", "1", "limit", limit_price=far_below, client_order_id="journey-1")
    assert gateway.submit_order(
        "AAPL", "buy", "1", "limit", limit_price=far_below, client_order_id="journey-1"
    ) == handle  # fmt: skip
    assert gateway.get_order(handle.id).status == "OPEN"
    result = gateway.modify_order(handle.id, quantity="2")
    assert (result.order.quantity, result.previous_order_id) == ("2", None)
    assert gateway.get_order(handle.id).quantity == "2"
    [listed] = gateway.list_orders(symbol="AAPL", status=["OPEN", "PARTIALLY_FILLED"], side="BUY")
    assert listed.id == handle.id
    assert gateway.cancel_order(handle.id).success
    assert gateway.cancel_order(handle.id).order.status == "CANCELLED"
    with pytest.raises(ConflictError):
        gateway.modify_order(handle.id, quantity="3")


def test_a_strategy_sizes_by_equity_and_brackets_its_entry(gateway):
    quantity = gateway.quantity_for_notional("BTC/USD", equity_fraction=0.10)
    price = Decimal(gateway.get_quote("BTC/USD").ask)
    handle = gateway.submit_order(
        "BTC/USD", "buy", quantity, stop_loss=price * Decimal("0.9"), take_profit=price * Decimal("1.1")
    )
    assert gateway.get_order(handle.id).quantity == str(quantity)
    legs = gateway.list_orders(symbol="BTC/USD")
    assert sorted(leg.order_type for leg in legs) == ["LIMIT", "STOP"]
    assert gateway.quantity_for_notional("AAPL", notional="5000", price="100") == 50
    assert len(gateway.close_all_positions(symbol="BTC/USD")) == 1
    assert gateway.list_orders() == []


def test_every_order_type_is_taken(gateway):
    price = Decimal(gateway.get_quote("AAPL").ask)
    high, low = price * Decimal("1.2"), price * Decimal("0.8")
    gateway.submit_order("AAPL", "buy", "1", "stop", stop_price=high, oco_group_id="journey")
    gateway.submit_order("AAPL", "buy", "1", "stop_limit", stop_price=high, limit_price=high, oco_group_id="journey")
    gateway.submit_order("AAPL", "sell", "1", "trailing_stop", trailing_distance="5", trailing_type="percent")
    gateway.submit_order("AAPL", "buy", "9", "limit", limit_price=low, post_only=True, display_quantity="1",
                         time_in_force="day", hidden=False, leverage="5", margin_mode="cross")  # fmt: skip
    assert len(gateway.list_orders()) == 4
    assert len(gateway.list_orders(oco_group_id="journey")) == 2
    assert gateway.cancel_all_orders(symbol="AAPL").cancelled_count == 4


def test_errors_become_the_sdks_exceptions(gateway, base_url):
    with pytest.raises(NotFoundError):
        gateway.get_order("nonexistent_order_id_12345")
    with pytest.raises(NotFoundError):
        gateway.get_position("nonexistent_position_id_12345")
    with pytest.raises(NotFoundError):
        gateway.get_quote("NO/SUCH")
    with pytest.raises(BadRequestError):
        gateway.submit_order("AAPL", "buy", "-1")
    with pytest.raises(OrderRejectedError) as refused:
        gateway.submit_order("AAPL", "buy", "1000000")
    assert refused.value.details["reject_reason"] == "INSUFFICIENT_MARGIN"
    with TradingGateway(base_url=base_url, api_key="gw_unknown") as stranger, pytest.raises(AuthenticationError):
        stranger.get_account()


def test_the_async_client_streams_what_its_orders_do(base_url):
    async def steps():
        async with AsyncTradingGateway(base_url=base_url) as gateway, gateway.stream() as stream:
            events = aiter(stream)
            first = await anext(events)
            assert isinstance(first, ConnectionEvent)
            handle = await gateway.submit_order("MSFT", "buy", "2", stop_loss="1", take_profit="100000")
            seen = [event async for event in until_balance(events)]
            kinds = [type(event) for event in seen]
            assert kinds == [OrderEvent, OrderEvent, TradeEvent, PositionEvent, AccountEvent]
            assert seen[1].order.id == handle.id
            [position] = await gateway.list_positions(symbol="MSFT")
            assert position.id == seen[3].position.id
            legs = [await anext_of(events, OrderEvent) for _ in range(2)]
            assert {leg.parent_order_id for leg in legs} == {handle.id}
            await gateway.close_position(position.id)
            assert isinstance(await anext_of(events, QuoteEvent), QuoteEvent)

    asyncio.run(asyncio.wait_for(steps(), 30))


async def until_balance(events):
    async for event in events:
        if not isinstance(event, QuoteEvent | CandleEvent):
            yield event
        if isinstance(event, AccountEvent):
            return


async def anext_of(events, kind):
    async for event in events:
        if isinstance(event, kind):
            return event
    raise AssertionError("the stream ended")


def test_the_sync_stream_yields_quotes_of_all_symbols(gateway):
    symbols = set()
    with gateway.stream() as events:
        for event in events:
            if isinstance(event, QuoteEvent):
                symbols.add(event.quote.symbol)
            if {"AAPL", "BTC/USD", "EUR/USD", "USD/JPY"} <= symbols:
                break
