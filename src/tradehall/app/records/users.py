"""Users: people, how to reach them, and the trading accounts that are theirs."""

from enum import IntEnum, StrEnum
from typing import Final

from msgspec import Struct

from tradehall.domain.ids import AccountId

KIND: Final = "user"
PASSWORD_KIND: Final = "password"
# When a user last signed in [ns UTC], by user id.
SIGN_IN_KIND: Final = "sign_in"

DEFAULT_DOMAIN: Final = "demo.example"


class UserStatus(StrEnum):
    """An inactive user opens no door."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class SessionType(IntEnum):
    """What somebody signs in as; the numbers are those of the client door."""

    USER = 0
    MANAGER = 1
    DEALER = 2
    ADMIN = 3
    SYSTEM = 4
    FIX = 5


class AccountLogin(Struct, frozen=True, omit_defaults=True):
    """A trading account of a user: its number is what they sign in with."""

    login: AccountId
    group: str


class Contact(Struct, frozen=True, omit_defaults=True):
    """Where somebody lives; texts as they were given."""

    country: str = ""
    city: str = ""
    state: str = ""
    address: str = ""
    zipcode: str = ""


class User(Struct, frozen=True, omit_defaults=True):
    """A person of a tenant (`domain`); instants in ns UTC.

    `email` is lower-cased and unique in its domain; `phone` is E.164 or "". `version` counts the changes
    of this record. When they last signed in is kept apart: that is no change.
    """

    user_id: int
    unique_key: str
    domain: str
    email: str
    first_name: str
    created_at: int
    updated_at: int
    last_name: str = ""
    phone: str = ""
    contact: Contact = Contact()
    accounts: tuple[AccountLogin, ...] = ()
    status: UserStatus = UserStatus.ACTIVE
    session_type: SessionType = SessionType.USER
    email_verified: bool = False
    phone_verified: bool = False
    may_change_password: bool = True
    is_demo: bool = True
    avatar: str = ""
    comment: str = ""
    version: int = 1

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}" if self.last_name else self.first_name

    @property
    def logins(self) -> tuple[AccountId, ...]:
        """The numbers of their accounts, the first one first."""
        return tuple(account.login for account in self.accounts)

    @property
    def is_active(self) -> bool:
        """Whether they may do anything at all."""
        return self.status is UserStatus.ACTIVE

    def group_of(self, login: AccountId) -> str:
        """The group of one of their accounts, "" if it is not theirs."""
        return next((account.group for account in self.accounts if account.login == login), "")


class PasswordRecord(Struct, frozen=True):
    """The hash of a user's password. `version` grows with each new one."""

    hash: str
    version: int
    changed_at: int

    def __repr__(self) -> str:
        return f"PasswordRecord(version={self.version}, changed_at={self.changed_at})"
