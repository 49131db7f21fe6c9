"""Account steps: what a decision about a user still has to do in the engine, kept until it is done."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradehall.domain.account import AccountStatus, AccountTerms
from tradehall.domain.ids import AccountId

KIND: Final = "account_step"
# The status that an account had when its owner was deactivated, where it was not the plain one.
STATUS_KIND: Final = "account_status_before"


class AccountStep(Struct, frozen=True, omit_defaults=True):
    """What the engine must be told of account `login`; told twice, it changes nothing.

    `terms`, `deposit`: open it, where it is not there. `is_enabled`: None leaves its status alone. `cancels_entries`:
    orders that would open something are cancelled before; exits go on protecting what is open.
    """

    login: AccountId
    terms: AccountTerms | None = None
    deposit: Decimal = Decimal(0)
    is_enabled: bool | None = None
    before: AccountStatus | None = None
    cancels_entries: bool = False
