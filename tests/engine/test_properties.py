"""What holds in any history whatever; a failing test names the seed of its history."""

from collections import Counter
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import World, an_account, an_instrument, an_order
from tests.engine.chaos import Chaos
from tradehall.domain.account import Account, Exposure, PositionMode
from tradehall.domain.money import round_money
from tradehall.domain.order import MarginMode, Side
from tradehall.domain.position import PositionSide
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.engine import Engine
from tradehall.engine.record import decode_facts, decode_record, encode_record
from tradehall.engine.replay import decode_snapshot, encode_snapshot, fold, redecide
from tradehall.engine.state import State

STEPS = 300
SEEDS = range(40)
# Shares of costs have 64 digits and no more: sums of them agree to far beyond any amount.
NOTHING = Decimal("1E-40")


@pytest.mark.parametrize("mode", ["NETTING", "HEDGING"])
@pytest.mark.parametrize("seed", SEEDS)
def test_in_any_history(seed: int, mode: str):
    chaos = Chaos(seed, mode)
    book, noted = Book(), 0
    for step in range(STEPS):
        chaos.step()
        for record in chaos.world.records[noted:]:
            book.note(record.events, chaos.world)
        noted = len(chaos.world.records)
        holds(chaos.world, book, f"{seed=} {mode=} {step=}")
    assert len(book.fills) > 10, "a history in which nothing happens proves nothing"
    replays(chaos.world)


class Book:
    """What outsiders add up from the events, without the engine's help."""

    def __init__(self) -> None:
        self.filled: Counter[int] = Counter()
        self.fills: list[ev.OrderFilled] = []
        self.balance: Counter[int] = Counter()
        self.net: dict[tuple[int, str], Decimal] = {}
        # What fills cost, and what of that went with what was closed.
        self.charged: Counter[int] = Counter()
        self.gone: Counter[int] = Counter()

    def note(self, events: tuple[ev.AnyEvent, ...], world: World) -> None:
        for event in events:
            if isinstance(event, ev.OrderFilled):
                self._note_fill(event, world)
            elif isinstance(event, ev.BalanceChanged) and event.entry in ("DEPOSIT", "WITHDRAWAL", "SWAP"):
                self.balance[event.account_id] += event.amount  # type: ignore[assignment]
            elif isinstance(event, ev.PositionChanged | ev.PositionClosed) and event.part is not None:
                self.gone[event.position.account_id] += event.part.commission  # type: ignore[assignment]

    def _note_fill(self, event: ev.OrderFilled, world: World) -> None:
        fill = event.fill
        self.fills.append(event)
        self.filled[fill.order_id] += fill.quantity  # type: ignore[assignment]
        self.balance[fill.account_id] += fill.realized_pnl - fill.commission  # type: ignore[assignment]
        self.charged[fill.account_id] += fill.commission  # type: ignore[assignment]
        key = (fill.account_id, fill.symbol)
        signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
        self.net[key] = self.net.get(key, Decimal(0)) + signed
        terms = world.order(fill.order_id).terms
        mode = world.state.accounts[fill.account_id].terms.position_mode
        # On a netting account a strategy's order reduces its own part, and may open the account's position.
        if terms.reduce_only and (terms.strategy_id is None or mode is PositionMode.HEDGING):
            assert fill.closed_quantity == fill.quantity, "reduce-only opened something"


def holds(world: World, book: Book, when: str) -> None:
    state = world.state
    for order in [*state.orders.values(), *state.ended.values()]:
        assert order.filled_quantity == book.filled[order.order_id] <= order.terms.quantity, when
    for account in state.accounts.values():
        money_in_is_money_out(account, book, when)
        commissions_add_up(account, book, when)
        margins_add_up(account, when)
        exposures_add_up(account, book, when)
    indexes_agree(state, when)


def money_in_is_money_out(account: Account, book: Book, when: str) -> None:
    assert account.balance == account.ledger_total == book.balance[account.terms.account_id], when


def commissions_add_up(account: Account, book: Book, when: str) -> None:
    """What positions and closed parts of them paid is what their fills cost, each share of it in whole cents."""
    login, shares = account.terms.account_id, [position.commission for position in account.positions.values()]
    assert book.gone[login] + sum(shares) == book.charged[login], when
    assert all(share == round_money(share, account.terms.currency) for share in shares), when


def margins_add_up(account: Account, when: str) -> None:
    positions = account.positions.values()
    assert account.margin_held == sum(order.margin_held for order in account.orders.values()), when
    assert account.margin_used == sum(position.margin for position in positions), when
    assert account.margin_isolated == sum(p.margin for p in positions if p.margin_mode is MarginMode.ISOLATED), when
    assert all(position.margin > 0 and position.quantity > 0 and position.cost > 0 for position in positions), when
    assert all(order.margin_held >= 0 for order in account.orders.values()), when


