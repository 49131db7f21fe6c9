"""Sessions: who is signed in. A session that is not kept here does not exist, whatever its token says."""

from typing import Final

from msgspec import Struct

from tradehall.domain.ids import AccountId

KIND: Final = "session"


class Session(Struct, frozen=True, omit_defaults=True, gc=False):
    """Somebody signed in to the account `login`; instants in ns UTC. `jti` is the name of the session."""

    jti: str
    user_id: int
    login: AccountId
    created_at: int
    expires_at: int
    session_type: int = 0
