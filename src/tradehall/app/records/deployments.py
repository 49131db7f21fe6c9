"""Deployments: one running instance of a strategy on an account and its symbols."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tradehall.app.records.strategies import Program
from tradehall.app.records.users import DEFAULT_DOMAIN
from tradehall.domain.ids import AccountId

KIND: Final = "deployment"
# When the supervisor of a program last gave a sign of life [ns UTC], by deployment.
BEAT_KIND: Final = "deployment_beat"

ACTIVE_MAX: Final = 5_000  # Of the house.
DEPLOYMENTS_MAX: Final = 10_000  # Of one owner, stopped ones included.
SYMBOLS_MAX: Final = 50
REASON_LENGTH_MAX: Final = 300


class Mode(StrEnum):
    """What becomes of its signals."""

    PAPER = "paper"
    LIVE = "live"
    NOTIFY = "notify"  # They are told, and no order is made of them.


class SizeType(StrEnum):
    """What `size` counts: lots, units of the base, or percent of the account's equity as notional."""

    LOTS = "lots"
    UNITS = "units"
    PERCENT_EQUITY = "percent_equity"


class DeploymentState(StrEnum):
    """starting → running ↔ paused → stopping → stopped; any → failed; stopped and failed → starting."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


ACTIVE_STATES: Final = frozenset(
    {DeploymentState.STARTING, DeploymentState.RUNNING, DeploymentState.PAUSED, DeploymentState.STOPPING}
)


class StopPolicy(StrEnum):
    """What becomes of orders and positions when a deployment stops; only those it made itself."""

    LEAVE = "leave"
    CANCEL = "cancel"  # Working entry orders; positions keep their exits.
    FLATTEN = "flatten"  # Entry orders, and the positions are closed at market.


class BudgetShare(Struct, frozen=True, gc=False):
    """How much of its strategy's budget a deployment brought with it [currency]."""

    currency: str
    allocated: Decimal


class DeploymentLimits(Struct, frozen=True, gc=False, omit_defaults=True):
    """None: no such limit. `max_daily_loss` [account currency] since 00:00 UTC."""

    max_open_positions: int | None = None
    max_daily_loss: Decimal | None = None


class Deployment(Struct, frozen=True, omit_defaults=True):
    """A deployment; instants in ns UTC. `keygen` is its strategy's.

    `state_reason`: why it failed, or who stopped it. `stop_policy`: what a stop that is under way does.
    `started_at`: when it last began to run; bars that closed before are not its business. `resumed_at`:
    likewise after a pause. `definition_version`: the version it runs, 0 for programs of their own.
    `version` counts the changes of this record.
    """

    deployment_id: int
    strategy_id: int
    keygen: str
    account_id: AccountId
    mode: Mode
    symbols: tuple[str, ...]
    size: Decimal
    size_type: SizeType
    created_at: int
    updated_at: int
    domain: str = DEFAULT_DOMAIN
    user_id: int | None = None
    program: Program = Program.GRAPH
    definition_version: int = 0
    leverage: int = 1
    strict_sl: bool = True
    state: DeploymentState = DeploymentState.STARTING
    state_reason: str | None = None
    stop_policy: StopPolicy | None = None
    budget: BudgetShare | None = None
    limits: DeploymentLimits = DeploymentLimits()
    expires_at: int | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    version: int = 1

    @property
    def is_active(self) -> bool:
        """Whether it may still do something."""
        return self.state in ACTIVE_STATES
