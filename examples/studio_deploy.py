"""A strategy without code from its making to its end: said in words, backtested, deployed, asked why, stopped.

CLIENT_LOGIN=700001 CLIENT_PASSWORD=… python examples/studio_deploy.py      (pip install httpx)
"""

import os
import time

import httpx

BASE = os.environ.get("CLIENT_URL", "http://127.0.0.1:8080")
DEFINITION = {
    "inputs": {"fast": {"indicator": "EMA", "of": "close", "period": 10}},
    "rules": [
        {"when": {"crosses_above": ["close", "fast"]}, "do": [{"open": "long", "stop_loss": {"percent": "1"}}]},
        {"when": {"crosses_below": ["close", "fast"]}, "do": [{"close": "long"}]},
    ],
}


def until(client: httpx.Client, path: str, *states: str) -> dict[str, object]:
    """What is at `path` once its state is one of `states`."""
    while (found := client.get(path).raise_for_status().json())["state"] not in states:
        time.sleep(0.2)
    return dict(found)


with httpx.Client(base_url=BASE, timeout=30) as client:
    who = {"login": int(os.environ["CLIENT_LOGIN"]), "password": os.environ["CLIENT_PASSWORD"]}
    client.headers["Authorization"] = client.post("/sign/in", json=who).raise_for_status().json()["__token"]
    client.base_url = BASE + "/api/studio/v1"

    wish = {"name": "Pullback", "symbol": "EURUSD", "timeframe": "1m", "definition": DEFINITION}
    strategy = client.post("/strategies", json=wish).raise_for_status().json()
    print(strategy["text"])

    costs = {"initial_cash": "10000", "costs": {"spread": "0.00002"}}
    run = client.post(f"/strategies/{strategy['id']}/backtests", json=costs).raise_for_status().json()
    tested = until(client, f"/backtests/{run['id']}", "completed", "failed", "cancelled")
    print(f"Backtest {tested['state']}: {tested['metrics']}")

    wish = {"strategy_id": strategy["id"], "size": "0.01", "size_type": "lots"}
    deployment = f"/deployments/{client.post('/deployments', json=wish).raise_for_status().json()['id']}"
    until(client, deployment, "running")
    why = client.get(f"{deployment}/why").raise_for_status().json()
    print(f"Why has it not traded? {why['summary']}")

    client.post(f"{deployment}/stop", json={"policy": "flatten"}).raise_for_status()
    print(f"Deployment {until(client, deployment, 'stopped')['state']}")
