"""Look at the account, buy 0.10 EURUSD, look at the positions: the terminal door in a screen.

TERMINAL_KEY=tk_test_… python examples/terminal_trade.py      (pip install httpx)
"""

import os

import httpx

BASE = os.environ.get("TERMINAL_URL", "http://127.0.0.1:8080") + "/v1"
HEADERS = {"Authorization": f"Bearer {os.environ['TERMINAL_KEY']}"}

# The account.
account = httpx.get(f"{BASE}/api/account", headers=HEADERS).json()["data"]
print(f"Balance: {account['balance']:.2f}  Equity: {account['equity']:.2f}")

# A trade.
order = {"symbol": "EURUSD", "action": "buy", "volume": 0.10, "sl": 1.0800, "tp": 1.0950}
result = httpx.post(f"{BASE}/api/trade", headers=HEADERS, json=order).json()
if result["success"]:
    print(f"Filled: #{result['data']['ticket']} at {result['data']['price']}")
else:
    print(f"Error: {result['error']}")

# The positions.
for position in httpx.get(f"{BASE}/api/positions", headers=HEADERS).json()["data"]:
    print(f"{position['symbol']} {position['type']} {position['volume']} {position['profit']:+.2f}")
