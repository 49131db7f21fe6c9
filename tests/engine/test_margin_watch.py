"""The watch never misses an account whose margin a quote breaks, and hardly ever looks in vain."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from random import Random

import pytest

from tests.builders import INSTRUMENTS, QUOTES, World, a_limit, an_account, an_instrument, an_order
from tradehall.domain.account import Account, MarginState
from tradehall.domain.market import Quote
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.handlers.check_margin import isolated_is_broken, margin_state
from tradehall.engine.margin_watch import MarginWatch
from tradehall.engine.valuation import isolated_positions, value_cross

SYMBOLS = ("EURUSD", "EURJPY", "USDJPY", "EURGBP", "GBPUSD")
WALK, ACCOUNTS = 400, 12


class Counted(Mapping[str, Quote]):
    """Quotes that know how often they were read."""

    def __init__(self, quotes: dict[str, Quote]) -> None:
        self.quotes, self.reads = quotes, 0

    def __getitem__(self, symbol: str) -> Quote:
        self.reads += 1
        return self.quotes[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self.quotes)

    def __len__(self) -> int:
        return len(self.quotes)


def is_due(world: World, account: Account) -> bool:
    """By looking: whether a margin check would find news."""
    quote_of = world.quotes.get
    wanted = margin_state(account, value_cross(world.state, account, quote_of))
    broken = any(isolated_is_broken(world.state, account, p, quote_of) for p in isolated_positions(account))
    return wanted is not account.margin_state or broken


def is_stopped_out(account: Account) -> bool:
    """Such an account is looked at with every quote of its symbols until its positions are gone."""
    return account.margin_state is MarginState.STOPPED_OUT


class Street:
    """Some accounts with positions of all kinds, and a venue that fills whatever is asked."""

    def __init__(self, seed: int, accounts: int = ACCOUNTS) -> None:
        self.random = Random(seed)
        self.world = World(*(INSTRUMENTS[name] for name in SYMBOLS), quotes={name: QUOTES[name] for name in SYMBOLS})
        for number in range(1, accounts + 1):
            mode, currency = (
                self.random.choice(["NETTING", "HEDGING"]),
                self.random.choice(["USD", "USD", "EUR", "JPY"]),
            )
            deposit = str(self.random.randint(300, 3000) * (150 if currency == "JPY" else 1))
            self.world.open(an_account(number, position_mode=mode, currency=currency), deposit)
            for _ in range(self.random.randint(1, 4)):
                self.deal(number)
        self.counted = Counted(self.world.quotes)
        self.watch = MarginWatch(self.world.state, self.counted)

    def deal(self, number: int) -> None:
        world, random = self.world, self.random
        world.freshen()
        world.ask(an_order(
            account_id=number, symbol=random.choice(["EURUSD", "EURJPY", "EURGBP"]), side=random.choice(["BUY", "SELL"]),
            quantity=str(random.randint(1, 12) * 1000), margin_mode=random.choice(["CROSS", "CROSS", "ISOLATED"]),
        ))  # fmt: skip
        for event in world.events:
            if isinstance(event, ev.OrderAccepted):
                world.fill(world.order(event.order_id))

    def move(self, size: int) -> Quote:
        """One symbol goes up or down by up to `size` basis points, with another spread each time."""
        symbol = self.random.choice(SYMBOLS)
        old = self.world.quotes[symbol]
        bid = old.bid * (10_000 + self.random.randint(-size, size)) / 10_000
        spread = INSTRUMENTS[symbol].tick_size * self.random.randint(1, 40)
        return self.world.quote(symbol, str(bid.quantize(Decimal("1E-6"))), str(bid.quantize(Decimal("1E-6")) + spread))

    def look(self, number: int) -> None:
        """What the trading loop does with an account that was touched."""
        world = self.world
        while world.do(cmd.CheckMargin(number)):
            for event in world.events:
                if isinstance(event, ev.OrderAccepted):
                    world.fill(world.order(event.order_id))
            self.watch.refresh(number)


@pytest.mark.parametrize("size", [3, 40, 400])
@pytest.mark.parametrize("seed", range(8))
def test_no_account_is_missed_and_none_is_named_in_vain(seed: int, size: int):
    street = Street(seed)
    world, found = street.world, 0
    for step in range(WALK):
        quote = street.move(size)
        due = {number for number, account in world.state.accounts.items() if is_due(world, account)}
        touched = street.watch.touched(quote)
        patients = {number for number in touched if is_stopped_out(world.state.accounts[number])}
        assert set(touched) - patients == due - patients, f"{seed=} {size=} {step=}"
        found += len(due)
        for number in touched:
            street.look(number)
        if street.random.random() < 0.05:
            number = street.random.randint(1, ACCOUNTS)
            street.deal(number)
            street.watch.refresh(number)
    assert size < 40 or found, "a walk that breaks nobody proves little"


def test_a_quote_that_breaks_nobody_costs_no_valuation():
    street = Street(1, accounts=60)
    street.watch.touched(street.world.quotes["EURUSD"])
    walk = 500
    street.counted.reads = 0
    for _ in range(walk):
        for number in street.watch.touched(street.move(2)):
            street.look(number)
    one_valuation_of_all = 60 * 3
    assert street.counted.reads < walk * one_valuation_of_all / 10


def test_many_changes_between_two_quotes_are_one_look():
    street = Street(1)
    street.watch.touched(street.world.quotes["EURUSD"])
    street.counted.reads = 0
    for _ in range(1000):
        street.watch.refresh(1)
    assert street.counted.reads == 0


def test_a_new_watch_over_a_restored_state_finds_what_the_old_one_would():
    street = Street(3)
    street.watch = MarginWatch(street.world.state, street.counted)
    quote = street.move(400)
    due = {number for number, account in street.world.state.accounts.items() if is_due(street.world, account)}
    assert set(street.watch.touched(quote)) == due


def test_what_cannot_be_closed_is_looked_at_again_with_every_quote():
    world = World(an_instrument(sessions=((1440, 1440 + 720),)), deposit="600")
    world.deal()
    world.wait_until("2025-01-14T13:00:00Z")
    watch = MarginWatch(world.state, world.quotes)
    assert watch.touched(world.quote("EURUSD", "1.05000")) == [world.account.terms.account_id]
    world.check_margin()
    assert world.account.margin_state is MarginState.STOPPED_OUT
    for bid in ("1.05000", "1.05001"):
        assert watch.touched(world.quote("EURUSD", bid)) == [world.account.terms.account_id]


def test_an_account_that_lost_its_last_position_is_told_that_all_is_well_again():
    world = World(deposit="600")
    world.deal()
    watch = MarginWatch(world.state, world.quotes)
    world.quote("EURUSD", "1.05000")
    world.check_margin()
    world.fill(world.orders[0])
    watch.refresh(world.account.terms.account_id)
    assert watch.touched(world.quote("AAPL", "200.00")) == [world.account.terms.account_id]
    world.check_margin()
    assert world.account.margin_state is MarginState.NORMAL


def test_the_first_quote_of_a_conversion_has_a_look():
    world = World(deposit="700")
    world.deal(symbol="EURJPY", quantity="10000")
    world.quote("EURJPY", "150.000")
    rate = world.quotes.pop("USDJPY")
    watch = MarginWatch(world.state, world.quotes)
    assert watch.touched(world.quote("EURJPY", "149.999")) == []
    world.quotes["USDJPY"] = rate
    assert watch.touched(rate) == [world.account.terms.account_id]


def test_bands_do_not_pile_up():
    street = Street(5)
    for _ in range(3000):
        street.watch.refresh(street.random.randint(1, ACCOUNTS))
        street.watch.touched(street.move(1))
    assert all(len(heap) <= 64 + 2 * ACCOUNTS for heaps in street.watch._heaps.values() for heap in heaps)


def test_an_order_that_holds_margin_counts():
    world = World(deposit="1000")
    world.deal(quantity="9000")
    watch = MarginWatch(world.state, world.quotes)
    world.place(a_limit("BUY", "9000", "1.1"))
    watch.refresh(world.account.terms.account_id)
    assert watch.touched(world.quote("EURUSD", "1.09800")) == [world.account.terms.account_id]
