"""What this door answers with. Money and quantities are JSON numbers of at most 15 digits; instants RFC 3339."""

from typing import Any, Literal

from msgspec import Struct

SideWord = Literal["BUY", "SELL"]
PositionSideWord = Literal["LONG", "SHORT", "FLAT"]
StateWord = Literal["NORMAL", "REDUCE_ONLY", "HALTED"]


class Row(Struct, frozen=True, gc=False, kw_only=True):
    """Base of all answers."""


class Strategy(Row, frozen=True, kw_only=True):
    """A strategy; `id` is its UUID everywhere else, `strategy_id` its name for people."""

    id: str
    strategy_id: str
    name: str
    venue: str
    instrument_id: str
    status: str
    config: dict[str, Any]
    open_orders: int
    open_positions: int
    created_at: str
    updated_at: str
    account_id: str | None
    trading_state: StateWord


class Order(Row, frozen=True, kw_only=True):
    """An order."""

    client_order_id: str
    venue_order_id: str | None
    strategy_id: str | None
    strategy_name: str | None
    account_id: str
    instrument_id: str
    side: SideWord
    order_type: str
    time_in_force: str
    quantity: float
    filled_qty: float
    leaves_qty: float
    price: float | None
    trigger_price: float | None
    avg_px: float | None
    status: str
    engine_status: str
    reduce_only: bool
    post_only: bool
    reason: str | None
    tags: list[str]
    ts_init: str
    ts_submitted: str | None
    ts_accepted: str | None
    ts_last: str
    order_id: str
    stop_loss: float | None
    take_profit: float | None
    trailing_distance: float | None
    position_id: str | None


class DenyReason(Row, frozen=True, kw_only=True):
    """Why an order was refused, with the numbers; `context.would_pass` is the largest quantity that passes."""

    client_order_id: str
    status: str
    source: str
    code: str
    reason: str
    context: dict[str, Any]
    denied_at: str


class Fill(Row, frozen=True, kw_only=True):
    """One execution of an order."""

    trade_id: str
    client_order_id: str
    venue_order_id: str | None
    strategy_id: str | None
    strategy_name: str | None
    account_id: str
    instrument_id: str
    side: SideWord
    fill_qty: float
    fill_px: float
    notional: float
    fee: float
    fee_currency: str
    liquidity: str
    realized_pnl: float
    position_id: str | None
    ts_event: str


class CurrencySum(Row, frozen=True, kw_only=True):
    """What fills came to in one currency."""

    volume: float
    realized_pnl: float
    total_fees: float
    net_pnl: float


class InstrumentSum(Row, frozen=True, kw_only=True):
    """What fills came to in one instrument."""

    instrument_id: str
    fill_count: int
    volume: float
    realized_pnl: float
    total_fees: float
    avg_px: float


class FillsSummary(Row, frozen=True, kw_only=True):
    """Sums over fills; different currencies are never added."""

    fill_count: int
    order_count: int
    buy_count: int
    sell_count: int
    buy_quantity: float
    sell_quantity: float
    by_currency: dict[str, CurrencySum]
    by_instrument: list[InstrumentSum]
    win_count: int
    loss_count: int
    win_rate: float | None
    first_fill_at: str | None
    last_fill_at: str | None


class Position(Row, frozen=True, kw_only=True):
    """What one owner holds, or held, in one instrument."""

    position_id: str
    strategy_id: str | None
    strategy_name: str | None
    account_id: str
    instrument_id: str
    side: PositionSideWord
    status: Literal["open", "closed"]
    quantity: float
    signed_qty: float
    peak_qty: float
    avg_open_px: float
    avg_close_px: float | None
    last_px: float | None
    realized_pnl: float
    unrealized_pnl: float | None
    currency: str
    fees: float
    ts_opened: str
    ts_closed: str | None
    duration_s: float | None


