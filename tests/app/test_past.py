"""Time travel: at any instant the shard is what it was, by whichever way it is folded."""

import asyncio
import weakref
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.shard import ACCOUNT, START, OwnClock, a_desk, a_quote, an_order, open_house, run
from tradehall.adapters.memory import MemoryStore
from tradehall.app.chores import SNAPSHOT_EVERY
from tradehall.app.past import WAITING_MAX, FutureInstant, Past, TooManyTravellers
from tradehall.app.projections import VIEWS_VERSION
from tradehall.app.recovery import recover
from tradehall.app.snapshots import ARCHIVED_MAX, KEPT, Snapshots, archived
from tradehall.domain.market import Bar, Timeframe
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND
from tradehall.engine.replay import decode_snapshot, encode_snapshot


class Minutes:
    """Bars of a symbol: one close for each whole minute since START, rising by 1."""

    async def bars(self, window):
        assert (window.timeframe, window.limit) == (Timeframe.M1, 1)
        if window.symbol != "BTCUSD" or window.end < START:
            return []
        start = window.end - window.end % NS_PER_MINUTE
        price = Decimal(60_000 + (start - START) // NS_PER_MINUTE)
        return [Bar("BTCUSD", Timeframe.M1, start, price, price, price, price, Decimal(0))]


def whole(state):
    """All of a state, as it is now: by way of its text, for a state goes on changing."""
    return decode_snapshot(encode_snapshot(state.snapshot()))


@pytest.fixture(scope="module")
def history():
    """A house that traded, what it was after each order, and when."""
    store, clock, seen = MemoryStore(VIEWS_VERSION), OwnClock(), []

    async def trade():
        desk = a_desk(store, clock=clock)
        await desk.start()
        await open_house(desk)
        for number in range(8):
            clock.at += NS_PER_SECOND
            await desk.submit(
                an_order("0.01", limit=None if number % 2 else str(40_000 + number), client_id=f"order-{number}")
            )
            seen.append((desk.state.now, store.journal.head.seq, whole(desk.state)))
        clock.at += NS_PER_SECOND
        await desk.stop()

    run(trade())
    return store, clock, seen


def a_past(history, folder, **changes):
    store, clock, _ = history
    return Past(
        **{"journal": store.journal, "snapshots": Snapshots(folder), "prices": Minutes(), "clock": clock} | changes
    )


def test_each_instant_shows_the_house_as_it_was(history, tmp_path):
    async def look():
        past = a_past(history, tmp_path)
        for now, seq, state in history[2]:
            moment = await past.at(now)
            assert (moment.seq, whole(moment.state)) == (seq, state)
            assert (await past.at(now - 1)).seq < seq

    run(look())


def test_before_the_first_record_there_is_nothing(history, tmp_path):
    moment = run(a_past(history, tmp_path).at(1))
    assert (moment.seq, dict(moment.state.accounts)) == (0, {})


def test_a_snapshot_shortens_the_way_and_changes_nothing(history, tmp_path):
    store, _, seen = history
    _, middle, _ = seen[3]
    part = MemoryStore(VIEWS_VERSION)
    part.journal._entries = store.journal._entries[:middle]
    Snapshots(tmp_path).write(recover(part.journal, None), part.journal.head)
    read = []

    class Counted:
        head = store.journal.head

        def entries(self, after=0):
            for entry in store.journal.entries(after):
                read.append(entry.seq)
                yield entry

    async def look():
        past = a_past(history, tmp_path, journal=Counted())
        after, before = seen[5], seen[1]
        assert whole((await past.at(after[0])).state) == after[2]
        folded = [seq for seq in read if seq > middle]
        assert len(folded) < after[1] + 8  # A few reads to find the instant, the rest from the snapshot on.
        assert whole((await past.at(before[0])).state) == before[2]  # The snapshot is too young for this one.

    run(look())


def test_prices_are_the_newer_of_the_last_quote_read_and_the_last_whole_minute(history, tmp_path):
    _, clock, seen = history
    instant = seen[-1][0]

    async def look():
        past = a_past(history, tmp_path)
        soon = await past.at(instant)
        assert soon.quotes["BTCUSD"] == a_quote()  # Decisions read it, seconds ago: exact, bid and ask.
        clock.at += 10 * NS_PER_MINUTE
        later = await past.at(instant + 5 * NS_PER_MINUTE)
        assert later.quotes["BTCUSD"].bid > 60_000
        assert later.seq == soon.seq

    run(look())


def test_the_future_is_refused(history, tmp_path):
    with pytest.raises(FutureInstant):
        run(a_past(history, tmp_path).at(history[1].at + 1))


@pytest.mark.parametrize(("kept_s", "is_kept"), [(0, False), (60, True)])
def test_a_moment_is_kept_for_who_looks_again_soon_and_no_longer(history, tmp_path, kept_s, is_kept):
    async def looked():
        past = a_past(history, tmp_path, kept_s=kept_s)
        state = weakref.ref((await past.at(history[2][3][0])).state)
        await asyncio.sleep(0.001)
        return state() is not None

    assert run(looked()) is is_kept


def test_a_crowd_of_travellers_is_sent_away_and_the_others_served(history, tmp_path):
    instant = history[2][0][0]

    async def look():
        past = a_past(history, tmp_path)
        return await asyncio.gather(*(past.at(instant) for _ in range(WAITING_MAX + 3)), return_exceptions=True)

    answers = run(look())
    assert sum(isinstance(answer, TooManyTravellers) for answer in answers) == 3
    assert {answer.state.accounts[ACCOUNT].balance for answer in answers[:WAITING_MAX]} == {Decimal(1_000_000)}


@given(st.sets(st.integers(1, 10**7), max_size=120))
def test_of_many_snapshots_the_newest_are_kept_and_an_archive(seqs):
    kept = archived(seqs)
    assert kept <= seqs
    assert len(kept) == min(len(seqs), KEPT + ARCHIVED_MAX)
    assert set(sorted(seqs)[-KEPT:]) <= kept
    assert not seqs or min(seqs) in kept


def test_a_day_of_snapshots_stays_close_together():
    kept: set[int] = set()
    for seq in range(SNAPSHOT_EVERY, 1_000_001, SNAPSHOT_EVERY):
        kept = archived(kept | {seq})
    assert kept == set(range(SNAPSHOT_EVERY, 1_000_001, SNAPSHOT_EVERY))
