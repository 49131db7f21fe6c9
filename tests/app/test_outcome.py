"""The fingerprint of a wish."""

from decimal import Decimal
from typing import get_type_hints

import pytest
from msgspec.structs import replace

from tests.app.shard import an_order
from tradehall.app.outcome import request_digest
from tradehall.domain.order import OrderTerms, Side

WISH = an_order("0.5", limit="49000", client_id="a").terms
NOT_THE_WISH = frozenset({"source", "client_order_id", "symbol_asked", "exits_live_ns"})
DECIMALS = [name for name, kind in get_type_hints(OrderTerms).items() if kind in (Decimal, Decimal | None)]


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": Decimal("0.500")},
        {"limit_price": Decimal("4.9E4")},
        {"source": "another door"},
        {"client_order_id": "another name"},
        {"symbol_asked": "BTC/USD"},
        {"exits_live_ns": 1},
    ],
)
def test_the_same_wish_has_the_same_fingerprint(changes):
    assert request_digest(replace(WISH, **changes)) == request_digest(WISH)


@pytest.mark.parametrize("name", [name for name in OrderTerms.__struct_fields__ if name not in NOT_THE_WISH])
def test_every_other_part_of_a_wish_counts(name):
    value = getattr(WISH, name)
    other: object
    if name in DECIMALS:
        other = (value or 0) + Decimal(1)
    elif name == "side":
        other = Side.SELL
    else:
        other = "other"
    assert request_digest(replace(WISH, **{name: other})) != request_digest(WISH)


@pytest.mark.parametrize("name", DECIMALS)
def test_a_number_counts_however_it_is_written(name):
    short, long = (replace(WISH, **{name: Decimal(text)}) for text in ("70", "7.00E1"))
    assert request_digest(short) == request_digest(long)


def test_a_value_does_not_pass_for_its_neighbour():
    stop = replace(WISH, limit_price=None, stop_price=WISH.limit_price)
    assert request_digest(stop) != request_digest(WISH)


def test_a_fingerprint_never_changes_with_the_program():
    """It is kept for ever: were it another after an upgrade, an honest repeat would be refused."""
    assert request_digest(WISH) == "d1c55f16ef1c17e1ced7e19265673c82"
    numbers = {name: Decimal(f"{place}.50") for place, name in enumerate(DECIMALS)}
    assert request_digest(replace(WISH, **numbers)) == "e6f82ce933f683382ece7f526a665b6f"