class Summary(Row, frozen=True, kw_only=True):
    """How much there is of everything."""

    signals: int
    orders: int
    fills: int
    orders_by_status: dict[str, int]
    open_orders: int
    open_positions: int
    strategies: int
    as_of: str


class AuditRow(Row, frozen=True, kw_only=True):
    """One entry of the audit trail; `id` is made of its checksum, `seq` has no gaps."""

    id: str
    seq: int
    entity_type: str
    entity_id: str
    action: str
    severity: str
    actor: str
    role: str
    ip: str
    request_id: str
    reason: str
    outcome: str
    error_code: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    message: str | None
    created_at: str


class Signal(Row, frozen=True, kw_only=True):
    """A rule of a strategy that spoke."""

    id: str
    strategy_id: str
    strategy_name: str | None
    instrument_id: str
    signal_type: str
    direction: PositionSideWord
    strength: float
    price: float | None
    client_order_id: str | None
    ts_event: str


class Budget(Row, frozen=True, kw_only=True):
    """A budget entry."""

    strategy_id: str
    currency: str
    allocated: float
    reserved: float
    available: float
    realized_pnl: float
    total_fees: float


class BudgetSummary(Budget, frozen=True, kw_only=True):
    """One entry of a strategy, and all of them."""

    entries: list[Budget]


class RegistryEntry(Row, frozen=True, kw_only=True):
    """A budget entry in the registry."""

    allocated: float
    reserved: float
    available: float


class CurrencyPnl(Row, frozen=True, kw_only=True):
    """What fills brought in one currency."""

    realized_pnl: float
    total_fees: float
    net_pnl: float
    fill_count: int


class RealizedPnl(Row, frozen=True, kw_only=True):
    """What a strategy's fills brought, by currency."""

    strategy_id: str
    currencies: dict[str, CurrencyPnl]


class System(Row, frozen=True, kw_only=True):
    """What this server is."""

    mode: str
    version: str
    started_at: str
    feed: str
    auth: Literal["open", "token"]
    role: str


class Instrument(Row, frozen=True, kw_only=True):
    """What can be traded."""

    symbol: str
    instrument_id: str
    description: str
    tick_size: float
    quantity_step: float | None
    contract_size: float
    currency: str


class Bar(Row, frozen=True, kw_only=True):
    """A bar; `ts` is its opening."""

    ts: str
    open: float
    high: float
    low: float
    close: float
    volume: float


class StudyPoint(Row, frozen=True, kw_only=True):
    """The value at a bar, which is named by its opening."""

    ts: str
    value: float


class StudyLine(Row, frozen=True, kw_only=True):
    """One output of an indicator; bars without a value are left out. `is_price`: it belongs over the bars."""

    study: str
    output: str
    is_price: bool
    points: list[StudyPoint]


class Quote(Row, frozen=True, kw_only=True):
    """A quote."""

    symbol: str
    bid: float
    ask: float
    ts: str


class Account(Row, frozen=True, kw_only=True):
    """An account and what it is worth."""

    account_id: str
    currency: str
    position_mode: str
    balance: float
    equity: float
    margin_used: float
    margin_free: float
    margin_level: float | None
    unrealized_pnl: float
    day_pnl: float
    trading_state: StateWord
    state_reason: str
    status: str
    leverage: float


class EquityPoint(Row, frozen=True, kw_only=True):
    """What an account was worth."""

    at: str
    equity: float


class Preview(Row, frozen=True, kw_only=True):
    """What would become of an order."""

    accepted: bool
    reason: str | None
    code: str | None
    context: dict[str, Any]
    price: float | None
    margin_required: float
    margin_free_after: float
    fee: float
    currency: str
    budget_available: float | None
    budget_required: float
    liquidation_price: float | None


class Killed(Row, frozen=True, kw_only=True):
    """What the kill switch did."""

    orders_cancelled: int
    positions_closed: int
    accounts: list[str]


class State(Row, frozen=True, kw_only=True):
    """What an account or a strategy may do."""

    state: StateWord
    reason: str
