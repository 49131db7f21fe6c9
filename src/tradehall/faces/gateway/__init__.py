"""The gateway door: REST and stream as the `tektii` SDK, and the contract it is made for, speak them.

    gateway = Gateway(desk=desk, market=board, access=access, breakers=Breakers(desk), streams=streams,
                      metrics=metrics, counters=Counters(metrics, "simulated", desk), settings=GatewaySettings())
    stream = GatewayStream(gateway)
    door = make_door(gateway, stream)

`board.subscribe(stream)`; `desk.listen` to `streams`, `gateway.breakers` and `gateway.counters`, whose `count` is for
`desk.writer.hear_records`; `stream.start` and `stream.stop` with the app, `stream.say_goodbye` before its sessions are
closed.
"""

from tradehall.app.subscriptions import Subscriptions
from tradehall.faces.gateway.counters import Counters
from tradehall.faces.gateway.errors import GatewayErrors, GatewayProblem
from tradehall.faces.gateway.gateway import Gateway, GatewaySettings
from tradehall.faces.gateway.paced import PacedStream
from tradehall.faces.gateway.routes import make_door
from tradehall.faces.gateway.stream import GatewayStream

__all__ = [
    "Counters", "Gateway", "GatewayErrors", "GatewayProblem", "GatewaySettings", "GatewayStream", "PacedStream",
    "Subscriptions", "make_door",
]  # fmt: skip
