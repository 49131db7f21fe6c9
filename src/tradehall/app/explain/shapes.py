"""What an explanation is made of."""

from typing import Any

from msgspec import Struct


class Step(Struct, frozen=True):
    """One thing that happened to an order, or was looked at for it, at `at` [ns UTC] in record `seq`.

    `kind`: a word for programs (docs/explain.md lists them), `text`: a sentence for people, `data`: the facts behind
    it, as JSON. `seq` is 0 for what the journal does not hold: lines of the audit trail.
    """

    at: int
    seq: int
    kind: str
    text: str
    data: dict[str, Any]


class Otherwise(Struct, frozen=True):
    """Record `seq` would be decided otherwise today: what the journal has, and what today's rules make of it."""

    seq: int
    expected: list[dict[str, Any]]
    found: list[dict[str, Any]]
    error: str | None = None


class Redecided(Struct, frozen=True):
    """Each decision about an order decided again, on the state and the quotes of then.

    `same`: every one that was decided again came out as the journal has it. `decided`: how many those are; `left_out`:
    records that were not decided again, because too much lies between them.
    """

    same: bool
    differences: list[Otherwise]
    decided: int
    left_out: list[int]


class Explanation(Struct, frozen=True):
    """The life of one order, oldest step first. `outcome`: the status it has; `text`: the whole in one sentence."""

    order_id: int
    account_id: int
    outcome: str
    text: str
    steps: list[Step]
    redecided: Redecided
