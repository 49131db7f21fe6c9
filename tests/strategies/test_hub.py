"""Many programs on many bars: who looks when, what is shared, what a restart knows."""

import math
from collections.abc import Sequence

from tests.strategies.graphs import CROSS, START, a_bar, a_program, a_walk, always, bars_of, feed
from tradehall.domain.market import Bar, Timeframe
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND
from tradehall.strategies.explaining import explain, reason
from tradehall.strategies.hub import GRACE_NS, Hub, Look
from tradehall.strategies.plan import Clock
from tradehall.strategies.program import Program
from tradehall.strategies.tracks import LOOKS_KEPT
from tradehall.strategies.verdicts import Verdict

EURUSD, GBPUSD = Clock("EURUSD", Timeframe.M1), Clock("GBPUSD", Timeframe.M1)
FIRST_CLOSE = START + NS_PER_MINUTE

# Its level is the last close of the other symbol.
OTHER = {
    "inputs": {"other": {"of": "close", "symbol": "GBPUSD"}},
    **always({"open": "long", "stop_loss": {"price": "other"}}),
}
RISES = {"rules": [{"when": {"above": ["close", {"prev": ["close", 1]}]}, "do": [{"open": "long"}]}]}


def a_hub(*programs: Program, history: Sequence[Bar] = ()) -> Hub:
    hub = Hub()
    for key, program in enumerate(programs):
        past = {clock: [bar for bar in history if bar.symbol == clock.symbol] for clock in program.clocks}
        hub.add(key, program, past, START)
    return hub


