"""Whose orders they are: which deployment asked for an order, and why a position was closed."""

from collections.abc import Callable
from typing import Final

from tradehall.app.deployments.names import deployment_of
from tradehall.app.records.deployments import Deployment
from tradehall.app.records.strategies import Program
from tradehall.app.studio.book import StudioBook
from tradehall.domain.order import OrderRole, OrderTerms, OrderType

# What a program's own end is called, by a word in its reason.
_ENDS: Final = (("expir", "expiration"), ("profit", "limit_hit"), ("loss", "limit_hit"))


class Attribution:
    """Reads deployments, which are kept for good: the same order has the same owner whenever it is asked.

    `book` is asked for orders of strategies alone.
    """

    def __init__(self, book: Callable[[], StudioBook]) -> None:
        self._book = book

    def deployment_of(self, terms: OrderTerms) -> int | None:
        """The deployment that asked for an order; None: nobody's."""
        if terms.strategy_id is None:
            return None
        named = deployment_of(terms.client_order_id)
        if named is not None:
            found = self._book().deployments.get(named)
            # A name alone proves nothing: anybody may send one at the gateway.
            is_its = found is not None and (found.account_id, found.keygen) == (terms.account_id, terms.strategy_id)
            return named if is_its else None
        return next((each.deployment_id for each in self._programs(terms)), None)

    def exit_word(self, terms: OrderTerms, role: OrderRole) -> str:
        """Why an order that closes was given, in the words of the support desk."""
        if role is OrderRole.STOP_LOSS:
            return "trailing_stop" if terms.type is OrderType.TRAILING_STOP else "stop_loss"
        if role is OrderRole.TAKE_PROFIT:
            return "target"
        if role is OrderRole.LIQUIDATION:
            return "stop_out"
        number = self.deployment_of(terms)
        if number is None:
            return "manual" if terms.strategy_id is None else "signal"
        return (
            self._end_word(self._book().deployments.get(number))
            if ":stop." in (terms.client_order_id or "")
            else "signal"
        )

    def _end_word(self, deployment: Deployment | None) -> str:
        reason = "" if deployment is None else (deployment.state_reason or "").lower()
        return next((word for part, word in _ENDS if part in reason), "admin")

    def _programs(self, terms: OrderTerms) -> list[Deployment]:
        """Deployments of a program that trades through the gateway: every order of the book is theirs."""
        book = self._book()
        strategy = book.strategy(terms.strategy_id or "")
        of_strategy = [] if strategy is None else book.deployments.of_strategy(strategy.strategy_id)
        return [
            each for each in of_strategy if each.program is not Program.GRAPH and each.account_id == terms.account_id
        ]