def exposures_add_up(account: Account, book: Book, when: str) -> None:
    expected: dict[str, Exposure] = {}
    for position in account.positions.values():
        found = expected.setdefault(position.symbol, Exposure())
        is_long = position.side is PositionSide.LONG
        signed = position.quantity if is_long else -position.quantity
        found.net_filled += signed
        if position.margin_mode is MarginMode.ISOLATED:
            found.isolated_net += signed
        elif is_long:
            found.long_quantity, found.long_cost = (
                found.long_quantity + position.quantity,
                found.long_cost + position.cost,
            )
        else:
            found.short_quantity, found.short_cost = (
                found.short_quantity + position.quantity,
                found.short_cost + position.cost,
            )
    assert account.exposures.keys() == expected.keys(), when
    for symbol, exposure in account.exposures.items():
        found = expected[symbol]
        assert exposure.net_filled == found.net_filled == book.net[account.terms.account_id, symbol], when
        assert exposure.isolated_net == found.isolated_net, when
        assert (exposure.long_quantity, exposure.short_quantity) == (found.long_quantity, found.short_quantity), when
        assert abs(exposure.long_cost - found.long_cost) < NOTHING, when
        assert abs(exposure.short_cost - found.short_cost) < NOTHING, when
    if account.terms.position_mode is PositionMode.NETTING:
        assert len({p.symbol for p in account.positions.values()}) == len(account.positions), when
        for position in account.positions.values():
            assert account.exposures[position.symbol].position_id == position.position_id, when


def indexes_agree(state: State, when: str) -> None:
    """The indexes of a state that lived are those of one that is built anew from its snapshot."""
    anew = State.restore(decode_snapshot(encode_snapshot(state.snapshot())))
    assert state.orders.keys() == anew.orders.keys(), when
    assert {key: list(ids) for key, ids in state.oco_groups.items()} == {
        k: list(v) for k, v in anew.oco_groups.items()
    }, when
    assert {key: list(ids) for key, ids in state.reducing.items()} == {k: list(v) for k, v in anew.reducing.items()}, (
        when
    )
    assert (state.position_count, state.first_expiry()) == (anew.position_count, anew.first_expiry()), when
    for account in state.accounts.values():
        known = [
            *account.orders.values(),
            *(o for o in state.ended.values() if o.terms.account_id == account.terms.account_id),
        ]
        names = {o.terms.client_order_id: o.order_id for o in known if o.terms.client_order_id is not None}
        assert account.client_ids == names, when


def replays(world: World) -> None:
    live = encode_snapshot(world.state.snapshot())
    assert encode_snapshot(State.restore(decode_snapshot(live)).snapshot()) == live
    lines = [encode_record(record) for record in world.records]
    folded = State()
    for line in lines:
        fold(folded, decode_facts(line))
    assert encode_snapshot(folded.snapshot()) == live
    assert [difference for difference in redecide(map(decode_record, lines)) if difference is not None] == []


@pytest.mark.parametrize("seed", range(20))
def test_a_history_can_go_on_from_any_snapshot(seed: int):
    chaos = Chaos(seed, "HEDGING")
    for _ in range(100):
        chaos.step()
    middle, known = chaos.world.state.snapshot(), len(chaos.world.records)
    folded, deciding = (State.restore(decode_snapshot(encode_snapshot(middle))) for _ in range(2))
    engine = Engine(deciding)
    for _ in range(150):
        chaos.step()
    for record in chaos.world.records[known:]:
        fold(folded, record)
        context = Context(record.now, {quote.symbol: quote for quote in record.quotes})
        assert engine.apply(record.command, context) == record.events, f"{seed=}, record {record.seq}"
    live = encode_snapshot(chaos.world.state.snapshot())
    assert encode_snapshot(folded.snapshot()) == encode_snapshot(deciding.snapshot()) == live


# Prices such that no share of a cost has a fraction: up to six units are open at a time.
WHOLE = Decimal(60) ** 7
FILLS = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 50), st.integers(1, 3)), max_size=14)


@given(FILLS, st.integers(1, 50))
@settings(derandomize=True, max_examples=150)
def test_netting_and_hedging_are_worth_the_same_after_the_same_fills(fills, last):
    worlds = [
        World(an_instrument(), account=an_account(position_mode=mode, leverage="500"), deposit=str(10**18))
        for mode in ("NETTING", "HEDGING")
    ]
    for world in worlds:
        net = 0
        for side, price, quantity in fills:
            signed = quantity if side is Side.BUY else -quantity
            if abs(net + signed) > 6:
                continue
            net += signed
            world.fill(world.place(an_order(side=side, quantity=str(quantity))), at=WHOLE * price)
        world.quote("EURUSD", str(WHOLE * last), str(WHOLE * last))
    netting, hedging = (world.value.equity for world in worlds)
    assert netting == hedging


def test_with_rounding_they_differ_by_half_a_cent_a_closing_at_most():
    random = Random(7)
    worlds = [World(an_instrument(), account=an_account(position_mode=mode)) for mode in ("NETTING", "HEDGING")]
    closings = 0
    for world in worlds:
        world.quote("EURUSD", "1.1", "1.1")  # A spread would cost what is hedged once more.
    for _ in range(300):
        side, quantity, price = (
            random.choice("BS"),
            str(random.randint(1, 99)),
            str(Decimal(random.randint(90_000, 130_000)).scaleb(-5)),
        )
        for world in worlds:
            world.freshen()
            world.fill(world.place(side="BUY" if side == "B" else "SELL", quantity=quantity), at=price)
        closings += worlds[0].told(ev.OrderFilled)[0].fill.closed_quantity > 0
        netting, hedging = (world.value.equity for world in worlds)
        assert abs(netting - hedging) <= closings * Decimal("0.005") + Decimal("1E-9")
