"""Strategies and what they may do: list, register, halt, kill; signals, the audit trail."""

from collections.abc import Iterator
from typing import Final

from tradehall.app.records.strategies import Strategy
from tradehall.app.strategies.registering import Registration
from tradehall.app.studio.refusals import StudioCode, StudioRefused
from tradehall.domain.ids import AccountId
from tradehall.domain.strategy import StrategyBook, TradingState
from tradehall.domain.time import from_rfc3339
from tradehall.engine.commands import KillSwitch, RegisterStrategy, SetTradingState
from tradehall.engine.events import OrderAccepted, OrderCancelled, PositionClosed
from tradehall.faces.dashboard import requests, schemas
from tradehall.faces.dashboard.auth import actor_of
from tradehall.faces.dashboard.dashboard import Dashboard, listed, read_instant
from tradehall.faces.dashboard.errors import Refused, not_found, refusal_of
from tradehall.faces.dashboard.rows import life_of, signal_type, to_audit_row, to_signal, to_strategy
from tradehall.faces.dashboard.words import STRATEGY_STATUSES, STRATEGY_WORDS
from tradehall.faces.kit import BadRequest, Request, Response, decode, decode_query, json_response
from tradehall.ports.audit import AuditField, AuditQuery
from tradehall.ports.deployments import PAGE_MAX as SIGNALS_PER_READ
from tradehall.ports.deployments import Signal, SignalQuery

ENTRIES_OF_ORDER_MAX: Final = 1_000
_SEVERITIES: Final = ("INFO", "WARNING", "ERROR", "CRITICAL")


async def get_strategies(dashboard: Dashboard, request: Request) -> Response:
    """List strategies by name: those that run inside, and those whose programs trade from outside."""
    query = decode_query(request, requests.StrategiesQuery)
    status = None if query.status is None else query.status.upper()
    if status is not None and status not in STRATEGY_STATUSES:
        known = ", ".join(STRATEGY_STATUSES)
        raise BadRequest("status", f"status was {status[:40]!r}, must be one of {known}", place="query")
    part = (query.name or "").lower()
    found = [each for each in dashboard.book.strategies if not each.is_deleted and part in each.name.lower()]
    rows = [shown_strategy(dashboard, each) for each in sorted(found, key=lambda each: (each.name, each.strategy_id))]
    rows = [row for row in rows if status in {None, row.status}]
    await dashboard.settled()
    return listed(rows, len(rows))


async def post_strategy(dashboard: Dashboard, request: Request) -> Response:
    """Register a strategy whose program trades from outside, through the gateway."""
    body = decode(request, requests.StrategyRequest)
    actor = actor_of(request)
    account = dashboard.account(body.account_id)
    instrument = dashboard.instrument(body.instrument_id)
    login = account.terms.account_id
    wish = Registration(
        name=body.name,
        readable_id=body.strategy_id,
        account_id=login,
        symbol=instrument.symbol,
        instrument_id=f"{instrument.symbol}.{instrument.venue}",
    )
    try:
        strategy = await dashboard.registry.register(wish, by=actor)
    except StudioRefused as refused:
        status = 409 if refused.code is StudioCode.STRATEGY_TAKEN else 422
        problem = Refused(status, refused.code.value, refused.message)
        raise await dashboard.refuse(problem, actor, "strategy.register", ("strategy", body.strategy_id)) from None
    outcome = await dashboard.submit(RegisterStrategy(login, strategy.keygen), actor)
    if outcome.rejection is not None:
        raise refusal_of(outcome.rejection)
    return json_response(shown_strategy(dashboard, strategy), 201)


def shown_strategy(dashboard: Dashboard, strategy: Strategy) -> schemas.Strategy:
    """A strategy as it stands."""
    books = dashboard.books(strategy.keygen)
    state = dashboard.desk.state
    return to_strategy(
        strategy,
        dashboard.instruments,
        status=_status(dashboard, strategy, list(books.values())),
        open_orders=sum(len(state.orders_of_strategy(login, strategy.keygen)) for login in books),
        open_positions=sum(len(book.parts) for book in books.values()),
        account_id=dashboard.account_of(strategy),
        trading_state=_trading_state(list(books.values())).value,
    )


