"""The dashboard door of a house."""

from tradehall.adapters.feeds.simulated import SimulatedFeed
from tradehall.app.house_orders import HouseOrders
from tradehall.faces.dashboard import Dashboard, DashboardSettings
from tradehall.wiring.feeds import REPLAY
from tradehall.wiring.house import House


def make_dashboard(house: House) -> Dashboard:
    """The rooms behind the dashboard door."""
    desk, studio, config = house.desk, house.studio, house.config
    settings = DashboardSettings(
        is_open=(config.dashboard_auth or ("open" if config.is_on_loopback else "token")) == "open",
        mode=_mode(house),
        feed=config.feed,
        started_at=house.clock.now(),
    )
    return Dashboard(
        desk=desk,
        market=house.market,
        past=house.past,
        access=house.access,
        trail=house.trail,
        book=studio.room.book,
        registry=studio.registry,
        signals=studio.store,
        sums=house.fill_sums,
        equity=house.equity,
        orders=HouseOrders(desk, house.counts),
        counts=house.counts,
        settings=settings,
    )


def _mode(house: House) -> str:
    """The badge: where money and prices come from, the loudest word that is true."""
    if house.config.mode != "paper":
        return house.config.mode.upper()
    if isinstance(house.feed, SimulatedFeed):
        return "SIMULATED"
    return "REPLAY" if house.config.feed.startswith(REPLAY) else "PAPER"
