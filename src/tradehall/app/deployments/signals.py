"""Intents of a program become signals: what is written down before anything of it is sent."""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.deployments.ledger import Ledger
from tradehall.app.deployments.names import order_name
from tradehall.app.deployments.sizing import units_of
from tradehall.app.records.deployments import Deployment, Mode
from tradehall.domain.order import OrderTerms, OrderType
from tradehall.domain.position import PositionSide
from tradehall.domain.time import NS_PER_DAY
from tradehall.engine.conversion import QuoteOf
from tradehall.engine.state import State
from tradehall.ports.deployments import Signal, SignalOutcome
from tradehall.strategies.intents import CancelEntries, ClosePosition, Intent, MoveExit, OpenPosition, Stop

SOURCE = "studio"


class Moment(Struct, frozen=True):
    """When and on what a program looked: `bar_at` is the start of the bar, or the beat; `price` its close."""

    symbol: str
    bar_at: int
    now: int
    price: Decimal


def signals_of(
    deployment: Deployment, moment: Moment, intents: tuple[Intent, ...], state: State, quotes: QuoteOf
) -> list[Signal]:
    """The signals of all intents but a stop, in their order."""
    return [_signal(deployment, moment, intent, state, quotes) for intent in intents if not isinstance(intent, Stop)]


def bar_to_opening(deployment: Deployment, ledger: Ledger, floating: Decimal, now: int) -> str:
    """Why a deployment's own limits let it open nothing now; "" if they do."""
    limits = deployment.limits
    if limits.max_open_positions is not None and len(ledger.holdings) >= limits.max_open_positions:
        return f"{len(ledger.holdings)} positions are open, its maximum is {limits.max_open_positions}"
    if limits.max_daily_loss is not None:
        loss = -(ledger.pnl_on(now // NS_PER_DAY) + floating)
        if loss >= limits.max_daily_loss:
            return f"it lost {loss} today, its maximum is {limits.max_daily_loss}"
    return ""


def _signal(deployment: Deployment, moment: Moment, intent: Intent, state: State, quotes: QuoteOf) -> Signal:
    assert not isinstance(intent, Stop), "a stop is no signal"
    signal = Signal(
        deployment_id=deployment.deployment_id, keygen=deployment.keygen, account_id=deployment.account_id,
        symbol=intent.symbol, bar_at=moment.bar_at, at=moment.now, rule=rule_of(intent.key), action=action_of(intent),
        price=moment.price, client_order_id=order_name(deployment.deployment_id, moment.symbol, intent.key),
        side="" if intent.side is None else intent.side.value, user_id=deployment.user_id, domain=deployment.domain,
    )  # fmt: skip
    if isinstance(intent, OpenPosition | MoveExit):
        signal = replace(signal, stop_loss=intent.stop_loss, take_profit=intent.take_profit)
    if isinstance(intent, OpenPosition):
        signal = _opening(signal, deployment, intent, state, quotes)
    if deployment.mode is Mode.NOTIFY and signal.outcome is SignalOutcome.PENDING:
        return replace(signal, outcome=SignalOutcome.NOTIFIED)
    return signal


def _opening(signal: Signal, deployment: Deployment, intent: OpenPosition, state: State, quotes: QuoteOf) -> Signal:
    size = deployment.size if intent.size is None else intent.size
    instrument = state.instruments[intent.symbol]
    units = units_of(size, deployment.size_type, instrument, intent.side, deployment.account_id, state, quotes)
    if isinstance(units, str):
        return replace(signal, outcome=SignalOutcome.REFUSED, reason=units)
    terms = OrderTerms(
        account_id=deployment.account_id, symbol=intent.symbol, side=intent.side.entry_side, type=OrderType.MARKET,
        quantity=units, client_order_id=signal.client_order_id, stop_loss=intent.stop_loss,
        take_profit=intent.take_profit, leverage=Decimal(deployment.leverage) if deployment.leverage > 1 else None,
        strategy_id=deployment.keygen, source=SOURCE,
    )  # fmt: skip
    return replace(signal, quantity=units, terms=terms)


def rule_of(key: str) -> int:
    """The rule that an intent's key names, `at:rule.place…`."""
    _, _, rest = key.partition(":")
    number = rest.partition(".")[0]
    return int(number) if number.isdigit() else 0


def action_of(intent: Intent) -> str:
    """The action's word, as the doors print it."""
    match intent:
        case OpenPosition(side=side):
            return f"open_{side.lower()}"
        case ClosePosition(side=side):
            return f"close_{side.lower()}"
        case CancelEntries():
            return "cancel"
        case MoveExit(stop_loss=None):
            return "set_take_profit"
        case MoveExit():
            return "set_stop_loss"
        case Stop():
            return "stop"


def side_of(signal: Signal) -> PositionSide | None:
    """The side a signal is about; None: both."""
    return PositionSide(signal.side) if signal.side else None
