"""Writes docs/REJECTIONS.md: every RejectCode, who makes it, and what it says.

    python -m tools.make_rejections

The claims are the docstrings of the checks, the examples come from the table that the tests go through. A
test compares the page with what this would write.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.builders import World, an_order
from tests.engine.rejection_table import (
    OTHER_ROWS,
    PLACE_ROWS,
    SHAPE_ROWS,
    STRATEGY_ROWS,
    ask,
    strategy_world,
    world_of,
)
from tests.engine.source import Maker, makers_of_rejections
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine import events as ev
from tradehall.engine.rules import AMEND_ORDER_CHECKS, EXIT_CHECKS, PLACE_ORDER_CHECKS, SHAPE_CHECKS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "REJECTIONS.md"

HEAD = """\
# Rejections

Why the engine says no. Written by `python -m tools.make_rejections` from the checks and from the table of the
tests; a test says when it is stale. Each code is made in one place, and no door widens it on the way.

- A **malformed wish** and everything that names an unknown thing is refused without an order number; a client
  order id is not used up.
- A wish **against the rules** is an order: REJECTED, listed, with a number; its client order id is used up.
- `would_pass` is the nearest value that passes (as all else stands): a quantity, or the price in question. It
  is left out where nothing would.
- Of two faults the first in the list of checks is told. A test pins the lists.

"""


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf8")
    print(f"rejections: {len(RejectCode)} codes in {PAGE.name}")
    return 0


def page() -> str:
    """The page as it should be."""
    return HEAD + "\n".join([*_order_of_checks(), "", *_table()]) + "\n"


def _order_of_checks() -> Iterator[str]:
    lists = [
        ("The form of a wish", SHAPE_CHECKS),
        ("The rules for a new order", PLACE_ORDER_CHECKS),
        ("The rules for an amendment", AMEND_ORDER_CHECKS),
        ("The rules for exits of what is open", EXIT_CHECKS),
    ]
    yield "## The order of the checks"
    for title, checks in lists:
        yield ""
        yield f"**{title}**: {' → '.join(check.__name__.replace('_', ' ') for check in checks)}."


def _table() -> Iterator[str]:
    yield "## The codes"
    yield ""
    yield "| code | the claim that does not hold | an example | its numbers | made by |"
    yield "| --- | --- | --- | --- | --- |"
    makers, examples = makers_of_rejections(), _examples()
    for code in RejectCode:
        (maker,) = makers[code]
        example = examples[code]
        numbers = ", ".join(f"{name} {format(number, 'f')}" for name, number in example.numbers.items())
        yield f"| `{code}` | {maker.claim} | {example.message} | {numbers} | {_link(maker)} |"


def _link(maker: Maker) -> str:
    file, function = maker.where.split(":")
    return f"[`{function}`](../src/tradehall/{file})"


def _examples() -> dict[RejectCode, Rejection]:
    """The refusal that the first row of each code gets."""
    found: dict[RejectCode, Rejection] = {}
    for row in SHAPE_ROWS + PLACE_ROWS:
        rejection = ask(world_of(row), row.wish)
        assert rejection is not None, row.what
        found.setdefault(rejection.code, rejection)
    for _, before, order, code, _ in STRATEGY_ROWS:
        world = strategy_world(before)
        rejection = world.ask(an_order(**order))
        assert rejection is not None, code
        found.setdefault(code, rejection)
    for _, wish, code, _ in OTHER_ROWS:
        world = World()
        wish(world)
        said = [event for event in world.events if isinstance(event, ev.RequestRefused | ev.OrderFailed)]
        found.setdefault(code, said[0].rejection)
    return found


if __name__ == "__main__":
    sys.exit(main())
