"""Which strategies must a quote make us look at? Those whose P&L may have come down to a loss limit.

The distance of a strategy's P&L from its nearest limit is shared out among the symbols it depends on: while each
price stays inside its band, no limit can have been reached. Like the margin watch this is a cache: it decides
when to look, never what is found, and is not part of the State.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tradehall.domain.account import Account
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Quote
from tradehall.domain.money import ONE, ZERO
from tradehall.domain.strategy import StrategyBook
from tradehall.domain.time import NS_PER_DAY
from tradehall.engine.conversion import conversion_rate, conversion_symbols
from tradehall.engine.losses import floating_of_part, is_watched, loss_limits
from tradehall.engine.margin_watch import Bounds
from tradehall.engine.state import State

# Half the distance is shared out, so that products of two moves (price x conversion) stay covered.
_SHARE: Final = Decimal("0.5")
# No band is wider than this part of the price: conversions stay near what the band was made with.
_WIDEST: Final = Decimal("0.1")

StrategyKey = tuple[AccountId, str]
# A look is due at a bid as low as the first, or an ask as high as the second.
_Band = tuple[Decimal, Decimal]
_ANY_PRICE: Final[_Band] = (Decimal("Infinity"), ZERO)


class LossWatch:
    """Bands of all strategies that have a loss limit and something to lose, over one State and the latest quotes."""

    def __init__(self, state: State, quotes: Mapping[str, Quote]) -> None:
        self._state = state
        self._quotes = quotes
        self._bands: dict[str, dict[StrategyKey, _Band]] = {}
        self._symbols: dict[StrategyKey, list[str]] = {}
        self.moved: dict[StrategyKey, None] = {}
        # Those whose profit of the day stands against a daily limit: when it is over, they have lost more.
        self._daily: dict[StrategyKey, None] = {}
        # When the day of the last input ends [ns UTC]; 0 before the first.
        self.day_ends_at = 0
        for account_id, account in state.accounts.items():
            self.moved |= dict.fromkeys((account_id, name) for name, book in account.books.items() if is_watched(book))

    def refresh(self, account_id: AccountId, strategy_id: str | None) -> None:
        """Remember that a strategy's book, limits or state changed."""
        if strategy_id is not None:
            self.moved[(account_id, strategy_id)] = None

    def next_deadline(self) -> int | None:
        """When a day ends whose profits stand against a limit [ns UTC]; None while there are none."""
        return self.day_ends_at if self._daily else None

    def turn_to(self, now: int) -> None:
        """An input comes at `now`. If that is another day than the last one's, those profits count no longer."""
        if now >= self.day_ends_at:
            self.day_ends_at = (now // NS_PER_DAY + 1) * NS_PER_DAY
            self.moved |= self._daily

    def due(self, now: int) -> list[StrategyKey]:
        """Strategies that what has happened since the last look brought down to a limit, in order."""
        moved, self.moved = self.moved, {}
        return sorted(key for key in moved if self._look(key, now) and self._is_priced(key))

    def _is_priced(self, key: StrategyKey) -> bool:
        """Whether every part has a price: after a start nobody is halted before the quotes have come."""
        account = self._state.accounts[key[0]]
        symbols = [part.symbol for part in account.books[key[1]].parts.values()]
        return all(self._quotes.get(symbol) is not None and self._rate(account, symbol) for symbol in symbols)

    def bounds(self, symbol: str) -> Bounds | None:
        """Where quotes of `symbol` have a strategy valued; None: no strategy depends on it."""
        bands = self._bands.get(symbol)
        if not bands:
            return None
        return max(low for low, _ in bands.values()), None, None, min(high for _, high in bands.values())

    def touched(self, quote: Quote, now: int) -> list[StrategyKey]:
        """Strategies that this quote, already among the latest, may have brought down to a limit."""
        bands = self._bands.get(quote.symbol)
        if not self.moved and not bands:
            return []
        suspects, self.moved = self.moved, {}
        for key, (low, high) in (bands or {}).items():
            if quote.bid <= low or quote.ask >= high:
                suspects[key] = None
        return sorted(key for key in suspects if self._look(key, now))

    def _look(self, key: StrategyKey, now: int) -> bool:
        """Value the strategy and give it new bands; whether a limit is reached."""
        for symbol in self._symbols.pop(key, ()):
            del self._bands[symbol][key]
        self._daily.pop(key, None)
        account = self._state.accounts[key[0]]
        book = account.books[key[1]]
        if not is_watched(book):
            return False
        if book.limits.daily_loss_max is not None and book.day == now // NS_PER_DAY and book.day_pnl > 0:
            self._daily[key] = None
        floating = sum(
            (floating_of_part(self._state, account, part, self._quotes.get) for part in book.parts.values()), ZERO
        )
        slack = min(pnl + limit for _, pnl, limit in loss_limits(book, floating, now))
        symbols = self._depends_on(account, book)
        for symbol in symbols:
            band = self._band(account, book, symbol, max(ZERO, slack) * _SHARE / len(symbols))
            self._bands.setdefault(symbol, {})[key] = band
        self._symbols[key] = symbols
        return slack <= 0

    def _depends_on(self, account: Account, book: StrategyBook) -> list[str]:
        """Symbols whose quotes move the strategy's P&L: those of its parts, and those that convert them."""
        names: dict[str, None] = {}
        for part in book.parts.values():
            names[part.symbol] = None
            names |= dict.fromkeys(self._conversions(account, part.symbol))
        return list(names)

    def _conversions(self, account: Account, symbol: str) -> tuple[str, ...]:
        return conversion_symbols(self._state.instruments[symbol].quote_currency, account.terms.currency)

    def _band(self, account: Account, book: StrategyBook, symbol: str, slack: Decimal) -> _Band:
        quote = self._quotes.get(symbol)
        if quote is None:
            return _ANY_PRICE  # Nothing is known: the first quote has a look.
        cost_per_price = ZERO
        for part in book.parts.values():
            if part.symbol == symbol:
                cost_per_price += part.quantity * self._rate(account, symbol)
            if symbol in self._conversions(account, part.symbol):
                # Twice: inverse quotes move a little more than in proportion.
                floating = floating_of_part(self._state, account, part, self._quotes.get)
                cost_per_price += 2 * abs(floating) / quote.bid
        widest = quote.bid * _WIDEST
        move = min(slack / cost_per_price, widest) if cost_per_price else widest
        return quote.bid - move, quote.ask + move

    def _rate(self, account: Account, symbol: str) -> Decimal:
        """0 without a path: then no price moves the strategy, and the first conversion quote has a look."""
        source, target = self._state.instruments[symbol].quote_currency, account.terms.currency
        return ONE if source == target else conversion_rate(source, target, self._quotes.get) or ZERO
