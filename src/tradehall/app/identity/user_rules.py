"""Rules of a user's record: how an address is spelled, which number comes next, which version it is."""

import re
from typing import Final

import msgspec
from msgspec.structs import replace

from tradehall.app.identity.book import COUNTER_KIND, LOGIN_COUNTER, Book
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused, invalid, user_not_found
from tradehall.app.records.users import KIND, User
from tradehall.domain.ids import AccountId
from tradehall.ports.records import RecordChange

# The demo's people come before; what the house keeps for itself is left out.
FIRST_LOGIN: Final = 700_003
RESERVED_LOGINS: Final = frozenset({700_100, 700_200})
EMAIL_LENGTH_MAX: Final = 254

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL: Final = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}@" + rf"{_LABEL}(?:\.{_LABEL})*")
_PHONE: Final = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)
_DOMAIN: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)


def checked_email(email: str) -> str:
    """The address in lower case; IdentityRefused where it is none."""
    lowered = email.strip().lower()
    if len(lowered) <= EMAIL_LENGTH_MAX and _EMAIL.fullmatch(lowered) and lowered.isprintable():
        return lowered
    raise invalid("email", "must be an address such as mira@example.test")


def checked_phone(phone: str, *, is_strict: bool = True) -> str:
    """The number; IdentityRefused where it is none. Not `is_strict`: any short text, as people type it."""
    if not phone or _PHONE.fullmatch(phone) or (not is_strict and len(phone) <= 32 and phone.isprintable()):
        return phone
    raise invalid("phone", "must be a number such as +4930123456")


def checked_domain(domain: str) -> str:
    """The name of a tenant in lower case; IdentityRefused where it is none."""
    lowered = domain.lower()
    if _DOMAIN.fullmatch(lowered):
        return lowered
    raise invalid("domain", "must be a name such as demo.example")


def checked_text(field: str, text: str, most: int) -> str:
    """`text` where it can be shown in one line; IdentityRefused otherwise."""
    if len(text) <= most and text.isprintable():
        return text
    raise invalid(field, f"must have at most {most} printable characters")


def at_version(book: Book, user_id: int, expected: int | None) -> User:
    """The user, if still of that version; None: of any."""
    user = book.users.get(user_id)
    if user is None:
        raise user_not_found()
    if expected not in (None, user.version):
        raise IdentityRefused(
            IdentityCode.VERSION_MISMATCH, f"the user has version {user.version}, {expected} was expected"
        )
    return user


def changed(user: User, now: int, **fields: object) -> User:
    """The next version of a user."""
    after: User = replace(user, **fields, updated_at=now, version=user.version + 1)
    return after


def user_change(user: User) -> RecordChange:
    """What keeps a user."""
    return RecordChange(KIND, str(user.user_id), msgspec.json.encode(user))


def counter(name: str, value: int) -> RecordChange:
    """What keeps the next free number."""
    return RecordChange(COUNTER_KIND, name, str(value).encode())


def next_login(book: Book) -> tuple[AccountId, list[RecordChange]]:
    """The next number for an account, and what keeps the one after it.

    A number for which somebody made a key before is nobody's: the key would open the account of whoever gets it.
    """
    login = book.counters.get(LOGIN_COUNTER, FIRST_LOGIN)
    while login in RESERVED_LOGINS or login in book.owners or book.ring.of_account(login):
        login += 1
    return login, [counter(LOGIN_COUNTER, login + 1)]


def free_login(book: Book, login: AccountId) -> AccountId:
    """`login` where nobody has it; IdentityRefused otherwise."""
    if login in book.owners:
        raise IdentityRefused(IdentityCode.LOGIN_TAKEN, f"account {login} belongs to somebody else")
    return login


def email_taken() -> IdentityRefused:
    """Somebody of that domain has the address."""
    return IdentityRefused(IdentityCode.EMAIL_TAKEN, "this e-mail address is taken")