def seen(looks: list[Look]) -> list[tuple[int, int, float]]:
    """Of each look: who, at which minute, which level."""
    return [(look.key, (look.signals.at - START) // NS_PER_MINUTE, look.signals.levels[0]) for look in looks]


def test_a_program_looks_when_its_bar_closes_and_at_no_other():
    hub = a_hub(a_program(RISES), a_program(RISES, symbol="GBPUSD"))
    assert [look.key for look in hub.on_bars([a_bar("1.1")], FIRST_CLOSE)] == [0]
    assert hub.on_bars([a_bar("1.1")], FIRST_CLOSE) == [], "a bar that was seen"
    assert hub.on_bars([a_bar("1.1", -1)], FIRST_CLOSE) == [], "a bar from before"
    assert hub.on_bars([a_bar("1.1", symbol="XAUUSD")], FIRST_CLOSE) == [], "a bar that nobody wants"
    assert hub.next_deadline() is None


def test_bars_of_one_call_are_looked_at_one_by_one():
    looks = a_hub(a_program(RISES)).on_bars(bars_of(["1.1", "1.2", "1.1"]), START + 3 * NS_PER_MINUTE)
    assert [look.signals.verdicts[0] for look in looks] == [Verdict.UNKNOWN, Verdict.MET, Verdict.UNMET]


def test_history_is_seen_and_not_looked_at():
    hub = a_hub(a_program(RISES), history=bars_of(["1.1", "1.2"]))
    (look,) = hub.on_bars([a_bar("1.3", 2)], START + 3 * NS_PER_MINUTE)
    assert look.signals.verdicts == (Verdict.MET,)


def test_who_names_another_symbol_waits_for_its_bar():
    hub = a_hub(a_program(OTHER))
    assert hub.on_bars([a_bar("1.1")], FIRST_CLOSE) == []
    assert seen(hub.on_bars([a_bar("2.0", symbol="GBPUSD")], FIRST_CLOSE + 5)) == [(0, 1, 2.0)]
    assert hub.next_deadline() is None
    # Their bar may come first, and a later one of theirs is not seen yet.
    assert hub.on_bars([a_bar("2.1", 1, symbol="GBPUSD"), a_bar("2.2", 2, symbol="GBPUSD")], FIRST_CLOSE) == []
    assert seen(hub.on_bars([a_bar("1.2", 1)], FIRST_CLOSE)) == [(0, 2, 2.1)]


def test_who_waits_in_vain_looks_after_the_grace_at_what_there_is():
    hub = a_hub(a_program(OTHER), history=[a_bar("2.0", -1, symbol="GBPUSD")])
    assert hub.on_bars([a_bar("1.1")], FIRST_CLOSE) == []
    assert hub.next_deadline() == FIRST_CLOSE + GRACE_NS
    assert hub.on_time(FIRST_CLOSE + GRACE_NS - 1) == []
    assert seen(hub.on_time(FIRST_CLOSE + GRACE_NS)) == [(0, 1, 2.0)]


def test_who_still_waits_when_his_next_bar_closes_looks_at_the_first_before_it():
    hub = a_hub(a_program(OTHER), history=[a_bar("2.0", -1, symbol="GBPUSD")])
    assert hub.on_bars([a_bar("1.1")], FIRST_CLOSE) == []
    both = [a_bar("1.2", 1), a_bar("2.2", 1, symbol="GBPUSD")]
    assert seen(hub.on_bars(both, FIRST_CLOSE + 1)) == [(0, 1, 2.0), (0, 2, 2.2)]


def test_rules_with_every_look_by_the_clock_at_what_has_closed():
    raw = {"rules": [
        {"every": {"seconds": 5}, "when": {"above": ["close", "1.15"]}, "do": [{"open": "long"}]},
        {"when": {"above": ["close", "0"]}, "do": [{"close": "long"}]},
        {"every": {"seconds": 10}, "do": [{"close": "long"}]},
    ]}  # fmt: skip
    hub = a_hub(a_program(raw))
    five = 5 * NS_PER_SECOND
    assert hub.next_deadline() == START + five
    assert hub.on_time(START + five - 1) == []
    (look,) = hub.on_time(START + five + 3)
    assert (look.signals.at, look.signals.verdicts) == (START + five, (Verdict.UNKNOWN, None, None))
    (look,) = hub.on_bars([a_bar("1.2")], FIRST_CLOSE)
    assert look.signals.verdicts == (None, Verdict.MET, None)
    # Whoever was held up looks once, at the last beat.
    (look,) = hub.on_time(FIRST_CLOSE + 2 * five + 1)
    assert (look.signals.at, look.signals.verdicts) == (FIRST_CLOSE + 2 * five, (Verdict.MET, None, Verdict.MET))
    assert hub.next_deadline() == FIRST_CLOSE + 3 * five


def test_at_a_beat_a_bar_that_waits_is_looked_at_first():
    raw = {**OTHER, "rules": [*OTHER["rules"], {"every": {"seconds": 1}, "do": [{"close": "all"}]}]}
    hub = a_hub(a_program(raw), history=[a_bar("2.0", -1, symbol="GBPUSD")])
    hub.on_time(FIRST_CLOSE)
    assert hub.on_bars([a_bar("1.1")], FIRST_CLOSE) == []
    looks = hub.on_time(FIRST_CLOSE + NS_PER_SECOND)
    assert [look.signals.verdicts for look in looks] == [(Verdict.MET, None), (None, Verdict.MET)]
    assert [look.signals.levels for look in looks] == [(2.0,), (2.0,)]


def test_a_program_that_left_looks_no_more_and_takes_its_indicators_along():
    raw = {"inputs": {"fast": {"indicator": "EMA", "period": 3}}, "rules": [
        {"when": {"above": ["close", "fast"]}, "do": [{"open": "long"}]}, {"every": {"seconds": 1}, "do": [{"close": "all"}]},
    ]}  # fmt: skip
    hub = a_hub(a_program(raw), a_program(raw), a_program(OTHER))
    hub.remove(0)
    assert {look.key for look in feed(hub, a_walk(1, 9) + a_walk(2, 9, symbol="GBPUSD"))} == {1, 2}
    hub.remove(1)
    assert hub.next_deadline() is None
    assert hub.clocks == {EURUSD, GBPUSD}
    hub.remove(2)
    assert (len(hub), hub.clocks) == (0, set())
    hub.add(0, a_program(raw), {}, START)
    assert hub.next_deadline() == START + NS_PER_SECOND


def test_who_joins_later_sees_the_same_as_who_was_there():
    program, bars = a_program(CROSS), a_walk(5, 1200)
    hub = a_hub(program, history=bars[:300])
    feed(hub, bars[300:900])
    hub.add(1, a_program(CROSS), {EURUSD: bars[:900]}, 0)
    rows = [(look.key, look.signals) for look in feed(hub, bars[900:])]
    assert [signals for key, signals in rows if key == 0] == [signals for key, signals in rows if key == 1]


def test_who_joins_a_clock_with_other_indicators_gets_the_past_that_clock_has_kept():
    bars = a_walk(6, 300)
    smooth = {
        "inputs": {"x": {"indicator": "SMA", "period": 20}},
        **always({"open": "long", "stop_loss": {"price": "x"}}),
    }
    alone, joining = a_hub(a_program(smooth), history=bars[:200]), a_hub(a_program(RISES), history=bars[:150])
    feed(joining, bars[150:200])
    joining.add(1, a_program(smooth), {EURUSD: bars[:120]}, 0)  # The history that is read ends a little earlier.
    expected = [look.signals.levels for look in feed(alone, bars[200:])]
    assert [look.signals.levels for look in feed(joining, bars[200:]) if look.key == 1] == expected


def test_who_was_away_hears_what_it_missed():
    program, bars = a_program(CROSS), a_walk(8, 400)
    watched = [look.signals for look in feed(a_hub(program), bars)]
    hub = a_hub(a_program(CROSS), history=bars)
    away_since = bars[-31].at + NS_PER_MINUTE
    missed = hub.missed(0, away_since)
    assert [look.signals for look in missed] == watched[-30:]
    assert hub.missed(0, bars[-1].at + NS_PER_MINUTE) == []
    assert len(a_hub(a_program(RISES), history=a_walk(9, 900)).missed(0, 0)) == LOOKS_KEPT


def test_an_explanation_shows_every_condition_with_its_values():
    raw = {
        "inputs": {"avg": {"indicator": "SMA", "period": 2}},
        "rules": [{"when": {"all": [{"crosses_above": ["close", "avg"]}, {"not": {"rises_by": ["close", "0.5"]}}]},
                   "do": [{"open": "long"}]},
                  {"every": {"seconds": 5}, "do": [{"close": "all"}]}],
    }  # fmt: skip
    hub = a_hub(a_program(raw), history=bars_of(["1.0", "0.9", "1.2"]))
    whole, beat = explain(hub.looking(0))
    assert beat is None
    assert whole is not None
    crosses, moves = whole.parts
    assert (whole.verdict, crosses.verdict, moves.verdict) == (Verdict.MET, Verdict.MET, Verdict.MET)
    assert (crosses.path, moves.parts[0].path) == ("rules[0].when.all[0]", "rules[0].when.all[1].not")
    assert [(shown.text, shown.value) for shown in crosses.values] == [
        ("the close, 1 bar before", 0.9), ("SMA(2), 1 bar before", 0.95), ("the close", 1.2), ("SMA(2)", 1.0499999999999998),
    ]  # fmt: skip
    earlier, _ = explain(hub.looking(0), ago=1)
    assert earlier is not None
    assert earlier.verdict is Verdict.UNMET
    assert reason(earlier) == (
        "the close crosses above SMA(2) is not met (the close, 1 bar before = 1, SMA(2), 1 bar before = not known yet,"
        " the close = 0.9, SMA(2) = 0.95)"
    )
    first, _ = explain(hub.looking(0), ago=2)
    assert first is not None
    assert first.verdict is Verdict.UNKNOWN
    assert "is not known yet: it is warming up" in reason(first)


def test_an_explanation_is_of_the_last_look_while_a_bar_waits():
    hub = a_hub(a_program(OTHER), history=[a_bar("2.0", -1, symbol="GBPUSD"), a_bar("1.0", -1)])
    hub.on_bars([a_bar("1.1")], FIRST_CLOSE)
    (told,) = explain(hub.looking(0))
    assert told is not None
    assert told.values[0].value == 1.0
    assert hub.missed(0, 0)[-1].signals.at == START


def test_what_only_warms_up_has_no_level():
    hub = a_hub(a_program(always({"open": "long", "stop_loss": {"atr": "1"}})), history=a_walk(3, 13))
    looks = feed(hub, a_walk(3, 15)[13:])
    assert [math.isnan(look.signals.levels[0]) for look in looks] == [True, False]


def test_a_thousand_programs_share_what_is_equal():
    hub, program = Hub(), a_program(CROSS)
    history = {EURUSD: a_walk(1, 1500)}
    for key in range(1000):
        hub.add(key, program, history if key < 2 else {}, 0)
    bar = a_bar("1.1", 1501)
    looks = hub.on_bars([bar], START)
    assert len(looks) == 1000
    assert len({look.signals for look in looks}) == 1
