"""A spoilt recording, another setting, another rule: the divergences are told, and their causes are the right ones."""

from collections import Counter
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from tests.backtests.parity.session_world import SYMBOLS, some_settings
from tests.backtests.parity.test_sessions import a_session, parity_of
from tradehall.backtests.parity.divergence import CauseKind, Difference
from tradehall.backtests.parity.report import TAIL_NS_MAX, parity
from tradehall.backtests.parity.rerun import Assumptions
from tradehall.domain.time import NS_PER_MS
from tradehall.engine.events import InstrumentListed, OrderFilled
from tradehall.engine.record import decode_record, encode_record
from tradehall.venue.session import LoopMade, QuoteHeard, RowsLost, SessionEnded, WishHeard
from tradehall.venue.settings import VenueSettings

SEED = 3

# A quote fills what waits for it, and brings the instant at which what was due before it is done.
OF_A_MISSING_QUOTE = {
    CauseKind.QUOTE_MISSING, CauseKind.INSTANT_MISSING, CauseKind.ROWS_MISSING, CauseKind.FOLLOWS,
}  # fmt: skip


@pytest.fixture(scope="module")
def world():
    return a_session(SEED)


def quote_rows(world):
    """Places of quotes that filled something, of those that only brought the time, and of those that did nothing."""
    records = world.records()
    filling: list[int] = []
    timing: list[int] = []
    silent: list[int] = []
    for place, (row, following) in enumerate(pairwise(world.rows)):
        if isinstance(row, QuoteHeard):
            made = records[row.after : following.after]
            filled = any(_is_filled_on(event, row.quote) for record in made for event in record.events)
            (filling if filled else timing if made else silent).append(place)
    return filling, timing, silent


def _is_filled_on(event, quote):
    return isinstance(event, OrderFilled) and (event.fill.symbol, event.fill.bid) == (quote.symbol, quote.bid)


def without(rows, place):
    return rows[:place] + rows[place + 1 :]


def causes(report):
    return {each.cause.kind for each in report.divergences}


def test_a_quote_that_is_cut_out_is_named_by_what_it_filled():
    world = a_session(SEED, settings=VenueSettings())
    filling, _, _ = quote_rows(world)
    assert len(filling) > 5
    naming = 0
    for place in filling:
        row = world.rows[place]
        report = parity_of(world, without(world.rows, place))
        (gap,) = report.stretches[0].gaps
        assert (gap.first, gap.last) == (row.number, row.number)
        assert causes(report) <= OF_A_MISSING_QUOTE
        assert report.divergences, place
        named = [each for each in report.divergences if each.cause.kind is CauseKind.QUOTE_MISSING]
        naming += any(row.quote.symbol in each.cause.sentence for each in named)
    # Where the next quote of the symbol looks the same, the gap is all that can be blamed.
    assert naming >= len(filling) / 2


def test_a_quote_cut_out_and_numbered_over_is_still_missed_by_what_it_filled(world):
    place = quote_rows(world)[0][0]
    rows = [msgspec.structs.replace(row, number=at) for at, row in enumerate(without(world.rows, place), 1)]
    report = parity_of(world, rows)
    assert report.stretches[0].gaps == []
    assert report.divergences[0].cause.kind in (CauseKind.QUOTE_MISSING, CauseKind.INSTANT_MISSING)
    assert CauseKind.QUOTE_MISSING in causes(report) <= OF_A_MISSING_QUOTE


def test_an_instant_that_is_cut_out_is_missed_by_what_was_done_then(world):
    _, timing, _ = quote_rows(world)
    place = next(place for place in timing if not _is_read(world, place))
    rows = [msgspec.structs.replace(row, number=at) for at, row in enumerate(without(world.rows, place), 1)]
    report = parity_of(world, rows)
    assert report.divergences[0].cause.kind is CauseKind.INSTANT_MISSING, report.divergences[0]


def _is_read(world, place):
    """Whether a decision reads the quote of a row."""
    return any(world.rows[place].quote in record.quotes for record in world.records())


def test_a_quote_that_set_nothing_off_may_be_missing_and_is_told(world):
    _, _, silent = quote_rows(world)
    place = next(place for place in reversed(silent) if _is_soon_followed(world.rows, place))
    report = parity_of(world, without(world.rows, place))
    assert report.divergences == []
    assert [gap.first for gap in report.stretches[0].gaps] == [world.rows[place].number]


def _is_soon_followed(rows, place):
    """Whether the next quote of the symbol comes before anything is decided."""
    row = rows[place]
    followers = (
        each for each in rows[place + 1 :] if isinstance(each, QuoteHeard) and each.quote.symbol == row.quote.symbol
    )
    return next((each.after == row.after for each in followers), False)


def test_rows_the_recorder_dropped_are_told_as_such(world):
    place = quote_rows(world)[0][0]
    row = world.rows[place]
    rows = [*world.rows[:place], RowsLost(row.number, row.after, 1), *world.rows[place + 1 :]]
    (gap,) = parity_of(world, rows).stretches[0].gaps
    assert gap.was_lost
    assert "too many waited" in gap.sentence


