"""Buy ten shares with a stop and a target, look at what came of it, close: the gateway through its SDK.

python examples/gateway_trade.py      (pip install tektii; GATEWAY_KEY=gw_… for another account than the open one)
"""

import os
from decimal import Decimal

from tektii import OrderRejectedError, TradingGateway

URL = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8080")

with TradingGateway(base_url=URL, api_key=os.environ.get("GATEWAY_KEY")) as gateway:
    quote = gateway.get_quote("AAPL")
    print(f"AAPL {quote.bid} / {quote.ask}")

    # Prices and amounts are decimal texts.
    stop, target = round(Decimal(quote.bid) * Decimal("0.9"), 2), round(Decimal(quote.ask) * Decimal("1.1"), 2)
    handle = gateway.submit_order(symbol="AAPL", side="buy", quantity="10", stop_loss=stop, take_profit=target)
    order = gateway.get_order(handle.id)
    print(f"Bought: {order.id} {order.filled_quantity} at {order.average_fill_price}")

    # What the rules do not allow is said with the numbers behind it.
    try:
        gateway.submit_order(symbol="AAPL", side="buy", quantity="10000000")
    except OrderRejectedError as refused:
        print(f"Refused: {refused}")

    position = next(each for each in gateway.list_positions() if each.symbol == "AAPL")
    print(f"Position: {position.id} {position.quantity}, unrealized {position.unrealized_pnl}")
    gateway.close_position(position.id)
    print(f"Equity: {gateway.get_account().equity}")