def _status(dashboard: Dashboard, strategy: Strategy, books: list[StrategyBook]) -> str:
    """By its deployments; a program from outside runs while it may trade and has ever traded."""
    deployments = dashboard.book.deployments.of_strategy(strategy.strategy_id)
    states = {each.state for each in deployments}
    state = next((state for state in STRATEGY_WORDS if state in states), None)
    trading = _trading_state(books)
    if state is None:
        has_traded = any(book.results or book.parts or any(book.reserved.values()) for book in books)
        has_orders = any(
            dashboard.desk.state.orders_of_strategy(login, strategy.keygen)
            for login in dashboard.books(strategy.keygen)
        )
        word = "RUNNING" if has_traded or has_orders else "INITIALIZED"
    else:
        word = STRATEGY_WORDS[state]
    if word == "RUNNING" and trading is not TradingState.NORMAL:
        return "STOPPED" if trading is TradingState.HALTED else "DEGRADED"
    return word


def _trading_state(books: list[StrategyBook]) -> TradingState:
    """The strictest of all accounts."""
    states = {book.trading_state for book in books}
    return next(
        (state for state in (TradingState.HALTED, TradingState.REDUCE_ONLY) if state in states), TradingState.NORMAL
    )


# What may be done.


async def put_account_state(dashboard: Dashboard, request: Request) -> Response:
    """Let an account trade, only reduce, or place nothing."""
    body = decode(request, requests.StateRequest)
    account = dashboard.account(request.params["account_id"])
    actor = actor_of(request, body.reason)
    login = account.terms.account_id
    command = SetTradingState(login, None, body.state, body.reason, actor.name)
    await dashboard.carry_out(command, actor, "account.state", ("account", login))
    return json_response(schemas.State(state=body.state.value, reason=body.reason))


async def put_strategy_state(dashboard: Dashboard, request: Request) -> Response:
    """Let a strategy trade, only reduce, or place nothing, on all accounts that it trades."""
    body = decode(request, requests.StateRequest)
    strategy = dashboard.strategy(request.params["strategy_id"])
    actor = actor_of(request, body.reason)
    books = dashboard.books(strategy.keygen)
    if not books:
        raise Refused(409, "STRATEGY_IDLE", f"Strategy {strategy.name} trades no account yet")
    for login in books:
        command = SetTradingState(login, strategy.keygen, body.state, body.reason, actor.name)
        await dashboard.carry_out(command, actor, "strategy.state", ("strategy", strategy.keygen))
    return json_response(schemas.State(state=body.state.value, reason=body.reason))


async def post_kill_switch(dashboard: Dashboard, request: Request) -> Response:
    """Halt, cancel all that works and, to `flatten`, close what is open: of an account, a strategy, or everybody."""
    body = decode(request, requests.KillRequest)
    actor = actor_of(request, body.reason)
    strategy_id = None if body.strategy_id is None else dashboard.strategy(body.strategy_id).keygen
    cancelled = closed = 0
    logins = list(_killed(dashboard, body.account_id, strategy_id))
    for login in logins:
        command = KillSwitch(login, strategy_id, body.flatten, body.reason, actor.name)
        outcome = await dashboard.carry_out(command, actor, "account.killed", ("account", login))
        made = {event.order_id for event in outcome.events if type(event) is OrderAccepted}
        cancelled += sum(1 for e in outcome.events if type(e) is OrderCancelled and e.order_id not in made)
        closed += sum(1 for event in outcome.events if type(event) is PositionClosed)
    return json_response(
        schemas.Killed(orders_cancelled=cancelled, positions_closed=closed, accounts=[str(login) for login in logins])
    )


def _killed(dashboard: Dashboard, account_id: str | None, strategy_id: str | None) -> Iterator[AccountId]:
    """Whom a kill switch stops; 404 for an account, or a strategy on it, that is not there."""
    if account_id is not None:
        account = dashboard.account(account_id)
        if strategy_id is not None and strategy_id not in account.books:
            raise not_found("Strategy")
        yield account.terms.account_id
    else:
        yield from list(dashboard.desk.state.accounts) if strategy_id is None else dashboard.books(strategy_id)


