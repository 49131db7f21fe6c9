"""The studio door: where strategies, backtests, deployments and scanners are made.

    studio = Studio(access=access, desk=desk, market=board, room=room, …)
    stream = StudioStream(studio, metrics)
    door = make_door(studio, stream)

`stream.start` and `stream.stop` with the app.
"""

from tradehall.faces.studio.routes import make_door
from tradehall.faces.studio.stream import StudioStream
from tradehall.faces.studio.studio import Studio

__all__ = ["Studio", "StudioStream", "make_door"]
