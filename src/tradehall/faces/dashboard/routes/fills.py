"""Fills, and sums over them; positions, open and closed; the summary."""

from tradehall.app.fill_sums import FillSum
from tradehall.app.house_orders import HouseOrderWish
from tradehall.app.house_positions import accounts_of, held_of
from tradehall.domain.money import ZERO
from tradehall.domain.order import Side
from tradehall.domain.time import to_rfc3339
from tradehall.faces.dashboard import requests, schemas
from tradehall.faces.dashboard.dashboard import Dashboard, listed, read_instant
from tradehall.faces.dashboard.routes.orders import fill_query
from tradehall.faces.dashboard.translate import (
    instant,
    instrument_id,
    number,
    to_closed_position,
    to_fill,
    to_open_position,
)
from tradehall.faces.dashboard.words import status_word
from tradehall.faces.kit import BadRequest, Request, Response, decode_query, json_response
from tradehall.ports.deployments import SignalQuery
from tradehall.ports.house_views import ClosedQuery, HouseFillQuery, HouseOrderQuery, OrderEnd


async def get_fills(dashboard: Dashboard, request: Request) -> Response:
    """List fills of all accounts, newest first."""
    query = decode_query(request, requests.FillsQuery)
    wanted = fill_query(dashboard, query, limit=query.limit, offset=query.offset)
    await dashboard.settled()
    fills, total = await dashboard.desk.views.house_fills(await dashboard.counts.fills(wanted))
    names = await dashboard.order_names([fill.order_id for fill in fills])
    rows = [to_fill(fill, names.get(fill.order_id), dashboard.instruments, dashboard.name_of) for fill in fills]
    return listed(rows, total)


async def get_fills_summary(dashboard: Dashboard, request: Request) -> Response:
    """Sums over all fills that the filter leaves; amounts of different currencies are never added."""
    query = fill_query(dashboard, decode_query(request, requests.FillFilter))
    await dashboard.settled()
    return json_response(_summed(dashboard, await dashboard.sums.of(query)))


def _summed(dashboard: Dashboard, sums: list[tuple[str, Side, FillSum]]) -> schemas.FillsSummary:
    of_side = {side: [each for _, its, each in sums if its is side] for side in Side}
    wins, losses = (sum(getattr(each, name) for _, _, each in sums) for name in ("win_count", "loss_count"))
    buys, sells = of_side[Side.BUY], of_side[Side.SELL]
    return schemas.FillsSummary(
        fill_count=sum(each.fill_count for _, _, each in sums),
        order_count=sum(each.order_count for _, _, each in sums),
        buy_count=sum(each.fill_count for each in buys),
        sell_count=sum(each.fill_count for each in sells),
        buy_quantity=number(sum((each.quantity for each in buys), ZERO)),
        sell_quantity=number(sum((each.quantity for each in sells), ZERO)),
        by_currency=_by_currency(dashboard, sums),
        by_instrument=_by_instrument(dashboard, sums),
        win_count=wins,
        loss_count=losses,
        win_rate=round(wins / (wins + losses), 4) if wins + losses else None,
        first_fill_at=instant(min((each.first_at for _, _, each in sums), default=None)),
        last_fill_at=instant(max((each.last_at for _, _, each in sums), default=None)),
    )


def _by_currency(dashboard: Dashboard, sums: list[tuple[str, Side, FillSum]]) -> dict[str, schemas.CurrencySum]:
    """Volume is in the quote currency, what was booked in the account's."""
    volumes = {dashboard.currency_of(symbol): ZERO for symbol, _, _ in sums}
    booked = {each.currency: (ZERO, ZERO) for _, _, each in sums}
    for symbol, _, each in sums:
        volumes[dashboard.currency_of(symbol)] += each.volume
        pnl, fees = booked[each.currency]
        booked[each.currency] = (pnl + each.realized_pnl, fees + each.fees)
    found = {}
    for currency in sorted(volumes.keys() | booked.keys()):
        pnl, fees = booked.get(currency, (ZERO, ZERO))
        volume = number(volumes.get(currency, ZERO))
        found[currency] = schemas.CurrencySum(
            volume=volume, realized_pnl=number(pnl), total_fees=number(fees), net_pnl=number(pnl - fees)
        )
    return found


