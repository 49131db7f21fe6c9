"""What may differ between a session and its re-run, and why."""

from enum import StrEnum

from msgspec import Struct

from tradehall.domain.ids import AccountId, OrderId


class Difference(StrEnum):
    """In what the two differ; "missing" is in the session alone, "extra" in the re-run alone."""

    MISSING_ORDER = "missing order"
    EXTRA_ORDER = "extra order"
    MISSING_REJECTION = "missing rejection"
    EXTRA_REJECTION = "extra rejection"
    OTHER_REJECTION = "other rejection"
    MISSING_FILL = "missing fill"
    EXTRA_FILL = "extra fill"
    OTHER_PRICE = "other price"
    OTHER_QUANTITY = "other quantity"
    OTHER_TIME = "other time"
    OTHER_FEE = "other fee"
    OTHER_PROFIT = "other profit"
    OTHER_END = "other end"
    OTHER_STEP = "other step"
    OTHER_EVENT = "other event"
    BALANCE = "balance"
    POSITION = "position"
    NOT_COVERED = "not covered"
    BROKE_OFF = "broke off"


class CauseKind(StrEnum):
    """Why."""

    QUOTE_MISSING = "a quote is missing in the recording"
    ROWS_MISSING = "rows are missing in the recording"
    INSTANT_MISSING = "the recording has nothing at that instant"
    WISH_UNPLACED = "the recording does not say when a wish came"
    SETTING_CHANGED = "a setting is another"
    RULE_CHANGED = "the rules decide otherwise today"
    RECORDING_ENDS = "the recording ends before the journal"
    FOLLOWS = "it follows from another divergence"
    FAULT = "a decision broke off"
    UNEXPLAINED = "no input, setting or rule that is known differs"


class Cause(Struct, frozen=True):
    """A cause and the sentence that names its particulars; `follows`: the number of the divergence before it."""

    kind: CauseKind
    sentence: str
    follows: int | None = None


class Divergence(Struct, frozen=True, kw_only=True):
    """Divergence `number` of a report: what the session had, and what the re-run has instead.

    `at` [ns UTC] and `seq` are the session's where it has the thing, else the re-run's. `order_id` is the session's
    number; None: the order is the re-run's alone, or there is none.
    """

    number: int
    difference: Difference
    at: int
    seq: int
    account_id: AccountId | None
    symbol: str | None
    order_id: OrderId | None
    session: str
    rerun: str
    cause: Cause
