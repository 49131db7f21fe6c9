"""The dashboard door: the whole house, as operators see and steer it; and what the web page lives on.

    counts = HouseCounts(desk)
    dashboard = Dashboard(desk=desk, market=board, access=access, trail=trail, book=room.book, registry=registry,
                          signals=deployment_store, sums=FillSums(views), equity=EquityHistory(desk, store),
                          orders=HouseOrders(desk, counts), counts=counts, settings=DashboardSettings())
    stream = DashboardStream(dashboard)
    door = make_door(dashboard, stream)

`board.subscribe(stream)`; `desk.listen` to `stream` and `dashboard.equity`; `stream.start` and `stream.stop` with
the app, `stream.say_goodbye` before its sessions are closed.
"""

from tradehall.faces.dashboard.dashboard import Dashboard, DashboardSettings
from tradehall.faces.dashboard.figures import Figures
from tradehall.faces.dashboard.routes import make_door
from tradehall.faces.dashboard.stream import DashboardStream

__all__ = ["Dashboard", "DashboardSettings", "DashboardStream", "Figures", "make_door"]