def _by_instrument(dashboard: Dashboard, sums: list[tuple[str, Side, FillSum]]) -> list[schemas.InstrumentSum]:
    rows = []
    for symbol, currency in sorted({(symbol, each.currency) for symbol, _, each in sums}):
        found = [each for its, _, each in sums if (its, each.currency) == (symbol, currency)]
        volume, quantity = sum((each.volume for each in found), ZERO), sum((each.quantity for each in found), ZERO)
        rows.append(
            schemas.InstrumentSum(
                instrument_id=instrument_id(symbol, dashboard.instruments),
                fill_count=sum(each.fill_count for each in found),
                volume=number(volume),
                realized_pnl=number(sum((each.realized_pnl for each in found), ZERO)),
                total_fees=number(sum((each.fees for each in found), ZERO)),
                avg_px=number(volume / quantity),
            )
        )
    return rows


async def get_positions(dashboard: Dashboard, request: Request) -> Response:
    """List positions: the open ones, the closed ones, or `all`, the last opened or closed first."""
    query = decode_query(request, requests.PositionsQuery)
    status = (query.status or "open").lower()
    if status not in {"open", "closed"}:
        raise BadRequest("status", f"status was {status[:40]!r}, must be open or closed", place="query")
    opened = _open_rows(dashboard, query) if status == "open" or query.all else []
    await dashboard.settled()
    rows: list[schemas.Position] = opened[query.offset : query.offset + query.limit]
    total = len(opened)
    if status == "closed" or query.all:
        wanted = ClosedQuery(
            account_id=None if query.account_id is None else int(query.account_id),
            strategy_id=None if query.strategy_id is None else query.strategy_id.lower(),
            symbol=dashboard.symbol_of(query.instrument_id),
            limit=query.limit - len(rows),
            offset=max(0, query.offset - total),
        )
        closed, count = await dashboard.desk.views.closed_positions(await dashboard.counts.closed(wanted))
        rows += [to_closed_position(each, dashboard.instruments, dashboard.name_of) for each in closed]
        total += count
    return listed(rows, total)


def _open_rows(dashboard: Dashboard, query: requests.PositionsQuery) -> list[schemas.Position]:
    state, symbol = dashboard.desk.state, dashboard.symbol_of(query.instrument_id)
    accounts = accounts_of(state, None if query.account_id is None else int(query.account_id))
    strategy_id = None if query.strategy_id is None else query.strategy_id.lower()
    found = [
        held
        for held in held_of(state, accounts, dashboard.desk.quotes.get)
        if symbol in {None, held.position.symbol} and strategy_id in {None, held.strategy_id}
    ]
    found.sort(key=lambda held: (held.position.opened_at, held.position.position_id), reverse=True)
    return [to_open_position(held, dashboard.instruments, dashboard.name_of) for held in found]


async def get_summary(dashboard: Dashboard, request: Request) -> Response:
    """How much there is of everything."""
    query = decode_query(request, requests.SummaryQuery)
    since, until = read_instant(query.since, "since"), read_instant(query.until, "until")
    keygen = None if query.strategy_id is None else query.strategy_id.lower()
    ids = None if keygen is None else (keygen,)
    await dashboard.settled()
    by_status = await _by_status(dashboard, HouseOrderQuery(strategy_ids=ids, since=since, until=until))
    wanted = HouseFillQuery(strategy_ids=ids, since=since, until=until, limit=1)
    _, fills = await dashboard.desk.views.house_fills(await dashboard.counts.fills(wanted))
    signals = dashboard.signals.signals(SignalQuery(keygen=keygen, since=since, until=until, limit=1))[1]
    state = dashboard.desk.state
    held = held_of(state, accounts_of(state, None), dashboard.desk.quotes.get)
    return json_response(
        schemas.Summary(
            signals=signals,
            orders=sum(by_status.values()),
            fills=fills,
            orders_by_status=dict(sorted(by_status.items())),
            open_orders=sum(1 for order in state.orders.values() if keygen in {None, order.terms.strategy_id}),
            open_positions=sum(1 for each in held if keygen in {None, each.strategy_id}),
            strategies=sum(
                1 for each in dashboard.book.strategies if keygen in {None, each.keygen} and not each.is_deleted
            ),
            as_of=to_rfc3339(dashboard.desk.clock.now()),
        )
    )


async def _by_status(dashboard: Dashboard, query: HouseOrderQuery) -> dict[str, int]:
    """Orders by status."""
    found: dict[str, int] = {}
    for order in dashboard.orders.working(HouseOrderWish(query=query)):
        found[status_word(order)] = found.get(status_word(order), 0) + 1
    names = {OrderEnd.CANCELLED: "CANCELED"}
    for end, count in (await dashboard.orders.ended_counts(query)).items():
        found[names.get(end, end.value)] = count
    return {word: count for word, count in found.items() if count}
