"""`as_of` on reads: the present, or the shard as it was at an instant."""

from tradehall.app.desk import Desk
from tradehall.app.past import FutureInstant, Moment, Past, TooManyTravellers, present
from tradehall.faces.kit.errors import BadRequest, Problem, ProblemKind


async def moment_at(desk: Desk, past: Past, as_of: int | None) -> Moment:
    """The moment of `as_of` [ns UTC]; None: the present, without letting anybody else go first.

    BadRequest for an instant that lies ahead, UNAVAILABLE with a Retry-After while too many look back.
    """
    if as_of is None:
        return present(desk)
    try:
        return await past.at(as_of)
    except FutureInstant as error:
        raise BadRequest("as_of", str(error), place="query") from None
    except TooManyTravellers as error:
        raise too_busy(error) from None


def too_busy(error: TooManyTravellers) -> Problem:
    """The refusal of one look into the past too many: come again in a second."""
    return Problem(ProblemKind.UNAVAILABLE, f"Too busy: {error}", headers=[(b"retry-after", b"1")])
