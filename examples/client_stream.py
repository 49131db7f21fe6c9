"""Follow EURUSD and what happens to the account, until COUNT frames have come: the client door's stream.

CLIENT_LOGIN=700001 CLIENT_PASSWORD=… python examples/client_stream.py      (pip install httpx websockets)
"""

import json
import os

import httpx
from websockets.sync.client import connect

BASE = os.environ.get("CLIENT_URL", "http://127.0.0.1:8080")
COUNT = int(os.environ.get("COUNT", "20"))

who = {"login": int(os.environ["CLIENT_LOGIN"]), "password": os.environ["CLIENT_PASSWORD"]}
token = httpx.post(f"{BASE}/sign/in", json=who).raise_for_status().json()["__token"]

with connect(BASE.replace("http", "ws", 1) + "/ws/client") as stream:
    stream.send(json.dumps({"authorization": token}))
    print(stream.recv())
    stream.send(json.dumps({"event": "subscribe", "data": ["EURUSD"]}))
    for _ in range(COUNT):
        frame = json.loads(stream.recv())
        if not isinstance(frame, list):
            print(frame)
        elif frame[0] == "t":
            print(f"{frame[1]} {frame[2]} / {frame[3]}")
        elif frame[0] == "o":
            print(f"ticket #{frame[1]} {frame[3]}: what happened {frame[-1]}, state {frame[12]}")
        elif frame[0] == "b":
            print(f"balance {frame[2]}, equity {frame[6]}")
        else:
            print(f"alert or notice: {frame}")
