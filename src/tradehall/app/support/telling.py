"""What is told of a trip: of one that may begin, of one that is open, of one that is over."""

from decimal import Decimal
from typing import Final

from tradehall.analytics.round_trips import RoundTrip
from tradehall.app.support.open_trips import Facts, Opening
from tradehall.domain.money import ZERO
from tradehall.domain.order import Side
from tradehall.domain.position import PositionSide
from tradehall.ports.trips import Trip, TripStatus

_SIDES: Final = {Side.BUY: PositionSide.LONG, Side.SELL: PositionSide.SHORT}


def pending(opening: Opening, status: TripStatus, *, currency: str, now: int) -> Trip:
    """A trip that has not begun, and perhaps never will."""
    terms = opening.terms
    return Trip(
        trip_id=opening.trip_id,
        account_id=terms.account_id,
        symbol=terms.symbol,
        side=_SIDES[terms.side],
        status=status,
        quantity=terms.quantity,
        currency=currency,
        taken_at=opening.at,
        created_at=opening.at,
        updated_at=now,
        deployment_id=opening.deployment_id,
        keygen=terms.strategy_id,
        order_price=terms.limit_price if terms.limit_price is not None else terms.stop_price,
        stop_loss=terms.stop_loss,
        target=terms.take_profit,
        order_ids=(opening.order_id,),
    )


def begun(trip: RoundTrip, facts: Facts, beside: Decimal, *, exit_word: str, now: int) -> Trip:
    """A trip that has begun. `beside`: what it brought that strategies' books do not tell of."""
    is_over = trip.closed_at is not None
    is_whole = not facts.is_beside or not facts.books_pnl
    return Trip(
        trip_id=facts.trip_id,
        account_id=trip.account_id,
        symbol=trip.symbol,
        side=trip.side,
        status=TripStatus.CLOSED if is_over else TripStatus.OPEN,
        quantity=trip.quantity,
        currency=trip.currency,
        taken_at=trip.opened_at,
        created_at=facts.created_at,
        updated_at=now,
        deployment_id=facts.deployment_id,
        keygen=facts.keygen,
        position_id=trip.round_trip_id,
        order_price=facts.order_price,
        entry_price=trip.entry_price,
        exit_price=trip.exit_price if is_over else None,
        stop_loss=facts.stop_loss,
        target=facts.target,
        closed_at=trip.closed_at,
        exit_reason=exit_word if is_over else "",
        gross_pnl=trip.gross_pnl if is_whole else beside - trip.swaps,
        fees=trip.fees if is_whole else ZERO,
        swaps=trip.swaps,
        net_pnl=beside,
        traded_value=trip.traded_value,
        order_ids=trip.order_ids,
        is_beside=facts.is_beside and bool(facts.books_pnl),
    )
