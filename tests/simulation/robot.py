"""A program that trades through the gateway with what its environment says; with `--dies` it ends after one order."""

import os
import sys
import time

import httpx

gateway = httpx.Client(
    base_url=os.environ["TRADING_GATEWAY_URL"],
    headers={"authorization": f"Bearer {os.environ['TRADING_GATEWAY_API_KEY']}"},
)
while True:
    wish = {"symbol": "EURUSD", "side": "BUY", "quantity": "1000", "order_type": "MARKET"}
    answer = gateway.post("/v1/orders", json=wish)
    print(answer.status_code, answer.text)
    if "--dies" in sys.argv:
        sys.exit(3)
    time.sleep(0.3)
