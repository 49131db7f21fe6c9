"""Letters: what people get by mail about their accounts."""

from tradehall.app.records.users import User
from tradehall.domain.time import NS_PER_SECOND, to_rfc3339
from tradehall.ports.mail import Mail


def reset_mail(user: User, link: str, expires_at: int) -> Mail:
    """What the user gets."""
    return Mail(
        user.email,
        "Your new password",
        f"Hello {user.name},\n\nsomebody, probably you, asked for a new password for your account.\n"
        f"Choose it here until {to_rfc3339(expires_at - expires_at % NS_PER_SECOND)}:\n\n{link}\n\n"
        "If it was not you, do nothing: without the link your password stays as it is.\n",
    )


def told_old_address(user: User, old_email: str) -> Mail:
    """What goes to an address that is no longer the user's."""
    return Mail(
        old_email,
        "Your e-mail address was changed",
        f"Hello {user.name},\n\nthe e-mail address of your account was changed to {masked(user.email)}.\n"
        "If you did not ask for that, write to your broker at once.\n",
    )


def masked(address: str) -> str:
    """An address as it may be shown to others: m***@example.test; a phone's last digits."""
    name, at, host = address.partition("@")
    return f"{name[:1]}***@{host}" if at else f"***{address[-2:]}"
