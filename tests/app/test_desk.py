"""The desk: a wish goes in, a durable outcome comes out."""


import pytest

from tests.app.shard import a_desk, an_order, open_house, run
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.recovery import rebuild_views
from tradehall.domain.order import OrderStatus


@pytest.fixture
def store(tmp_path):
    store = SqliteStore(tmp_path, on_unknown=lambda error: None)
    rebuild_views(store.journal, store.view_store)
    yield store
    store.close()


def test_an_order_is_durable_when_its_outcome_is_there(store):
    async def story():
        desk = a_desk(store)
        await desk.start()
        await open_house(desk)
        outcome = await desk.submit(an_order())
        assert outcome.order.status is OrderStatus.FILLED
        assert store.journal.head.seq == desk.state.seq
        assert store.views.order(outcome.order.order_id) == outcome.order
        await desk.stop()

    run(story())
