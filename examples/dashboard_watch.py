"""What an operator looks at in the morning: strategies, their budgets, what was refused and why.

DASHBOARD_TOKEN=op_… python examples/dashboard_watch.py      (pip install httpx; on loopback no token is needed)
"""

import os

import httpx

BASE = os.environ.get("DASHBOARD_URL", "http://127.0.0.1:8080") + "/api"
TOKEN = os.environ.get("DASHBOARD_TOKEN")

with httpx.Client(base_url=BASE, headers={"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}) as house:
    budgets = house.get("/budget/registry").raise_for_status().json()
    for strategy in house.get("/trading/strategies").raise_for_status().json():
        print(f"{strategy['strategy_id']} {strategy['status']} on {strategy['account_id']}")
        for currency, entry in budgets.get(strategy["id"], {}).items():
            print(f"  {entry['reserved']:.2f} of {entry['allocated']:.2f} {currency} reserved")

    # An order that cannot pass: it is DENIED, kept, and explained with what would have passed.
    order = {
        "account_id": "700100", "instrument_id": "EURUSD.SIM", "side": "BUY", "order_type": "MARKET",
        "quantity": 100_000_000,
    }  # fmt: skip
    denied = house.post("/trading/orders", json=order).raise_for_status().json()
    why = house.get(f"/trading/orders/{denied['client_order_id']}/deny-reason").raise_for_status().json()
    print(f"{denied['status']}: {denied['reason']}; would pass: {why['context']['would_pass']}")

    sums = house.get("/trading/fills/summary").raise_for_status().json()
    print(f"{sums['fill_count']} fills of {sums['order_count']} orders")
    for entry in house.get("/trading/audit", params={"limit": 3}).raise_for_status().json():
        print(f"#{entry['seq']} {entry['actor']} {entry['action']} {entry['outcome']}")
