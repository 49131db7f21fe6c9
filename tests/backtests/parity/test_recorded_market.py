"""Sessions on a market that was really recorded; skipped where no such folder is beside the repository."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.backtests.parity.session_world import SessionWorld
from tests.backtests.parity.test_sessions import parity_of
from tradehall.adapters.history.recording import FileRecording

ROOT = Path(__file__).resolve().parents[3]
NAMED = os.environ.get("TRADEHALL_MARKET_DATA")
DATA = Path(NAMED) if NAMED else next((file.parent for file in sorted(ROOT.parent.glob("*/data/manifest.json"))), None)

pytestmark = pytest.mark.skipif(DATA is None, reason="no recorded market data is beside the repository")

STEPS = 2_500


@pytest.mark.parametrize(("files", "seed"), [
    (["quotes/fx/EURUSD.OANDA.tick.parquet"], 1),
    (["quotes/crypto/BTCUSDT.BINANCE.tick.parquet", "trades/crypto/BTCUSDT.BINANCE.tick.parquet"], 2),
    (["quotes/crypto/BTCUSDT.BINANCE.tick.parquet", "depth/crypto/BTCUSDT.BINANCE.l2.parquet"], 3),
])  # fmt: skip
def test_a_session_on_a_real_market_comes_to_the_same_again(files, seed):
    assert DATA is not None
    recording = FileRecording([DATA / file for file in files])
    (reel,) = recording.reels(align=True)
    (symbol,) = recording.instruments

    async def live() -> SessionWorld:
        world = SessionWorld(seed, dict(recording.instruments), symbols=(symbol,), begin=reel.begins_at)
        await world.open()
        for told, row in enumerate(reel.rows()):
            if told == STEPS * 4:
                break
            if row[0] > world.clock.at:
                world.pass_time(row[0] - world.clock.at)
            reel.send(row, world.board, received_at=world.clock.at)
            if world.dice.random() < 0.05:
                world.wish()
            if world.dice.random() < 0.1:
                await world.commit()
        await world.come_back()
        world.end()
        return world

    world = asyncio.run(live())
    report = parity_of(world)
    assert report.divergences == []
    assert report.matched == world.store.journal.head.seq
    assert report.fills_matched == len(world.fills()) > 50
