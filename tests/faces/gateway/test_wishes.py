"""A request's words, as terms of an order."""

from decimal import Decimal

from tradehall.domain.account import Account, AccountTerms, PositionMode
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.order import MarginMode, OrderTerms, OrderType, Side, TimeInForce, TrailingType
from tradehall.faces.gateway.requests import OrderRequest
from tradehall.faces.gateway.wishes import to_terms
from tradehall.faces.kit import decode_bytes

EVERYTHING = (
    b'{"symbol":"eur-usd","side":"Sell","quantity":"1","order_type":"Stop_Limit","limit_price":"2","stop_price":"3",'
    b'"trailing_distance":"4","trailing_type":"percent","time_in_force":"Day","client_order_id":"mine",'
    b'"stop_loss":"5","take_profit":"6","reduce_only":true,"post_only":true,"hidden":true,"display_quantity":"0.7",'
    b'"oco_group_id":"group","leverage":"8","margin_mode":"isolated","position_id":"pos_9","strategy_id":"asked"}'
)


def test_whatever_a_request_says_stands_in_its_own_place():
    account = Account(AccountTerms(700_001, "USD", position_mode=PositionMode.HEDGING))
    request = decode_bytes(EVERYTHING, OrderRequest)
    assert to_terms(request, account, demo_instruments()["EURUSD"], "of the key", 10) == OrderTerms(
        account_id=700_001,
        symbol="EURUSD",
        side=Side.SELL,
        type=OrderType.STOP_LIMIT,
        quantity=Decimal(1),
        limit_price=Decimal(2),
        stop_price=Decimal(3),
        trailing_distance=Decimal(4),
        trailing_type=TrailingType.PERCENT,
        time_in_force=TimeInForce.DAY,
        client_order_id="mine",
        stop_loss=Decimal(5),
        take_profit=Decimal(6),
        reduce_only=True,
        post_only=True,
        hidden=True,
        display_quantity=Decimal("0.7"),
        oco_group_id="group",
        leverage=Decimal(8),
        margin_mode=MarginMode.ISOLATED,
        position_id=9,
        strategy_id="of the key",
        source="gateway",
        symbol_asked="eur-usd",
        exits_live_ns=10,
    )
