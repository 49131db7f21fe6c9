"""Follow EURUSD and what happens to the account, until COUNT frames have come: the terminal door's stream.

TERMINAL_KEY=tk_test_… python examples/terminal_stream.py      (pip install websockets)
"""

import json
import os

from websockets.sync.client import connect

URL = os.environ.get("TERMINAL_URL", "http://127.0.0.1:8080").replace("http", "ws", 1) + "/v1/api/ws"
COUNT = int(os.environ.get("COUNT", "20"))

with connect(URL) as stream:
    stream.send(json.dumps({"type": "auth", "apiKey": os.environ["TERMINAL_KEY"]}))
    stream.send(json.dumps({"type": "subscribe", "symbols": ["EURUSD"], "channels": ["positions", "account"]}))
    for _ in range(COUNT):
        frame = json.loads(stream.recv())
        if frame["type"] == "tick":
            print(f"{frame['symbol']} {frame['bid']} / {frame['ask']}")
        elif frame["type"] == "position":
            print(f"position #{frame['data']['ticket']} {frame['event']}")
        else:
            print(json.dumps(frame))
