"""Commands: wishes put to the engine, one tagged union. A command concerns one account, or none."""

from decimal import Decimal

from msgspec import Struct

from tradehall.domain.account import AccountStatus, AccountTerms
from tradehall.domain.fill import ExecutionReport
from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.instrument import Instrument
from tradehall.domain.money import ONE, ZERO
from tradehall.domain.order import OrderStatus, OrderTerms
from tradehall.domain.strategy import StrategyLimits, TradingState


class Command(Struct, frozen=True, gc=False, tag=True, tag_field="kind", omit_defaults=True):
    """Base of all commands; the tag is the class name."""


class PriorOrder(Struct, frozen=True, gc=False, omit_defaults=True):
    """An ended order that the state no longer remembers, found in the store by its client order id."""

    order_id: OrderId
    status: OrderStatus
    digest: str | None


class ListInstrument(Command, frozen=True):
    """Make `instrument` tradable, or change its rules."""

    instrument: Instrument


class OpenAccount(Command, frozen=True):
    """Open an account with `deposit` in its currency."""

    terms: AccountTerms
    deposit: Decimal


class UpdateAccount(Command, frozen=True):
    """Change an account's status, leverage or need of budgets; None leaves as is."""

    account_id: AccountId
    status: AccountStatus | None = None
    leverage: Decimal | None = None
    budget_required: bool | None = None


class MoveFunds(Command, frozen=True):
    """Deposit (positive) or withdraw (negative) `amount` in the account's currency."""

    account_id: AccountId
    amount: Decimal
    comment: str = ""


class PlaceOrder(Command, frozen=True):
    """Place an order.

    `digest`: fingerprint of the request, set whenever `terms.client_order_id` is. `prior`: what the
    store knows of that client order id, when the state does not. `lot_step` [units]: the quantity
    grid of a door that speaks lots. `is_strict`: refuse pending prices and exits on the wrong side of
    the market, as ticket doors do. `expected_price`, `deviation_max` [price]: refuse a market order
    whose quote is further off.
    """

    terms: OrderTerms
    digest: str | None = None
    prior: PriorOrder | None = None
    lot_step: Decimal | None = None
    is_strict: bool = False
    expected_price: Decimal | None = None
    deviation_max: Decimal | None = None


class AmendOrder(Command, frozen=True):
    """Change a working order in place; None leaves as is, `clear_*` removes.

    `quantity` is the new total. A filled entry's `stop_loss`/`take_profit` move its legs.
    Priority is kept when only the quantity falls or exits change, else lost.
    """

    account_id: AccountId
    order_id: OrderId
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_distance: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    expires_at: int | None = None
    clear_stop_loss: bool = False
    clear_take_profit: bool = False
    clear_expiry: bool = False
    is_strict: bool = False


class CancelOrder(Command, frozen=True):
    """Take a working order out of the market."""

    account_id: AccountId
    order_id: OrderId
    reason: str = "requested"


class CancelAllOrders(Command, frozen=True):
    """Cancel every working order of the account, of `symbol`, of a strategy."""

    account_id: AccountId
    symbol: str | None = None
    reason: str = "requested"
    strategy_id: str | None = None


class ClosePosition(Command, frozen=True):
    """Reduce a position by an opposite, reduce-only order.

    `quantity` None: all; more than is open is capped, or refused when `refuse_excess`. `limit_price`
    None: at market. `cancel_exits`: take its exit legs out when it is flat. `client_order_id` makes it
    safe to repeat, with `digest` and `prior` as in PlaceOrder. `strategy_id`: `position_id` is a part of that
    strategy's book.
    """

    account_id: AccountId
    position_id: PositionId
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    cancel_exits: bool = True
    lot_step: Decimal | None = None
    refuse_excess: bool = False
    comment: str = ""
    source: str = ""
    client_order_id: str | None = None
    digest: str | None = None
    prior: PriorOrder | None = None
    strategy_id: str | None = None


class CloseAllPositions(Command, frozen=True):
    """Close every position of the account, of `symbol`, every part of a strategy's book, at market."""

    account_id: AccountId
    symbol: str | None = None
    source: str = ""
    strategy_id: str | None = None


class SetPositionExits(Command, frozen=True):
    """Move, make or remove the stop loss and take profit of a position; None leaves as is.

    `may_create` False: a leg that does not exist is EXIT_LEG_MISSING (the gateway's rule). `strategy_id`:
    `position_id` is a part of that strategy's book.
    """

    account_id: AccountId
    position_id: PositionId
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    clear_stop_loss: bool = False
    clear_take_profit: bool = False
    may_create: bool = True
    is_strict: bool = False
    strategy_id: str | None = None


class RegisterStrategy(Command, frozen=True):
    """Give a strategy a book on the account: its orders may name it from now on. Again: changes nothing."""

    account_id: AccountId
    strategy_id: str


class SetBudget(Command, frozen=True):
    """Allocate capital to a strategy in one currency; below what is reserved, nothing is closed."""

    account_id: AccountId
    strategy_id: str
    currency: str
    allocated: Decimal
    reason: str = ""
    actor: str = ""


class RemoveBudget(Command, frozen=True):
    """Take a budget away; one that is in use only with `force`."""

    account_id: AccountId
    strategy_id: str
    currency: str
    force: bool = False
    reason: str = ""
    actor: str = ""


class SetStrategyLimits(Command, frozen=True):
    """Replace a strategy's limits."""

    account_id: AccountId
    strategy_id: str
    limits: StrategyLimits
    reason: str = ""
    actor: str = ""


class SetTradingState(Command, frozen=True):
    """Let an account, or one strategy of it, trade, only reduce, or place nothing."""

    account_id: AccountId
    strategy_id: str | None
    trading_state: TradingState
    reason: str = ""
    actor: str = ""


class KillSwitch(Command, frozen=True):
    """Halt an account or a strategy, cancel its working orders and, to `flatten`, close what is open.

    Without `flatten` exit legs stay: what is open is not left naked.
    """

    account_id: AccountId
    strategy_id: str | None = None
    flatten: bool = True
    reason: str = "kill switch"
    actor: str = ""


class CheckLosses(Command, frozen=True):
    """Value a strategy whose loss limits a quote or a fill may have broken."""

    account_id: AccountId
    strategy_id: str


class BookCorporateAction(Command, frozen=True):
    """A company whose shares an account holds split them, or paid a dividend, before the latest quote.

    `split`: new units for each old one. `dividend` [quote currency per unit, as held before the split]: longs
    receive it, shorts pay it. Orders are not touched: who books a split takes them out first.
    """

    account_id: AccountId
    symbol: str
    split: Decimal = ONE
    dividend: Decimal = ZERO


class ReportExecution(Command, frozen=True):
    """A venue's word about an order."""

    report: ExecutionReport


class CheckMargin(Command, frozen=True):
    """Value an account whose margin a quote may have broken: margin call, stop-out, or nothing."""

    account_id: AccountId


class Tick(Command, frozen=True):
    """Time has reached `Engine.next_deadline`: expire orders, book swaps."""


AnyCommand = (
    ListInstrument
    | OpenAccount
    | UpdateAccount
    | MoveFunds
    | PlaceOrder
    | AmendOrder
    | CancelOrder
    | CancelAllOrders
    | ClosePosition
    | CloseAllPositions
    | SetPositionExits
    | ReportExecution
    | CheckMargin
    | Tick
    | RegisterStrategy
    | SetBudget
    | RemoveBudget
    | SetStrategyLimits
    | SetTradingState
    | KillSwitch
    | CheckLosses
    | BookCorporateAction
)
