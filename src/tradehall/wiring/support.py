"""The support door of a house."""

from tradehall.app.support.locking import Locking
from tradehall.faces.support import Support
from tradehall.wiring.house import House


def make_support(house: House) -> Support:
    """The rooms behind the support door."""
    studio = house.studio
    locking = Locking(house.identity, studio.room, house.desk, studio.ledgers, house.trail, studio.supervisor.look)
    return Support(
        access=house.access,
        identity=house.identity,
        desk=house.desk,
        market=house.market,
        room=studio.room,
        strategies=studio.strategies,
        deletion=studio.deletion,
        marketplace=studio.marketplace,
        deployments=studio.deployments,
        runner=studio.runner,
        backtests=studio.backtests,
        scanners=studio.scanners,
        watch=studio.watch,
        store=studio.store,
        locking=locking,
        trail=house.trail,
        answers=studio.answers,
    )
