"""Why did it, or did it not? Every condition of a program at one bar, with the values it saw."""

import math

from tradehall.strategies.definition import All, Any, Comparison, Condition, Move, Not, Operand, Relation, Within
from tradehall.strategies.evaluating import Evaluator
from tradehall.strategies.looking import Looking
from tradehall.strategies.text import condition_text, operand_text
from tradehall.strategies.tracks import LOOKS_KEPT
from tradehall.strategies.verdicts import Explanation, Shown, Verdict


def explain(looking: Looking, ago: int = 0) -> tuple[Explanation | None, ...]:
    """One explanation of each rule, as of the last look or one `ago` looks before (at most `LOOKS_KEPT`).

    None: a rule without a condition; it is always met.
    """
    assert 0 <= ago < LOOKS_KEPT, f"{ago} looks ago is forgotten"
    evaluator = looking.past(ago)
    rules = enumerate(looking.program.definition.rules)
    return tuple(
        None if rule.when is None else _explained(evaluator, rule.when, f"rules[{number}].when")
        for number, rule in rules
    )


def _explained(evaluator: Evaluator, condition: Condition, path: str) -> Explanation:
    parts = tuple(_explained(evaluator, part, f"{path}{step}") for step, part in _parts(condition))
    return Explanation(
        path=path,
        text=condition_text(condition, evaluator.program.inputs),
        verdict=_verdict(evaluator, condition, parts),
        values=tuple(_shown(evaluator, operand, back) for operand, back in _operands(condition)),
        parts=parts,
    )


def _verdict(evaluator: Evaluator, condition: Condition, parts: tuple[Explanation, ...]) -> Verdict:
    """What the parts come to, where they decide it: their order is that of truth."""
    match condition:
        case All():
            return min(part.verdict for part in parts)
        case Any():
            return max(part.verdict for part in parts)
        case _:
            return evaluator.test(condition)(0)


def _parts(condition: Condition) -> list[tuple[str, Condition]]:
    match condition:
        case All(parts):
            return [(f".all[{number}]", part) for number, part in enumerate(parts)]
        case Any(parts):
            return [(f".any[{number}]", part) for number, part in enumerate(parts)]
        case Not(part):
            return [(".not", part)]
        case Within(part):
            return [(".within[0]", part)]
        case _:
            return []


def _operands(condition: Condition) -> list[tuple[Operand, int]]:
    """The operands of a condition itself, and how many bars back it looks at each."""
    match condition:
        case Comparison(relation, left, right) if relation in (Relation.CROSSES_ABOVE, Relation.CROSSES_BELOW):
            return [(left, 1), (right, 1), (left, 0), (right, 0)]
        case Comparison(_, left, right):
            return [(left, 0), (right, 0)]
        case Move(operand=operand, bars=bars):
            return [(operand, bars), (operand, 0)]
        case _:
            return []


def _shown(evaluator: Evaluator, operand: Operand, back: int) -> Shown:
    text = operand_text(operand, evaluator.program.inputs)
    value = evaluator.value(operand)(back)
    before = f", {back} bar{'' if back == 1 else 's'} before" if back else ""
    return Shown(f"{text}{before}", None if math.isnan(value) else value)


def reason(explanation: Explanation) -> str:
    """In a sentence, why a condition is not met: the first part that keeps it from it."""
    if explanation.verdict is Verdict.MET:
        return f"{explanation.text}: met"
    blocking = next((part for part in explanation.parts if part.verdict is explanation.verdict), None)
    if blocking is not None and ".not" not in blocking.path[len(explanation.path) :]:
        return reason(blocking)
    values = ", ".join(
        f"{shown.text} = {'not known yet' if shown.value is None else f'{shown.value:.10g}'}"
        for shown in explanation.values
    )
    state = "is not met" if explanation.verdict is Verdict.UNMET else "is not known yet: it is warming up"
    return f"{explanation.text} {state}" + (f" ({values})" if values else "")
