"""Why identity says no: one exception, a code for programs, a sentence for people."""

from enum import StrEnum


class IdentityCode(StrEnum):
    """Reasons; each door has its own words for them."""

    INVALID_FIELD = "INVALID_FIELD"
    CREDENTIALS_WRONG = "CREDENTIALS_WRONG"  # Unknown login or wrong password: one answer for both.
    USER_DISABLED = "USER_DISABLED"
    SIGN_IN_LOCKED = "SIGN_IN_LOCKED"
    BUSY = "BUSY"
    SIGN_UP_DISABLED = "SIGN_UP_DISABLED"
    GROUP_NOT_FOUND = "GROUP_NOT_FOUND"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    LOGIN_TAKEN = "LOGIN_TAKEN"
    PASSWORD_WRONG = "PASSWORD_WRONG"
    PASSWORD_CHANGE_FORBIDDEN = "PASSWORD_CHANGE_FORBIDDEN"
    USER_NOT_FOUND = "USER_NOT_FOUND"
    USER_INACTIVE = "USER_INACTIVE"
    VERSION_MISMATCH = "VERSION_MISMATCH"
    RESET_NOT_FOUND = "RESET_NOT_FOUND"
    PHONE_NOT_VERIFIED = "PHONE_NOT_VERIFIED"
    DELIVERY_UNAVAILABLE = "DELIVERY_UNAVAILABLE"
    RATE_LIMITED = "RATE_LIMITED"
    KEY_NOT_FOUND = "KEY_NOT_FOUND"
    KEY_CLOSED = "KEY_CLOSED"
    TOO_MANY_KEYS = "TOO_MANY_KEYS"
    DOMAIN_NOT_FOUND = "DOMAIN_NOT_FOUND"
    DOMAIN_TAKEN = "DOMAIN_TAKEN"


class IdentityRefused(Exception):
    """A wish about people or their credentials is refused.

    `field`: which one is wrong, for INVALID_FIELD. `retry_after_s`: whole seconds, where waiting helps.
    """

    def __init__(self, code: IdentityCode, message: str, *, field: str = "", retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.retry_after_s = retry_after_s


def invalid(field: str, problem: str) -> IdentityRefused:
    """A field that cannot be taken; `problem` says what was expected, and never a secret."""
    return IdentityRefused(IdentityCode.INVALID_FIELD, f"{field} {problem}", field=field)


def user_not_found() -> IdentityRefused:
    """Nobody of that name, or of another tenant."""
    return IdentityRefused(IdentityCode.USER_NOT_FOUND, "there is no such user")
