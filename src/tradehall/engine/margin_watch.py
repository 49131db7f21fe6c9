"""Which accounts must a quote make us look at? Usually none, and finding that out costs two comparisons.

For every account with positions, the distance of its equity from the next margin threshold is shared out
among the symbols it depends on: while each price stays inside its band, no threshold can have been
reached. Bands hang in two heaps per symbol; a quote that leaves a band has the account valued and given
new bands. This is a cache: it decides when to look, never what is found, and is not part of the State.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from heapq import heapify, heappop, heappush
from typing import Final

from tradehall.domain.account import Account, MarginState
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Quote
from tradehall.domain.money import HUNDRED, ONE, ZERO
from tradehall.engine.conversion import conversion_rate, conversion_symbols
from tradehall.engine.handlers.check_margin import isolated_is_broken, margin_state
from tradehall.engine.state import State
from tradehall.engine.valuation import isolated_positions, value_account, value_position

# Half the distance is shared out, so that products of two moves (price x conversion) stay covered.
_SHARE: Final = Decimal("0.5")
# No band is wider than this part of the price: conversions stay near what the band was made with.
_WIDEST: Final = Decimal("0.5")
_COMPACT_ABOVE: Final = 64


class _Bands:
    """The bands of one symbol: lowest bids and highest asks until which accounts need no look."""

    __slots__ = ("above", "below", "live")

    def __init__(self) -> None:
        self.below: list[tuple[Decimal, AccountId, int]] = []  # (-lower bound, account, generation)
        self.above: list[tuple[Decimal, AccountId, int]] = []
        self.live = 0


class MarginWatch:
    """Bands of all accounts with positions, over one State and the latest quotes."""

    def __init__(self, state: State, quotes: Mapping[str, Quote]) -> None:
        self._state = state
        self._quotes = quotes
        self._bands: dict[str, _Bands] = {}
        self._generation: dict[AccountId, int] = {}
        for account_id, account in state.accounts.items():
            if account.positions:
                self.refresh(account_id)

    def refresh(self, account_id: AccountId) -> None:
        """Give an account new bands: its positions, orders or balance changed."""
        account = self._state.accounts[account_id]
        generation = self._generation.get(account_id, 0) + 1
        if not account.positions:
            if account_id in self._generation:
                self._generation[account_id] = generation
            return
        self._generation[account_id] = generation
        symbols = self._symbols(account)
        slack = self._slack(account) * _SHARE / len(symbols)
        for symbol in symbols:
            self._set_band(account, symbol, slack, generation)

    def touched(self, quote: Quote) -> list[AccountId]:
        """Accounts whose margin state this quote, already among the latest, may have changed."""
        bands = self._bands.get(quote.symbol)
        if bands is None:
            return []
        left: dict[AccountId, None] = {}
        while bands.below and -bands.below[0][0] >= quote.bid:
            self._take(heappop(bands.below), left)
        while bands.above and bands.above[0][0] <= quote.ask:
            self._take(heappop(bands.above), left)
        if not left:
            return []
        self._compact(bands)
        return [account_id for account_id in left if self._needs_look(account_id)]

    def _take(self, entry: tuple[Decimal, AccountId, int], left: dict[AccountId, None]) -> None:
        _, account_id, generation = entry
        if self._generation.get(account_id) == generation:
            left[account_id] = None

    def _needs_look(self, account_id: AccountId) -> bool:
        """Value the account; if no threshold was reached, new bands are all it needs."""
        self.refresh(account_id)
        account = self._state.accounts[account_id]
        if any(isolated_is_broken(self._state, account, p, self._quotes.get) for p in isolated_positions(account)):
            return True
        wanted = margin_state(account, value_account(self._state, account, self._quotes.get))
        return wanted is not account.margin_state or wanted is MarginState.STOPPED_OUT

    def _slack(self, account: Account) -> Decimal:
        """Distance [account currency] of the equity from the nearest threshold above or below it."""
        value = value_account(self._state, account, self._quotes.get)
        thresholds = [account.terms.margin_call_level, account.terms.stop_out_level]
        distances = [abs(value.equity - value.margin_used * level / HUNDRED) for level in thresholds]
        for position in isolated_positions(account):
            floor = position.margin * (ONE - account.terms.stop_out_level / HUNDRED)
            unrealized = value_position(self._state, position, self._quotes.get).unrealized_pnl
            distances.append(abs(floor + unrealized))
        return min(distances)

    def _symbols(self, account: Account) -> list[str]:
        """Symbols whose quotes move the account's equity: its positions', and those that convert them."""
        names: dict[str, None] = dict.fromkeys(account.exposures)
        for symbol in account.exposures:
            currency = self._state.instruments[symbol].quote_currency
            names.update(dict.fromkeys(conversion_symbols(currency, account.terms.currency)))
        return [name for name in names if name in account.exposures or name in self._quotes]

    def _set_band(self, account: Account, symbol: str, slack: Decimal, generation: int) -> None:
        bands = self._bands.get(symbol)
        if bands is None:
            bands = self._bands[symbol] = _Bands()
        quote = self._quotes.get(symbol)
        if quote is None:
            # Nothing is known: the first quote has a look.
            low, high = Decimal("Infinity"), ZERO
        else:
            move = min(self._move_for(account, symbol, slack, quote), quote.bid * _WIDEST)
            low, high = quote.bid - move, quote.ask + move
            if move == 0:
                low, high = quote.bid - _tick(self._state, symbol), quote.ask + _tick(self._state, symbol)
        account_id = account.terms.account_id
        heappush(bands.below, (-low, account_id, generation))
        heappush(bands.above, (high, account_id, generation))

    def _move_for(self, account: Account, symbol: str, slack: Decimal, quote: Quote) -> Decimal:
        """Price move of `symbol` that costs at most `slack`, whichever way it goes."""
        cost_per_price = ZERO
        exposure = account.exposures.get(symbol)
        if exposure is not None:
            units = exposure.long_quantity + exposure.short_quantity + self._isolated_units(account, symbol)
            currency = self._state.instruments[symbol].quote_currency
            rate = conversion_rate(currency, account.terms.currency, self._quotes.get) or ONE
            cost_per_price += units * rate
        converted = self._converted_value(account, symbol)
        if converted:
            cost_per_price += converted / quote.bid
        return slack / cost_per_price if cost_per_price else quote.bid

    def _isolated_units(self, account: Account, symbol: str) -> Decimal:
        return sum((p.quantity for p in isolated_positions(account) if p.symbol == symbol), ZERO)

    def _converted_value(self, account: Account, symbol: str) -> Decimal:
        """What the account's positions would gain or lose if the conversion by `symbol` changed by all of itself."""
        total = ZERO
        for name in account.exposures:
            currency = self._state.instruments[name].quote_currency
            if symbol in conversion_symbols(currency, account.terms.currency):
                total += sum(
                    abs(value_position(self._state, p, self._quotes.get).unrealized_pnl)
                    for p in account.positions.values()
                    if p.symbol == name
                )
        return total * 2  # Inverse quotes move a little more than in proportion.

    def _compact(self, bands: _Bands) -> None:
        """Drop bands that newer ones replaced, once they are the most."""
        for name in ("below", "above"):
            heap = getattr(bands, name)
            if len(heap) > _COMPACT_ABOVE and len(heap) > 2 * len(self._generation):
                setattr(bands, name, _alive(heap, self._generation))


def _alive(
    heap: Iterable[tuple[Decimal, AccountId, int]], generation: Mapping[AccountId, int]
) -> list[tuple[Decimal, AccountId, int]]:
    kept = [entry for entry in heap if generation.get(entry[1]) == entry[2]]
    heapify(kept)
    return kept


def _tick(state: State, symbol: str) -> Decimal:
    instrument = state.instruments.get(symbol)
    return instrument.tick_size if instrument else ZERO
