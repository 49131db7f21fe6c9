"""The client door of a house."""

from tradehall.app.asset_info import AssetInfo
from tradehall.app.records.scripts import Scripts
from tradehall.app.records.settings import Settings
from tradehall.app.records.watchlists import Watchlists
from tradehall.app.streams import AccountStreams
from tradehall.faces.client import Client
from tradehall.faces.kit import Metrics
from tradehall.wiring.house import House


def make_client(house: House, streams: AccountStreams, metrics: Metrics) -> Client:
    """The rooms behind the client door; RecordsFault where scripts cannot be read."""
    return Client(
        desk=house.desk,
        market=house.market,
        identity=house.identity,
        alerts=house.alerts,
        scripts=Scripts(house.records, house.clock),
        settings=Settings(house.records, house.clock),
        watchlists=Watchlists(house.records, house.clock, house.feed.instruments),
        assets=AssetInfo(house.market, house.clock),
        streams=streams,
        metrics=metrics,
        answers=house.studio.answers,
    )
