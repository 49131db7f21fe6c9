"""Why has it not traded? The last looks of a deployment in words and numbers."""

from msgspec import Struct

from tradehall.app.deployments.evaluations import Evaluation
from tradehall.app.records.deployments import Deployment
from tradehall.domain.market import bar_start
from tradehall.domain.time import NS_PER_MS, to_rfc3339
from tradehall.faces.shown.texts import stamp
from tradehall.faces.studio.studio import Studio
from tradehall.strategies.explaining import explain, reason
from tradehall.strategies.looking import Looking
from tradehall.strategies.text import rule_text
from tradehall.strategies.tracks import LOOKS_KEPT
from tradehall.strategies.verdicts import Explanation, Verdict


class ValueShown(Struct, frozen=True):
    """A value as it was looked at; None: not known yet."""

    name: str
    value: float | None


class ConditionShown(Struct, frozen=True):
    """A condition at one bar: met, unmet or unknown (warming up), with what it saw."""

    path: str
    text: str
    verdict: str
    values: list[ValueShown]
    parts: list["ConditionShown"]


class RuleShown(Struct, frozen=True):
    """A rule at one look. `looked` False: it looks at other moments. `condition` None: it has none."""

    rule: int
    looked: bool
    verdict: str | None
    text: str
    condition: ConditionShown | None


class OutcomeShown(Struct, frozen=True):
    """What became of one action."""

    path: str
    text: str
    done: bool
    reason: str


class EvaluationShown(Struct, frozen=True):
    """One look: `at` is the close of the bar, or the beat."""

    symbol: str
    at: str
    looked_at: str
    data_age_ms: float | None
    rules: list[RuleShown]
    outcomes: list[OutcomeShown]
    blocks: list[str]


class LookShown(Struct, frozen=True):
    """When it looks next, and how old the data is now."""

    symbol: str
    next_look_at: str | None
    last_bar_closed_at: str | None
    data_age_ms: float | None


class WhyShown(Struct, frozen=True):
    """Why it has, or has not, traded. `summary` is for people."""

    deployment_id: int
    state: str
    as_of: str
    summary: str
    blocks: list[str]
    next_look_at: str | None
    looks: list[LookShown]
    evaluations: list[EvaluationShown]


def why(studio: Studio, found: Deployment, limit: int) -> WhyShown:
    """The newest evaluations, what blocks it now, and the next moment it looks."""
    runner, now = studio.runner, studio.desk.clock.now()
    places = {}
    for key in runner.seats.keys_of(found.deployment_id):
        place = runner.seats.hub.looking(key)
        places[place.program.symbol] = place
    evaluations = runner.evaluations.of(found.deployment_id, limit)
    blocks = _blocks(studio, found, places, now)
    looks = [_look(studio, place, now) for place in places.values()]
    upcoming = [each.next_look_at for each in looks if each.next_look_at is not None]
    return WhyShown(
        found.deployment_id, found.state.value, to_rfc3339(now), _summary(found, places, evaluations, blocks), blocks,
        min(upcoming, default=None), looks,
        [_evaluation(places.get(each.symbol), each) for each in evaluations],
    )  # fmt: skip


def _blocks(studio: Studio, found: Deployment, places: dict[str, Looking], now: int) -> list[str]:
    ledger = studio.runner.ledgers.get(found.deployment_id)
    if ledger is None:
        return [f"the deployment is {found.state.value}" + (f": {found.state_reason}" if found.state_reason else "")]
    blocks: dict[str, None] = {}
    for place in places.values():
        blocks.update(dict.fromkeys(studio.runner.decider.blocks(found, ledger, place.program, now)))
    if not places:
        blocks[f"the deployment is {found.state.value}: it does not look"] = None
    stale = studio.market.stale_symbols()
    blocks.update({f"{symbol} is stale: no quote comes in": None for symbol in found.symbols if symbol in stale})
    return list(blocks)


def _look(studio: Studio, place: Looking, now: int) -> LookShown:
    program, quote = place.program, studio.desk.quotes.get(place.program.symbol)
    has_bars = any(rule.every_s is None for rule in program.definition.rules)
    close = bar_start(now, program.clock.timeframe) + program.clock.span
    moments = [close] if has_bars else []
    beat = program.next_beat(now)
    if beat is not None:
        moments.append(beat)
    return LookShown(
        program.symbol, stamp(min(moments, default=None)), stamp(place.track.last_close or None),
        None if quote is None else max(0, now - quote.received_at) / NS_PER_MS,
    )  # fmt: skip


def _summary(found: Deployment, places: dict[str, Looking], evaluations: list[Evaluation], blocks: list[str]) -> str:
    if blocks:
        return f"Nothing can be opened now: {'; '.join(blocks)}."
    if not evaluations:
        return "It has not looked yet: it does when the next bar closes."
    newest = evaluations[0]
    for outcome in newest.outcomes:
        return f"{outcome.text}: " + ("done." if outcome.is_done else f"{outcome.reason}.")
    place = places.get(newest.symbol)
    explanations = [] if place is None else [each for each in _explanations(place, newest) if each is not None]
    if not explanations:
        return "No rule looked at the last moment."
    return f"At {to_rfc3339(newest.at)} no rule was met: {'; '.join(reason(each) for each in explanations)}."


def _evaluation(place: Looking | None, found: Evaluation) -> EvaluationShown:
    explanations = [] if place is None else _explanations(place, found)
    rules = []
    for number, verdict in enumerate(found.verdicts):
        explanation = explanations[number] if number < len(explanations) else None
        text = "" if place is None else rule_text(place.program.definition.rules[number], place.program.inputs)
        rules.append(
            RuleShown(
                number,
                verdict is not None,
                None if verdict is None else verdict.name.lower(),
                text,
                None if explanation is None or verdict is None else _condition(explanation),
            )
        )
    return EvaluationShown(
        found.symbol, to_rfc3339(found.at), to_rfc3339(found.looked_at),
        None if found.quote_age_ns is None else found.quote_age_ns / NS_PER_MS, rules,
        [OutcomeShown(each.path, each.text, each.is_done, each.reason) for each in found.outcomes],
        list(found.blocks),
    )  # fmt: skip


def _explanations(place: Looking, found: Evaluation) -> list[Explanation | None]:
    """Of each rule, as it was then; [] where that is forgotten."""
    if found.bar_number is None:
        return []
    ago = place.track.head - place.behind - found.bar_number
    return list(explain(place, ago)) if 0 <= ago < LOOKS_KEPT - place.behind else []


def _condition(found: Explanation) -> ConditionShown:
    verdict = {Verdict.MET: "met", Verdict.UNMET: "unmet", Verdict.UNKNOWN: "unknown"}[found.verdict]
    return ConditionShown(
        found.path, found.text, verdict, [ValueShown(each.text, each.value) for each in found.values],
        [_condition(part) for part in found.parts],
    )  # fmt: skip
