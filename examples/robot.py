"""A program that trades as a strategy with a book and a budget of its own: breaks of the last minutes' range.

tradehall deploy examples/robot.py --account 700200 --budget USD:500 --on-stop flatten      (pip install tektii)

`tradehall deploy` runs it beside the server, again when it ends, and hands it the gateway and a key in its environment.
"""

import os
import time
from collections import deque
from decimal import Decimal

from tektii import OrderRejectedError, TradingGateway

LOOKS = int(os.environ.get("ROBOT_LOOKS", "60"))
REST_S = float(os.environ.get("ROBOT_REST_S", "1"))

seen: deque[Decimal] = deque(maxlen=LOOKS)
side = ""
with TradingGateway(
    base_url=os.environ["TRADING_GATEWAY_URL"], api_key=os.environ["TRADING_GATEWAY_API_KEY"]
) as gateway:
    while True:
        quote = gateway.get_quote("EURUSD")
        middle = (Decimal(quote.bid) + Decimal(quote.ask)) / 2
        if len(seen) == LOOKS and not min(seen) <= middle <= max(seen):
            now = "buy" if middle > max(seen) else "sell"
            if now != side:
                try:
                    order = gateway.submit_order(symbol="EURUSD", side=now, quantity="1000")
                    print(f"{now} at {middle}: {order.id}", flush=True)
                    side = now
                except OrderRejectedError as refused:
                    print(f"refused: {refused}", flush=True)
        seen.append(middle)
        time.sleep(REST_S)