# What was said and done.


async def get_signals(dashboard: Dashboard, request: Request) -> Response:
    """List signals of strategies, newest first."""
    query = decode_query(request, requests.SignalsQuery)
    wanted = SignalQuery(
        keygen=None if query.strategy_id is None else query.strategy_id.lower(),
        symbol=dashboard.symbol_of(query.instrument_id),
        since=read_instant(query.since, "since"),
        until=read_instant(query.until, "until"),
        limit=query.limit,
        offset=query.offset,
    )
    if query.signal_type is None:
        signals, total = dashboard.signals.signals(wanted)
    else:
        found = [each for each in _all_signals(dashboard, wanted) if signal_type(each) == query.signal_type.upper()]
        signals, total = found[query.offset : query.offset + query.limit], len(found)
    return listed([to_signal(each, dashboard.instruments, dashboard.name_of) for each in signals], total)


def _all_signals(dashboard: Dashboard, wanted: SignalQuery) -> Iterator[Signal]:
    offset = 0
    while True:
        query = SignalQuery(
            keygen=wanted.keygen, symbol=wanted.symbol, since=wanted.since, until=wanted.until,
            limit=SIGNALS_PER_READ, offset=offset,
        )  # fmt: skip
        signals, total = dashboard.signals.signals(query)
        yield from signals
        offset += SIGNALS_PER_READ
        if offset >= total:
            return


async def get_audit(dashboard: Dashboard, request: Request) -> Response:
    """List the audit trail, newest first: who changed, limited or stopped what, and what was refused."""
    query = decode_query(request, requests.AuditQuery)
    severity = None if query.severity is None else query.severity.upper()
    if severity is not None and severity not in _SEVERITIES:
        known = ", ".join(_SEVERITIES)
        raise BadRequest("severity", f"severity was {severity[:40]!r}, must be one of {known}", place="query")
    if query.entity_type == "order" and query.entity_id is not None:
        return await _order_life(dashboard, query, severity)
    wanted = {
        AuditField.KIND: query.entity_type,
        AuditField.KEY: query.entity_id,
        AuditField.ACTION: query.action,
        AuditField.SEVERITY: severity,
        AuditField.ACTOR: query.actor,
        AuditField.OUTCOME: query.outcome,
    }
    entries, total = await dashboard.trail.page(
        AuditQuery(
            wanted={field: value for field, value in wanted.items() if value is not None},
            since=read_instant(query.since, "since"),
            until=read_instant(query.until, "until"),
            limit=query.limit,
            offset=query.offset,
        )
    )
    return listed([to_audit_row(entry) for entry in entries], total)


async def _order_life(dashboard: Dashboard, query: requests.AuditQuery, severity: str | None) -> Response:
    """What happened to one order: its life, from the journal, and what the trail has of it."""
    assert query.entity_id is not None, "asked for by name"
    order = dashboard.find_order(query.entity_id, None)
    wanted = {AuditField.KIND: "order", AuditField.KEY: f"ord_{order.order_id}"}
    entries, _ = await dashboard.trail.page(AuditQuery(wanted=wanted, limit=ENTRIES_OF_ORDER_MAX))
    told = [to_audit_row(entry) for entry in entries]
    known = {row.action for row in told if row.outcome == "ok"}
    rows = [*told, *(row for row in life_of(order) if row.action not in known)]
    since, until = read_instant(query.since, "since"), read_instant(query.until, "until")
    rows = [
        row
        for row in rows
        if query.action in {None, row.action}
        and severity in {None, row.severity}
        and query.actor in {None, row.actor}
        and query.outcome in {None, row.outcome}
        and (since is None or from_rfc3339(row.created_at) >= since)
        and (until is None or from_rfc3339(row.created_at) < until)
    ]
    rows.sort(key=lambda row: (from_rfc3339(row.created_at), row.action != "order.submitted"), reverse=True)
    return listed(rows[query.offset : query.offset + query.limit], len(rows))
