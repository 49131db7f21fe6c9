"""From signals and facts to intents: what is done, and why something is not."""

from decimal import Decimal
from typing import Any

import pytest

from tests.strategies.graphs import START, a_book, a_program, always, some_facts
from tradehall.domain.position import PositionSide
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, from_rfc3339
from tradehall.strategies.decisions import decide, is_in_hours, stop_of
from tradehall.strategies.intents import (
    BookFacts,
    CancelEntries,
    ClosePosition,
    Decision,
    Facts,
    Held,
    MoveExit,
    OpenPosition,
    Stop,
    StopReason,
)
from tradehall.strategies.program import Program, Signals
from tradehall.strategies.reading import parse
from tradehall.strategies.verdicts import Verdict

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
HELD = Held(Decimal(1000))


def decided(
    *actions: dict[str, Any], book: BookFacts | None = None, levels: tuple[float, ...] = (), **rest: Any
) -> Decision:
    """What one rule that is met comes to at START."""
    return decide(a_program(always(*actions)), Signals(START, (Verdict.MET,), levels), some_facts(book, **rest))


def openings(decision: Decision) -> list[OpenPosition]:
    return [intent for intent in decision.intents if isinstance(intent, OpenPosition)]


def keys(decision: Decision) -> list[str]:
    return [intent.key for intent in decision.intents if not isinstance(intent, Stop)]


def reasons(decision: Decision) -> list[str]:
    return [outcome.reason for outcome in decision.outcomes if not outcome.is_done]


def test_an_open_says_what_to_buy_and_where_its_exits_stand():
    decision = decided({"open": "long", "size": "0.5", "stop_loss": {"ticks": 20}, "take_profit": {"percent": "1"}})
    (intent,) = decision.intents
    # At the ask, 1.1002: 20 ticks of 0.0001 below, 1 % (0.011002) above, both on the tick.
    assert intent == OpenPosition(f"{START}:0.0", "EURUSD", LONG, Decimal("0.5"), Decimal("1.0982"), Decimal("1.1112"))
    assert decision.outcomes[0].path == "rules[0].do[0]"
    assert decision.outcomes[0].is_done


@pytest.mark.parametrize(("side", "distance", "levels", "stop_loss", "take_profit"), [
    # bid 1.1000, ask 1.1002, tick 0.0001; a long is entered at the ask, a short at the bid
    ("long",  {"ticks": 20},      (),           "1.0982", "1.1022"),
    ("short", {"ticks": 20},      (),           "1.1020", "1.0980"),
    ("long",  {"percent": "0.5"}, (),           "1.0947", "1.1057"),
    ("short", {"percent": "0.5"}, (),           "1.1055", "1.0945"),
    ("long",  {"atr": "2"},       (0.00123,),   "1.0977", "1.1027"),
    ("short", {"atr": "2"},       (0.00123,),   "1.1025", "1.0975"),
    ("long",  {"price": "1.05"},  (),           "1.0500", "1.0500"),
    ("long",  {"price": "close"}, (1.04321,),   "1.0432", "1.0432"),
])  # fmt: skip
def test_distances_are_measured_from_the_entry_and_rounded_to_the_tick(side, distance, levels, stop_loss, take_profit):
    decision = decided({"open": side, "stop_loss": distance, "take_profit": distance}, levels=levels)
    (intent,) = openings(decision)
    assert (intent.stop_loss, intent.take_profit) == (Decimal(stop_loss), Decimal(take_profit))


