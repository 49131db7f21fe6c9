"""The client door: REST and stream for a broker's terminals, in tickets and lots.

    client = Client(desk=desk, market=board, identity=identity, alerts=alerts, scripts=scripts, settings=settings,
                    watchlists=watchlists, assets=AssetInfo(board, clock), streams=streams, metrics=metrics,
                    answers=answers)
    stream = ClientStream(client)
    door = make_door(client, stream)

`board.subscribe(stream)`; `desk.listen(streams)`; `stream.start` and `stream.stop` with the app. A WebSocket whose
first text is this door's is handed to `stream.serve(session, first)`.
"""

from tradehall.faces.client.client import Client, ClientSettings
from tradehall.faces.client.routes import make_door
from tradehall.faces.client.stream import ClientStream

__all__ = ["Client", "ClientSettings", "ClientStream", "make_door"]
