"""Backtests: a strategy, past prices, and the engine and venue that trade on paper. Pure; docs/backtests.md."""

from tradehall.backtests.broker import Broker
from tradehall.backtests.result import AccountResult, Counters, Failure, Result
from tradehall.backtests.runner import run
from tradehall.backtests.seen import BarColumns, BarSeen, QuoteSeen
from tradehall.backtests.settings import (
    AccountSetup,
    ActionKind,
    BacktestSettings,
    BarPath,
    CorporateAction,
    Costs,
    FillAt,
    FillRule,
    InBar,
    Recorded,
    Units,
)
from tradehall.backtests.sizing import AllIn, Amount
from tradehall.backtests.strategy import Planned, Strategy
from tradehall.backtests.tape import ArrayTape, Block, Tape
from tradehall.backtests.tickets import Ticket

__all__ = [
    "AccountResult", "AccountSetup", "ActionKind", "AllIn", "Amount", "ArrayTape", "BacktestSettings", "BarColumns",
    "BarPath", "BarSeen", "Block", "Broker", "CorporateAction", "Costs", "Counters", "Failure", "FillAt", "FillRule",
    "InBar", "Planned", "QuoteSeen", "Recorded", "Result", "Strategy", "Tape", "Ticket",
    "Units", "run",
]  # fmt: skip