@pytest.mark.parametrize(("what", "action", "book", "levels", "reason"), [
    ("a long is open",        {"open": "long"},                     a_book(held={LONG: HELD}),  (),            "a long position is open"),
    ("its entry is working",  {"open": "long"},                     a_book(entries=[LONG]),     (),            "an order for a long position is still working"),
    ("nothing to close",      {"close": "long"},                    a_book(held={SHORT: HELD}), (),            "no long position is open"),
    ("nothing at all",        {"close": "all"},                     a_book(),                   (),            "nothing is open"),
    ("nothing to cancel",     {"cancel": "long"},                   a_book(entries=[SHORT]),    (),            "no entry order is working"),
    ("nothing to protect",    {"set_stop_loss": {"ticks": 5}},      a_book(),                   (),            "nothing is open"),
    ("no quote",              {"open": "long", "stop_loss": {"ticks": 5}}, a_book(bid=None, ask=None), (),     "there is no quote of EURUSD yet"),
    ("the ATR warms up",      {"open": "long", "stop_loss": {"atr": "2"}}, a_book(), (float("nan"),),          "2 × ATR(14) is not known yet"),
    ("the stop is below 0",   {"open": "long", "stop_loss": {"percent": "150"}}, a_book(),      (),            "an exit at -0.5501 is no price"),
    ("it stands there",       {"set_stop_loss": {"price": "1.05"}}, a_book(held={LONG: Held(Decimal(1), Decimal("1.0500"))}), (), "it stands there already, or an earlier rule closes the position at this bar"),
])  # fmt: skip
def test_an_action_that_does_nothing_says_why(what, action, book, levels, reason):
    decision = decided(
        action, {"open": "short"} if "open" not in action else {"close": "short"}, book=book, levels=levels
    )
    assert reasons(decision)[0] == reason, what
    assert not decision.outcomes[0].is_done


def test_without_a_distance_a_position_is_opened_before_the_first_quote():
    assert len(decided({"open": "long"}, book=a_book(bid=None, ask=None)).intents) == 1


def test_an_open_in_the_other_direction_closes_first():
    decision = decided({"open": "short"}, book=a_book(held={LONG: HELD}))
    assert decision.intents == (
        ClosePosition(f"{START}:0.0:close:long", "EURUSD", LONG),
        OpenPosition(f"{START}:0.0", "EURUSD", SHORT, None, None, None),
    )


def test_what_a_rule_closes_is_closed_once():
    decision = decided({"close": "long"}, {"open": "short"}, {"close": "all"}, book=a_book(held={LONG: HELD}))
    assert [type(intent) for intent in decision.intents] == [ClosePosition, OpenPosition]
    assert reasons(decision) == ["an earlier rule closes it at this bar"]


def test_a_position_that_is_closed_at_this_bar_is_not_opened_again_at_it():
    decision = decided({"close": "long"}, {"open": "long"}, book=a_book(held={LONG: HELD}))
    assert [type(intent) for intent in decision.intents] == [ClosePosition]
    assert reasons(decision) == ["a long position is open"]


def test_the_first_rule_that_opens_wins():
    decision = decided({"open": "long"}, {"open": "short"}, {"open": "long"})
    assert [intent.side for intent in openings(decision)] == [LONG]
    assert reasons(decision) == ["an earlier rule opens a position at this bar"] * 2


def test_exits_are_moved_measured_from_the_price_at_which_the_position_would_close():
    held = {LONG: Held(Decimal(1), Decimal("1.0"), Decimal("1.2"))}
    decision = decided({"set_stop_loss": {"ticks": 10}}, {"set_take_profit": {"percent": "1"}}, {"open": "long"},
                       book=a_book(held=held))  # fmt: skip
    assert decision.intents == (
        MoveExit(f"{START}:0.0:long", "EURUSD", LONG, stop_loss=Decimal("1.0990")),
        MoveExit(f"{START}:0.1:long", "EURUSD", LONG, take_profit=Decimal("1.1110")),
    )


def test_entries_are_cancelled_by_side():
    decision = decided({"cancel": "all"}, {"cancel": "short"}, {"open": "long"}, book=a_book(entries=[SHORT]))
    assert decision.intents[:2] == (
        CancelEntries(f"{START}:0.0", "EURUSD", None),
        CancelEntries(f"{START}:0.1", "EURUSD", SHORT),
    )


