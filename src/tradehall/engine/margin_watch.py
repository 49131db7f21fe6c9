"""Which accounts must a quote make us look at? Usually none, and finding that out costs four comparisons.

For every account with positions, the distance of its equity from the next margin threshold is shared out
among the symbols it depends on: while each price stays inside its band, no threshold can have been
reached. Bands hang in heaps, four to a symbol; a quote that leaves a band has the account valued and given
new bands. Part of the distance is left to what working orders hold: while that stays inside its room, orders come
and go without a valuation. This is a cache: it decides when to look, never what is found, and is not part of the
State.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from heapq import heapify, heappop, heappush
from typing import Final

from tradehall.domain.account import Account, MarginState, Valuation
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Quote
from tradehall.domain.money import HUNDRED, ONE, ZERO
from tradehall.domain.position import Position, floating_pnl
from tradehall.engine.conversion import conversion_rate, conversion_symbols
from tradehall.engine.handlers.check_margin import isolated_is_broken, margin_state
from tradehall.engine.state import State
from tradehall.engine.valuation import cross_floating, isolated_positions, value_cross, value_position

# Half the distance is shared out, so that products of two moves (price x conversion) stay covered.
_SHARE: Final = Decimal("0.5")
# What working orders hold may use up this part meanwhile; the rest is for products of moves.
_SHARE_OF_HOLDS: Final = Decimal("0.25")
# No band is wider than this part of the price: conversions stay near what the band was made with.
_WIDEST: Final = Decimal("0.1")
_ANY_PRICE: Final = Decimal("-Infinity")
_COMPACT_ABOVE: Final = 64
_NORMAL: Final = MarginState.NORMAL
_PERCENT: Final = Decimal("0.01")
_NONE: Final[Sequence[Position]] = ()
_NO_ROOM: Final = (ZERO, ZERO)

# (bound, account, generation): the account needs a look once the heap's figure has come up to the bound.
_Entry = tuple[Decimal, AccountId, int]
_Heap = list[_Entry]


Bounds = tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]
"""A bid at or below the first, at or above the second, an ask at or below the third, at or above the fourth."""


def tightest(left: Bounds | None, right: Bounds | None) -> Bounds | None:
    """The bounds that a quote leaves first."""
    if left is None or right is None:
        return right if left is None else left
    picks = (max, min, max, min)
    pairs = zip(picks, left, right, strict=True)
    low, rising, falling, high = (
        pick((b for b in (one, two) if b is not None), default=None) for pick, one, two in pairs
    )
    return low, rising, falling, high


def _figures(quote: Quote) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """What the four heaps of a symbol watch: a falling bid and a rising one, a falling ask and a rising one."""
    return -quote.bid, quote.bid, -quote.ask, quote.ask


class MarginWatch:
    """Bands of all accounts with positions, over one State and the latest quotes.

    `refresh` and `held` say what happened; `due`, when all has happened, names who needs a check because of it, and
    `touched` who needs one because of a quote.
    """

    def __init__(self, state: State, quotes: Mapping[str, Quote]) -> None:
        self._state = state
        self._quotes = quotes
        self._heaps: dict[str, tuple[_Heap, _Heap, _Heap, _Heap]] = {}
        self._generation: dict[AccountId, int] = {}
        # Between which figures, both left out, the margin that an account's orders hold calls nobody.
        self._rooms: dict[AccountId, tuple[Decimal, Decimal]] = {}
        # Accounts that changed since the last look, and those that were looked at and have old bands.
        self.moved: dict[AccountId, None] = {}
        self._bandless: dict[AccountId, None] = {}
        for account_id, account in state.accounts.items():
            if account.positions:
                self._look(account_id)
            elif account.margin_held or account.margin_state is not _NORMAL:
                self.moved[account_id] = None

    def refresh(self, account_id: AccountId) -> None:
        """Remember that an account's positions, terms or balance changed."""
        self.moved[account_id] = None

    def held(self, account_id: AccountId) -> None:
        """Remember that what an account's orders hold changed, if it is enough to matter."""
        least, most = self._rooms.get(account_id, _NO_ROOM)
        if not least < self._state.accounts[account_id].margin_held < most:
            self.moved[account_id] = None

    def due(self) -> list[AccountId]:
        """Accounts that what has happened since the last look gave another margin state, by number.

        Bands are made when they are asked for: however often an account changes between two quotes, it gets them once.
        """
        moved, self.moved = self.moved, {}
        due = [account_id for account_id in moved if self._is_changed(account_id)]
        due.sort()
        return due

    def _is_changed(self, account_id: AccountId) -> bool:
        account = self._state.accounts[account_id]
        if account.margin_held and not account.positions:
            return self._look(account_id)  # Quotes do not move it: its orders get their room at once.
        self._bandless[account_id] = None
        self._rooms.pop(account_id, None)
        if self._slack_of_sound(account) is not None:
            return False
        value, isolated = value_cross(self._state, account, self._quotes.get), isolated_positions(account)
        return self._is_due(account, value, isolated) and self._is_priced(account)

    def _slack_of_sound(self, account: Account) -> Decimal | None:
        """How far [account currency] the equity is above all thresholds, of an account that was well and clearly is.

        Most are, by more than a percent of margin, and need no exact level. None: it has to be valued.
        """
        if account.margin_state is not _NORMAL or account.margin_isolated:
            return None
        used, terms, slack = account.margin_used + account.margin_held, account.terms, account.balance
        if account.exposures:
            slack += cross_floating(self._state, account, self._quotes.get)
        if not used:
            return slack if slack > ZERO else None
        slack -= used * max(terms.margin_call_level, terms.stop_out_level) * _PERCENT
        return slack if slack > used * _PERCENT else None

    def _is_priced(self, account: Account) -> bool:
        """Whether every position has a price: after a start nobody is called before the quotes have come."""
        return all(self._quotes.get(symbol) is not None and self._rate(account, symbol) for symbol in account.exposures)

    def bounds(self, symbol: str) -> Bounds | None:
        """Where quotes of `symbol` leave the first band; None: no account depends on it. Infinite: any quote does."""
        for account_id in self._bandless:
            self._look(account_id)
        self._bandless.clear()
        heaps = self._heaps.get(symbol)
        if heaps is None:
            return None
        falling_bid, rising_bid, falling_ask, rising_ask = (heap[0][0] if heap else None for heap in heaps)
        return (
            None if falling_bid is None else -falling_bid,
            rising_bid,
            None if falling_ask is None else -falling_ask,
            rising_ask,
        )

    def touched(self, quote: Quote) -> list[AccountId]:
        """Accounts whose margin state this quote, already among the latest, has changed, by number.

        Of those, too, that changed since the last look.
        """
        suspects = self.moved | self._bandless if self.moved or self._bandless else {}
        self.moved.clear()
        self._bandless.clear()
        heaps = self._heaps.get(quote.symbol)
        if heaps is not None:
            for heap, figure in zip(heaps, _figures(quote), strict=True):
                while heap and heap[0][0] <= figure:
                    self._take(heappop(heap), suspects)
        return sorted(account_id for account_id in suspects if self._look(account_id)) if suspects else []

    def _take(self, entry: _Entry, suspects: dict[AccountId, None]) -> None:
        _, account_id, generation = entry
        if self._generation[account_id] == generation:
            suspects[account_id] = None

    def _look(self, account_id: AccountId) -> bool:
        """Value the account and give it new bands; whether something has to be done about its margin now."""
        account = self._state.accounts[account_id]
        slack, isolated, is_due = self._slack_of_sound(account), _NONE, False
        if slack is None:
            value, isolated = value_cross(self._state, account, self._quotes.get), isolated_positions(account)
            is_due = self._is_due(account, value, isolated)
            # Until it is dealt with, as when a market is closed, every quote and every order has another look.
            slack = ZERO if is_due else self._slack(account, value, isolated)
        if account.positions or account_id in self._generation:
            self._generation[account_id] = self._generation.get(account_id, 0) + 1
        self._set_room(account, slack)
        if account.positions:
            conversions = {name: self._conversions(account, name) for name in account.exposures}
            symbols = self._symbols(conversions)
            share = slack * _SHARE / len(symbols)
            for symbol in symbols:
                names = [name for name, read in conversions.items() if symbol in read]
                self._set_band(account, symbol, share, names, isolated)
        return is_due

    def _set_room(self, account: Account, slack: Decimal) -> None:
        """How much more or less orders may hold before another look; none where nothing is used: there is no level."""
        account_id, terms, held = account.terms.account_id, account.terms, account.margin_held
        if account.margin_used - account.margin_isolated + held:
            room = slack * _SHARE_OF_HOLDS * HUNDRED / max(terms.margin_call_level, terms.stop_out_level, ONE)
            self._rooms[account_id] = held - room, held + room
        else:
            self._rooms.pop(account_id, None)

    def _is_due(self, account: Account, value: Valuation, isolated: Sequence[Position]) -> bool:
        wanted = margin_state(account, value)
        if wanted is not account.margin_state or wanted is MarginState.STOPPED_OUT:
            return True
        return any(isolated_is_broken(self._state, account, p, self._quotes.get) for p in isolated)

    def _slack(self, account: Account, value: Valuation, isolated: Sequence[Position]) -> Decimal:
        """Distance [account currency] of the equity from the nearest threshold above or below it."""
        thresholds = [account.terms.margin_call_level, account.terms.stop_out_level]
        distances = [abs(value.equity - value.margin_used * level / HUNDRED) for level in thresholds]
        for position in isolated:
            floor = position.margin * (ONE - account.terms.stop_out_level / HUNDRED)
            unrealized = value_position(self._state, position, self._quotes.get).unrealized_pnl
            distances.append(abs(floor + unrealized))
        return min(distances)

    def _symbols(self, conversions: Mapping[str, tuple[str, ...]]) -> list[str]:
        """Symbols whose quotes move the account's equity: its positions', and those that convert them."""
        if not any(conversions.values()):
            return list(conversions)
        names: dict[str, None] = dict.fromkeys(conversions)
        for read in conversions.values():
            names.update(dict.fromkeys(read))
        return [name for name in names if name in self._state.instruments or name in self._quotes]

    def _conversions(self, account: Account, symbol: str) -> tuple[str, ...]:
        return conversion_symbols(self._state.instruments[symbol].quote_currency, account.terms.currency)

    def _set_band(
        self, account: Account, symbol: str, slack: Decimal, converted: list[str], isolated: Sequence[Position]
    ) -> None:
        """`converted`: symbols of positions that quotes of `symbol` convert."""
        heaps = self._heaps.setdefault(symbol, ([], [], [], []))
        quote = self._quotes.get(symbol)
        if quote is None:
            bounds = (_ANY_PRICE,) * 4  # Nothing is known: the first quote has a look.
        else:
            move = min(self._move_for(account, slack, quote, converted, isolated), quote.bid * _WIDEST)
            falling_bid, rising_bid, falling_ask, rising_ask = _figures(quote)
            bounds = (falling_bid + move, rising_bid + move, falling_ask + move, rising_ask + move)
        account_id = account.terms.account_id
        generation = self._generation[account_id]
        for heap, bound in zip(heaps, bounds, strict=True):
            heappush(heap, (bound, account_id, generation))
            if len(heap) > _COMPACT_ABOVE:
                self._compact(heap)

    def _move_for(
        self, account: Account, slack: Decimal, quote: Quote, converted: list[str], isolated: Sequence[Position]
    ) -> Decimal:
        """Price move of the quote's symbol that costs at most `slack`, whichever way it goes."""
        cost_per_price, symbol = ZERO, quote.symbol
        exposure = account.exposures.get(symbol)
        if exposure is not None:
            units = exposure.long_quantity + exposure.short_quantity
            for position in isolated:
                if position.symbol == symbol:
                    units += position.quantity
            cost_per_price += units * self._rate(account, symbol)
        for name in converted:
            # Twice: inverse quotes move a little more than in proportion.
            cost_per_price += 2 * self._converted_value(account, name, isolated) / quote.bid
        return slack / cost_per_price if cost_per_price else quote.bid

    def _rate(self, account: Account, symbol: str) -> Decimal:
        """0 without a path: then no price moves the account, and the first conversion quote has a look."""
        currency = self._state.instruments[symbol].quote_currency
        return conversion_rate(currency, account.terms.currency, self._quotes.get) or ZERO

    def _converted_value(self, account: Account, symbol: str, isolated: Sequence[Position]) -> Decimal:
        """What is floating in `symbol` [account currency]: what its conversion could gain or lose as a whole."""
        quote = self._quotes.get(symbol)
        if quote is None:
            return ZERO
        exposure = account.exposures[symbol]
        cross = quote.bid * exposure.long_quantity - exposure.long_cost
        cross += exposure.short_cost - quote.ask * exposure.short_quantity
        alone = sum(
            (
                abs(floating_pnl(side=p.side, quantity=p.quantity, cost=p.cost, bid=quote.bid, ask=quote.ask))
                for p in isolated
                if p.symbol == symbol
            ),
            ZERO,
        )
        return (abs(cross) + alone) * self._rate(account, symbol)

    def _compact(self, heap: _Heap) -> None:
        """Drop bounds that newer ones replaced, once they are the most."""
        if len(heap) > 2 * len(self._generation):
            heap[:] = [entry for entry in heap if self._generation[entry[1]] == entry[2]]
            heapify(heap)
