"""Sign in, buy 0.10 lots EURUSD with a stop, look at the ticket, close it: the client door in a screen.

CLIENT_LOGIN=700001 CLIENT_PASSWORD=… python examples/client_trade.py      (pip install httpx)
"""

import os

import httpx

BASE = os.environ.get("CLIENT_URL", "http://127.0.0.1:8080")

with httpx.Client(base_url=BASE) as client:
    # A token for the rest.
    who = {"login": int(os.environ["CLIENT_LOGIN"]), "password": os.environ["CLIENT_PASSWORD"]}
    profile = client.post("/sign/in", json=who).raise_for_status().json()
    client.headers["Authorization"] = profile["__token"]
    print(f"Hello {profile['name']}, leverage 1:{profile['leverage']}")

    # A trade: volume is hundredths of a lot, and a stop of 0 is none.
    symbol = client.get("/market/symbol", params={"symbol": "EURUSD"}).json()
    stop = round(symbol["bid"] - 0.005, symbol["digits"])
    wish = {"cmd": 0, "symbol": "EURUSD", "volume": 10, "sl": stop, "tp": 0}
    answer = client.post("/trade/open", json=wish)
    if answer.is_error:
        raise SystemExit(f"Refused: {answer.json()['error']}: {answer.json()['message']}")
    ticket = answer.json()["order"]

    # Tables name their columns once.
    trades = client.get("/trades", params={"tradeType": 1, "where": f'[["order", {ticket}]]'}).json()
    row = dict(zip(trades["structure"], trades["rows"][0], strict=True))
    print(f"Open: #{row['order']} at {row['open_price']}, stop {row['sl']}, profit {row['profit']:+.2f}")

    client.request("DELETE", "/trade/close", json={"order": ticket}).raise_for_status()
    me = client.get("/account/me").json()
    print(f"Closed. Balance: {me['balance']:.2f}  Equity: {me['equity']:.2f}")
