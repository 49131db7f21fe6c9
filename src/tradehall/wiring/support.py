"""The support door of a house, and the rooms that are its own: round trips and executions."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from tradehall.adapters.executions import FileTrips
from tradehall.app.access import Access
from tradehall.app.audit import AuditTrail
from tradehall.app.audit_export import AuditExports
from tradehall.app.explain import Explainer
from tradehall.app.past import Past
from tradehall.app.support.adjusting import Adjusting
from tradehall.app.support.attribution import Attribution
from tradehall.app.support.figures import ExecutionFigures, PerformanceFigures
from tradehall.app.support.keeping import TripKeeper
from tradehall.app.support.locking import Locking
from tradehall.app.support.overlays import Overlays
from tradehall.app.support.trips import Trips
from tradehall.faces.support import Support
from tradehall.ports.bookkeeping import Bookkeeper
from tradehall.ports.journal import Journal
from tradehall.wiring.studio import StudioRooms

# Who carries out orders on paper.
PROVIDER: Final = "simulated"
Begin = Callable[[str, Coroutine[Any, Any, None]], None]


class SupportRooms:
    """Everything behind the support door that is nobody else's. Made with the house; `open` belongs to its loop."""

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        studio: StudioRooms,
        trail: AuditTrail,
        bookkeeper: Bookkeeper | None = None,
    ) -> None:
        desk, identity, book = studio.desk, studio.identity, studio.room.book
        self._studio = studio
        self._trail = trail
        self.store = store = FileTrips(folder)
        self.overlays = Overlays(studio.room.store)
        self.keeper = TripKeeper(desk, journal, store, Attribution(lambda: book), self.overlays, bookkeeper)
        desk.listen(self.keeper)
        desk.writer.hear_durable(self.keeper.on_durable)
        self.trips = Trips(desk, identity.book, book, self.keeper, store, self.overlays)
        self.adjusting = Adjusting(desk, identity.book, self.trips, self.overlays, self.keeper)
        self.executions = ExecutionFigures(desk, self.keeper, store, PROVIDER)
        self.performance = PerformanceFigures(desk, self.keeper, store, studio.ledgers)
        self.locking = Locking(identity, studio.room, desk, studio.ledgers, trail, studio.supervisor.look)

    def open(self, begin: Begin) -> None:
        """Keep up with the journal from now on."""
        self.store.lay_over(self.overlays.all())
        begin("trips", self.keeper.run())

    def close(self) -> None:
        """Let go of the files."""
        self.keeper.close()
        self.store.close()

    def door(self, access: Access, explainer: Explainer, past: Past, exports: AuditExports) -> Support:
        """What the support door works with."""
        studio = self._studio
        return Support(
            access=access,
            identity=studio.identity,
            desk=studio.desk,
            market=studio.market,
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
            locking=self.locking,
            trips=self.trips,
            adjusting=self.adjusting,
            executions=self.executions,
            performance=self.performance,
            trail=self._trail,
            exports=exports,
            explainer=explainer,
            past=past,
            answers=studio.answers,
        )
