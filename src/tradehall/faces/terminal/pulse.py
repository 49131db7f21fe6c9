"""The pulse of account frames: what accounts are worth, told when it changes, at most twice a second each."""

import asyncio
from asyncio import Handle
from collections.abc import Callable, Sequence
from typing import Final

from tradehall.app.desk import Desk
from tradehall.app.outcome import ShardUnavailable
from tradehall.domain.ids import AccountId
from tradehall.engine import events as ev
from tradehall.engine.valuation import value_account
from tradehall.faces.kit import Frame
from tradehall.faces.terminal.frames import AccountFrame, AccountShown, encoded
from tradehall.faces.terminal.translate import number

BEAT_S: Final = 0.5


class AccountPulse:
    """Beats while somebody follows; `tell(account, frame)` gets each frame.

    It is the encoder of a channel too: decisions make an account due, and give no frames themselves.
    """

    def __init__(self, desk: Desk, tell: Callable[[AccountId, Frame], None], beat_s: float = BEAT_S) -> None:
        self._desk = desk
        self._tell = tell
        self._beat_s = beat_s
        self._followed: dict[AccountId, int] = {}
        self._last: dict[AccountId, bytes] = {}
        self._due: dict[AccountId, None] = {}
        self._timer: Handle | None = None
        self._beating: asyncio.Task[None] | None = None

    def __call__(self, account_id: AccountId, events: Sequence[ev.AnyEvent], now: int) -> list[Frame]:
        """Something happened to the account."""
        self._due[account_id] = None
        return []

    def follow(self, account_id: AccountId) -> None:
        """One more wants to know; the present worth is told at the next beat, if unchanged too."""
        self._followed[account_id] = self._followed.get(account_id, 0) + 1
        self._last.pop(account_id, None)
        self._due[account_id] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._begin)

    def unfollow(self, account_id: AccountId) -> None:
        """One less."""
        self._followed[account_id] -= 1
        if not self._followed[account_id]:
            del self._followed[account_id]
            self._last.pop(account_id, None)
            self._due.pop(account_id, None)

    def stop(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._beating is not None:
            self._beating.cancel()

    def _begin(self) -> None:
        if not self._followed:
            self._timer = None
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._beat_s, self._begin)
        if self._beating is None or self._beating.done():
            self._beating = loop.create_task(self.beat(), name="terminal-pulse")

    async def beat(self) -> None:
        """Tell what accounts are worth: those to which something happened, and those with positions; news only."""
        accounts = self._desk.state.accounts
        wanted = [login for login in self._followed if login in self._due or accounts[login].positions]
        frames = [(login, encoded(AccountFrame(self._worth(login)))) for login in wanted]
        self._due.clear()
        try:
            await self._desk.durable()
        except ShardUnavailable:
            self._due.update(dict.fromkeys(wanted))
            return
        for login, frame in frames:
            if self._last.get(login) != frame.text and login in self._followed:
                self._last[login] = frame.text
                self._tell(login, frame)

    def _worth(self, login: AccountId) -> AccountShown:
        state = self._desk.state
        value = value_account(state, state.accounts[login], self._desk.quotes.get)
        level = value.margin_level
        return AccountShown(
            balance=number(value.balance),
            equity=number(value.equity),
            margin=number(value.margin_used),
            free_margin=number(value.margin_available),
            margin_level=None if level is None else round(float(level), 2),
            profit=number(value.unrealized_pnl),
        )
