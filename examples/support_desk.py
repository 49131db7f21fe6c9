"""Why did it not trade? A support desk's answer: a token of its own making, the user, his trades, one order explained.

SUPPORT_DOMAIN=demo.example SUPPORT_SECRET=… SUPPORT_USER=client@demo.example [SUPPORT_ORDER=ord_7300001] \
    python examples/support_desk.py

`tradehall demo` prints domain and secret.      (pip install httpx pyjwt)
"""

import os
import time

import httpx
import jwt

BASE = os.environ.get("SUPPORT_URL", "http://127.0.0.1:8080") + "/api/support/v1"

# The partner signs its own tokens: who asks, in which role, for at most 180 minutes.
claims = {
    "domain": os.environ["SUPPORT_DOMAIN"],
    "token_expiry": time.time() + 600,
    "role": "agent",
    "sub": "agent@demo.example",
}
token = jwt.encode(claims, os.environ["SUPPORT_SECRET"], algorithm="HS256")

with httpx.Client(base_url=BASE, headers={"Authorization": f"Bearer {token}"}) as desk:
    user = desk.get(f"/users/{os.environ['SUPPORT_USER']}").raise_for_status().json()
    print(f"{user['first_name']} {user['last_name']}, {user['status']}, accounts {user['account_logins']}")
    for deployment in desk.get(f"/users/{user['id']}/deployments").raise_for_status().json()["items"]:
        print(f"deployment {deployment['id']}: {deployment['state']}")

    # Round trips: from entry to flat, a partial close is part of one.
    trades = desk.get(f"/users/{user['id']}/trades", params={"size": 5}).raise_for_status().json()
    for trade in trades["items"]:
        print(f"trade {trade['id']}: {trade['symbol']} {trade['side']} {trade['status']}, net {trade['net_pnl']}")

    # One order, from the journal: each step, decided again and compared.
    if order := os.environ.get("SUPPORT_ORDER"):
        life = desk.get(f"/orders/{order}/explain").raise_for_status().json()
        print(life["text"])
        print(f"decided again: {'the same' if life['redecided']['same'] else 'differently'}")

    for entry in desk.get("/audit", params={"user": user["id"], "size": 3}).raise_for_status().json()["items"]:
        print(f"{entry['at']} {entry['actor']} {entry['action']}")