def test_only_rules_that_are_met_act_in_their_order():
    raw = {"rules": [{"when": {"above": ["close", str(number)]}, "do": [{"open": "long", "size": str(number)}]}
                     for number in range(1, 5)]}  # fmt: skip
    verdicts = (Verdict.UNMET, Verdict.UNKNOWN, Verdict.MET, None)
    decision = decide(a_program(raw), Signals(START, verdicts), some_facts())
    assert [intent.size for intent in openings(decision)] == [3]
    assert [outcome.path for outcome in decision.outcomes] == ["rules[2].do[0]"]


def test_the_same_decision_has_the_same_keys():
    first = decided({"close": "all"}, {"open": "short"}, book=a_book(held={LONG: HELD}))
    again = decided({"close": "all"}, {"open": "short"}, book=a_book(held={LONG: HELD}), now=START + 1)
    assert keys(first) == keys(again)
    assert len(set(keys(first))) == len(first.intents) == 2


def test_another_symbol_is_traded_in_its_own_book():
    program = a_program(always({"open": "long", "symbol": "GBPUSD", "stop_loss": {"ticks": 1}}))
    assert program.traded == ("EURUSD", "GBPUSD")
    theirs = a_book(bid="1.3000", ask="1.3010", tick=Decimal("0.001"))
    facts = Facts(START, {"EURUSD": a_book(held={LONG: HELD}), "GBPUSD": theirs})
    (intent,) = openings(decide(program, Signals(START, (Verdict.MET,)), facts))
    assert (intent.symbol, intent.stop_loss) == ("GBPUSD", Decimal("1.300"))


# --------------------------------------------------------------------- add-ons


@pytest.mark.parametrize(("weekdays", "hours", "at", "is_open"), [
    # 2025-01-06 is a Monday
    ([],        [],                                     "2025-01-05T03:00:00Z", True),
    (["mon"],   [],                                     "2025-01-06T00:00:00Z", True),
    (["mon"],   [],                                     "2025-01-05T23:59:59Z", False),
    ([],        ["07:00", "21:00"],                     "2025-01-06T07:00:00Z", True),
    ([],        ["07:00", "21:00"],                     "2025-01-06T06:59:59Z", False),
    ([],        ["07:00", "21:00"],                     "2025-01-06T21:00:00Z", False),
    ([],        ["07:00", "24:00"],                     "2025-01-06T23:59:59Z", True),
    ([],        ["22:00", "02:00"],                     "2025-01-06T01:59:59Z", True),
    ([],        ["22:00", "02:00"],                     "2025-01-06T02:00:00Z", False),
    # a window that wraps belongs to the day it began on
    (["fri"],   ["22:00", "02:00"],                     "2025-01-10T23:00:00Z", True),
    (["fri"],   ["22:00", "02:00"],                     "2025-01-11T01:00:00Z", True),
    (["fri"],   ["22:00", "02:00"],                     "2025-01-10T01:00:00Z", False),
    (["sun"],   ["22:00", "02:00"],                     "2025-01-06T01:00:00Z", True),
    (["mon"],   [["07:00", "08:00"], ["09:00", "10:00"]], "2025-01-06T09:30:00Z", True),
    (["mon"],   [["07:00", "08:00"], ["09:00", "10:00"]], "2025-01-06T08:30:00Z", False),
])  # fmt: skip
def test_windows_of_days_and_hours(weekdays, hours, at, is_open):
    add_ons = parse(
        always({"open": "long"}, add_ons={"weekdays": weekdays or None, "hours_utc": hours or None})
    ).add_ons
    assert is_in_hours(add_ons, from_rfc3339(at)) == is_open


def with_add_ons(**add_ons: Any) -> Program:
    return a_program(always({"close": "short"}, {"open": "long"}, add_ons=add_ons))


MET = Signals(START, (Verdict.MET,))


