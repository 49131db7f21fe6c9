"""Asking: checks one by one, with what they compared."""

from decimal import Decimal

import pytest

from tests.builders import World, an_order
from tradehall.domain.rejection import RejectCode
from tradehall.engine import commands as cmd
from tradehall.engine.asking import FIGURES, answers
from tradehall.engine.context import Context
from tradehall.engine.draft import OrderDraft
from tradehall.engine.rules import AMEND_ORDER_CHECKS, PLACE_ORDER_CHECKS, SHAPE_CHECKS, place_order_rejection


def a_draft(world, **wish):
    command = cmd.PlaceOrder(an_order(**wish))
    return OrderDraft(world.state, world.account, command, Context(world.now, world.quotes))


def test_figures_are_told_of_checks_that_are_asked():
    assert FIGURES.keys() <= {*SHAPE_CHECKS, *PLACE_ORDER_CHECKS, *AMEND_ORDER_CHECKS}


@pytest.mark.parametrize(("wish", "code", "claim", "figures"), [
    # the order                     refused as                      by the claim                  its figures
    ({"quantity": "10000"},         None,                           "margin is sufficient",       {"required": "550.05"}),
    ({"quantity": "99999999"},      RejectCode.MARGIN_INSUFFICIENT, "margin is sufficient",       {"available": "100000"}),
    ({"quantity": "0"},             RejectCode.QUANTITY_BELOW_MIN,  "quantity is at least min",   {"quantity": "0"}),
    ({"reduce_only": True},         RejectCode.REDUCE_ONLY_NOTHING_TO_REDUCE, "reduce only reduces", {}),
])  # fmt: skip
def test_the_last_claim_asked_is_the_one_that_decided(wish, code, claim, figures):
    draft = a_draft(World(), **wish)
    told = answers(PLACE_ORDER_CHECKS, draft)
    last = told[-1]
    assert (last.claim, None if last.rejection is None else last.rejection.code) == (claim, code)
    assert {name: last.figures[name] for name in figures} == {name: Decimal(text) for name, text in figures.items()}
    assert all(answer.rejection is None for answer in told[:-1])
    assert last.rejection == place_order_rejection(a_draft(World(), **wish)), "the pipeline says the same"