def test_another_fee_is_told_fill_by_fill(world):
    listed = next(
        event.instrument
        for record in world.records()
        for event in record.events
        if isinstance(event, InstrumentListed) and event.instrument.symbol == "AAPL"
    )
    dearer = msgspec.structs.replace(listed, commission=msgspec.structs.replace(listed.commission, fixed=Decimal(1)))
    report = parity_of(world, assumptions=Assumptions(instruments={"AAPL": dearer}))
    fills = [each for each in world.fills() if each.fill.symbol == "AAPL"]
    fees = [each for each in report.divergences if each.difference is Difference.OTHER_FEE]
    assert {each.symbol for each in fees} == {"AAPL"}
    assert all(each.cause.kind is CauseKind.SETTING_CHANGED for each in fees[:1])
    assert len(fees) > len(fills) / 2
    assert any("commission" in line for line in report.assumed)
    assert CauseKind.UNEXPLAINED not in causes(report)


def test_another_latency_is_told_as_other_times(world):
    settings = msgspec.structs.replace(world.settings, latency_ns=world.settings.latency_ns + 40 * NS_PER_MS)
    report = parity_of(world, assumptions=Assumptions(venue=settings))
    count = Counter(each.difference for each in report.divergences)
    assert count[Difference.OTHER_TIME] > 10
    assert report.divergences[0].cause.kind is CauseKind.SETTING_CHANGED
    assert "latency_ns" in report.divergences[0].cause.sentence
    assert CauseKind.UNEXPLAINED not in causes(report)


def test_a_cut_off_tail_is_one_divergence(world):
    rows = world.rows[: len(world.rows) // 2]
    (divergence,) = parity_of(world, rows).divergences
    assert divergence.difference is Difference.NOT_COVERED
    assert divergence.cause.kind is CauseKind.RECORDING_ENDS


def test_what_a_killed_recorder_could_not_write_any_more_is_counted_and_no_divergence(world):
    last = world.records()[-1]
    began = next(
        place
        for place, row in enumerate(world.rows)
        if isinstance(row, WishHeard) and last.now - row.now < TAIL_NS_MAX - NS_PER_MS * 400
    )
    rows = world.rows[: began + 1]
    report = parity_of(world, rows)
    assert report.divergences == []
    assert report.matched + report.stretches[0].tail == last.seq
    assert not report.stretches[0].is_ended


def test_a_wish_whose_row_is_missing_is_told_at_the_instant_of_its_record(world):
    place = next(place for place, row in enumerate(world.rows) if isinstance(row, WishHeard) and row.seq > 40)
    report = parity_of(world, without(world.rows, place))
    assert causes(report) <= {CauseKind.WISH_UNPLACED, *OF_A_MISSING_QUOTE}
    assert len(report.stretches[0].gaps) == 1


def test_a_rule_that_has_changed_is_told_where_it_bites(world):
    # As if the version that wrote this journal had charged a cent more.
    first = next(record for record in world.records() if any(isinstance(each, OrderFilled) for each in record.events))

    def payloads(after):
        for payload in world.payloads(after):
            record = decode_record(payload)
            yield encode_record(_dearer(record)) if record.seq == first.seq else payload

    report = parity([lambda: world.rows], payloads, world.store.journal.head.seq)
    assert report.divergences[0].difference is Difference.OTHER_FEE
    assert report.divergences[0].seq == first.seq
    assert report.divergences[0].cause.kind is CauseKind.RULE_CHANGED


def _dearer(record):
    def changed(event):
        if not isinstance(event, OrderFilled):
            return event
        fill = event.fill
        return msgspec.structs.replace(event, fill=msgspec.structs.replace(fill, commission=fill.commission + 1))

    return msgspec.structs.replace(record, events=tuple(map(changed, record.events)))


@pytest.mark.parametrize("seed", range(20, 23))
def test_whatever_is_cut_out_nothing_stays_unexplained(seed):
    world = a_session(seed, 250)
    filling, timing, silent = quote_rows(world)
    for place in (*filling[:3], *timing[:3], *silent[::40]):
        report = parity_of(world, without(world.rows, place))
        assert CauseKind.UNEXPLAINED not in causes(report), list(report.divergences)
        assert Difference.BROKE_OFF not in {each.difference for each in report.divergences}


@pytest.mark.parametrize("seed", range(30, 33))
def test_under_other_settings_the_run_goes_on_to_its_end(seed):
    world = a_session(seed, 250)
    other = some_settings(world.dice)
    report = parity_of(world, assumptions=Assumptions(venue=other))
    assert Difference.BROKE_OFF not in {each.difference for each in report.divergences}
    assert CauseKind.UNEXPLAINED not in causes(report)
    assert report.is_same == (not report.divergences)


def test_a_session_begins_and_ends_with_its_own_rows(world):
    assert isinstance(world.rows[0], LoopMade)
    assert isinstance(world.rows[-1], SessionEnded)
    assert [row.number for row in world.rows] == list(range(1, len(world.rows) + 1))
    assert {row.quote.symbol for row in world.rows if isinstance(row, QuoteHeard)} == set(SYMBOLS)