@pytest.mark.parametrize(("add_ons", "facts", "reason"), [
    ({"weekdays": ["sat", "sun"]},  {},                                  "it opens only Saturday and Sunday, all day UTC; it is 2025-01-06T09:00:00Z"),
    ({"hours_utc": ["10:00", "11:00"]}, {},                              "it opens only every day, 10:00 to 11:00 UTC; it is 2025-01-06T09:00:00Z"),
    ({"max_trades_per_day": 2},     {"trades_today": 2, "trades": 9},    "it opened 2 times today, its maximum is 2"),
    ({"max_trades": 3},             {"trades": 3},                       "it opened 3 times, its maximum is 3"),
])  # fmt: skip
def test_an_add_on_keeps_it_from_opening_and_never_from_closing(add_ons, facts, reason):
    decision = decide(with_add_ons(**add_ons), MET, some_facts(a_book(held={SHORT: HELD}), **facts))
    assert [type(intent) for intent in decision.intents] == [ClosePosition]
    assert reasons(decision) == [reason]


def test_the_openings_of_one_decision_count():
    raw = always({"open": "long"}, {"open": "long", "symbol": "GBPUSD"}, add_ons={"max_trades_per_day": 1})
    facts = Facts(START, {"EURUSD": a_book(), "GBPUSD": a_book()})
    decision = decide(a_program(raw), MET, facts)
    assert [intent.symbol for intent in openings(decision)] == ["EURUSD"]
    assert reasons(decision) == ["it opened once today, its maximum is 1"]


def test_who_calls_may_have_a_reason_of_his_own():
    decision = decide(with_add_ons(), MET, some_facts(a_book(held={SHORT: HELD})), barred="it is paused")
    assert [type(intent) for intent in decision.intents] == [ClosePosition]
    assert reasons(decision) == ["it is paused"]


@pytest.mark.parametrize(("add_ons", "facts", "reason", "text"), [
    ({"expires_at": "2025-01-06T09:00:00Z"}, {},                         StopReason.EXPIRED,     "it ran until 2025-01-06T09:00:00Z"),
    ({"profit_stop": "50"},                  {"profit": Decimal("50")},  StopReason.PROFIT_STOP, "its profit is 50, its profit stop 50"),
    ({"loss_stop": "200.00"},                {"profit": Decimal("-201.5")}, StopReason.LOSS_STOP, "its loss is 201.5, its loss stop 200"),
])  # fmt: skip
def test_an_add_on_ends_it_and_nothing_else_happens(add_ons, facts, reason, text):
    decision = decide(with_add_ons(**add_ons), MET, some_facts(a_book(held={SHORT: HELD}), **facts))
    assert decision == Decision((Stop(reason, text),), ())


def test_before_its_bounds_nothing_ends_it():
    add_ons = parse(always({"open": "long"}, add_ons={
        "expires_at": "2025-01-06T09:00:01Z", "profit_stop": "50", "loss_stop": "50"})).add_ons  # fmt: skip
    for profit in ("49.99", "-49.99", "0"):
        assert stop_of(add_ons, some_facts(profit=Decimal(profit))) is None


def test_the_heartbeat_opens_and_closes_in_turns():
    raw = {
        "rules": [
            {"every": {"seconds": 5}, "do": [{"close": "long"}]},
            {"every": {"seconds": 5}, "do": [{"open": "long"}]},
        ]
    }
    program, is_open, seen = a_program(raw), False, list[str]()
    for beat in range(START, START + NS_PER_HOUR // 60, 5_000_000_000):
        book = a_book(held={LONG: HELD} if is_open else {})
        (intent,) = decide(program, Signals(beat, (Verdict.MET, Verdict.MET)), some_facts(book, now=beat)).intents
        is_open = isinstance(intent, OpenPosition)
        seen.append(type(intent).__name__)
    assert seen == ["OpenPosition", "ClosePosition"] * 6


def test_days_are_counted_by_the_clock_not_by_the_bar():
    late = some_facts(now=START + NS_PER_DAY * 5)  # A Saturday; the bar that is looked at closed on Monday.
    assert decide(with_add_ons(weekdays=["mon"]), MET, late).intents == ()
