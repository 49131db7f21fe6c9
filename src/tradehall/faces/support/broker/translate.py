"""What the support door shows, under the broker layer's names."""

from typing import Any

import msgspec

from tradehall.app.records.deployments import Deployment
from tradehall.app.records.scanners import Scanner
from tradehall.app.records.strategies import Strategy
from tradehall.app.records.users import User
from tradehall.app.support.trips import SeenTrip
from tradehall.domain.time import to_rfc3339
from tradehall.faces.kit.pages import PageQuery
from tradehall.faces.shown.strategies import category
from tradehall.faces.support import translate
from tradehall.faces.support.support import Support

Row = dict[str, Any]


def paged(name: str, rows: list[Row], total: int, query: PageQuery) -> Row:
    """A page whose rows stand under their name too; no name: once."""
    page: Row = {
        "items": rows, "total": total, "page": query.page, "size": query.size, "pages": -(-total // query.size),
    }  # fmt: skip
    return {**page, name: rows} if name else page


def user(found: User) -> Row:
    """A registered user."""
    return {
        "unique_key": found.unique_key, "first_name": found.first_name, "last_name": found.last_name,
        "email": found.email, "created_at": to_rfc3339(found.created_at),
    }  # fmt: skip


def strategy(found: Strategy) -> Row:
    """A strategy under both sets of names."""
    return {
        "strategy_id": found.strategy_id,
        "strategy_keygen": found.keygen,
        "name": found.name,
        "status": found.status.value,
        "id": found.strategy_id,
        "keygen": found.keygen,
        "strategy_name": found.name,
        "symbol": found.symbol,
        "timeframe": found.timeframe,
        "is_deleted": int(found.is_deleted),
        "strategy_category": msgspec.to_builtins(category(found.category_id)),
        "add_ons": found.add_ons,
        "is_copied": found.is_copied,
        "is_published": found.is_published,
        "is_notification": found.notifications,
        "created_at": to_rfc3339(found.created_at),
    }


def deployment(support: Support, found: Deployment) -> Row:
    """A deployment; `dep_flag`: whether it is active, `meta_data`: all that the support door shows of it."""
    shown = translate.deployment(support, found)
    of = support.room.book.strategies.get(found.strategy_id)
    return {
        "id": found.deployment_id,
        "meta_data": msgspec.to_builtins(shown),
        "dep_flag": found.is_active,
        "is_valid": found.is_active,
        "order_trade_type": found.mode.value,
        "created_at": shown.created_at,
        "last_updated_at": shown.updated_at,
        "strategy": {} if of is None else strategy(of),
    }


def trade(seen: SeenTrip) -> Row:
    """A trade; `result` as it is shown, `actual_result` as it is."""
    shown = translate.trade(seen)
    actual = shown.result if shown.original is None else shown.original.result
    return {
        "trade_id": shown.id,
        "strategy_keygen": seen.trip.keygen,
        "timestamp": shown.taken_at or shown.created_at,
        "amount": shown.quantity,
        "deployment_id": shown.deployment_id,
        "symbol": shown.symbol,
        "decision": shown.decision,
        "status": shown.status,
        "order_price": shown.order_price,
        "filled_at_price": shown.entry_price,
        "close_value": shown.exit_price,
        "stoploss": shown.stop_loss,
        "target": shown.target,
        "strike": shown.strike,
        "trade_taken_at": shown.taken_at,
        "trade_closed_at": shown.closed_at,
        "result": shown.result,
        "actual_result": actual,
        "net_pnl": shown.net_pnl,
        "currency": shown.currency,
        "adjusted": shown.adjusted,
    }


def scanner(support: Support, found: Scanner) -> Row:
    """A scanner; `is_valid`: it is not deleted."""
    shown = translate.scanner(found, found.last_match_at, found.match_count)
    own = [each for each in support.room.book.strategies.of_owner(found.user_id) if each.keygen == found.keygen]
    return {
        "id": found.scanner_id,
        "is_valid": not found.is_deleted,
        "meta": msgspec.to_builtins(shown),
        "keygen": found.keygen,
        "strategy": strategy(own[0]) if own else None,
        "created_at": shown.created_at,
        "last_updated_at": shown.updated_at,
    }
