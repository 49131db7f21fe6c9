"""Signing in and out, and changing one's password."""

from msgspec import Struct

from tradehall.app.identity.account_steps import AccountSteps
from tradehall.app.identity.book import Book
from tradehall.app.identity.passwords import Passwords, checked_password, password_change
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused, invalid
from tradehall.app.identity.room import IdentityRoom, Write
from tradehall.app.identity.sessions import Sessions, endings, new_session, room_for_one, session_change
from tradehall.app.identity.sign_in_limits import SignInLimits
from tradehall.app.identity.user_rules import at_version
from tradehall.app.principal import Principal
from tradehall.app.records import sessions, users
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.sessions import Session
from tradehall.app.records.users import User
from tradehall.domain.ids import AccountId
from tradehall.ports.records import RecordChange


class SignedIn(Struct, frozen=True):
    """A session that began, with the token that opens it."""

    user: User
    session: Session
    token: str

    def __repr__(self) -> str:
        return f"SignedIn(user_id={self.user.user_id}, login={self.session.login})"


class SigningIn:
    """Passwords in, tokens out."""

    def __init__(
        self, room: IdentityRoom, steps: AccountSteps, passwords: Passwords, limits: SignInLimits,
        tokens: Sessions,
    ) -> None:  # fmt: skip
        self._room = room
        self._steps = steps
        self._passwords = passwords
        self._limits = limits
        self._tokens = tokens

    async def sign_in(self, login: AccountId, password: str, *, address: str) -> SignedIn:
        """A new session. IdentityRefused: locked, wrong (equally for unknown logins), disabled, no group.

        ShardUnavailable: the account could not be opened yet.
        """
        user = self._room.book.user_of_login(login)
        async with self._limits.attempt(login, address) as attempt:
            checked = await self._passwords.check(0 if user is None else user.user_id, password)
            if user is None or not checked.is_right:
                attempt.failed()
                raise credentials_wrong()
            attempt.succeeded()
        if login in self._room.book.steps:
            await self._steps.do(login)
        renewed = await self._passwords.hash(password) if checked.is_outdated else None
        return await self._begin(user.user_id, login, checked.version, address, renewed)

    async def begin(self, user: User, login: AccountId, *, address: str) -> SignedIn:
        """A session for somebody who has just proved who they are: by signing up."""
        version = self._room.book.password_versions.get(user.user_id, 0)
        return await self._begin(user.user_id, login, version, address, None)

    async def _begin(self, user_id: int, login: AccountId, version: int, address: str, renewed: str | None) -> SignedIn:
        def decide(book: Book, now: int) -> tuple[Write | None, SignedIn]:
            user = book.users.get(user_id)
            # Between the check and now the password may have been changed, or the user deactivated.
            if user is None or login not in user.logins or book.password_versions.get(user_id, 0) != version:
                raise credentials_wrong()
            require_welcome(book, user, login)
            session = new_session(user, login, now)
            changes = [*room_for_one(book, user_id, now), session_change(session)]
            changes.append(RecordChange(users.SIGN_IN_KIND, str(user_id), str(now).encode()))
            if renewed is not None:
                changes.append(password_change(user_id, renewed, version, now))
            actor = Actor(user.email, ip=address, domain=user.domain)
            line = audit_line(
                actor, now, "session.begin", (sessions.KIND, session.jti), user=user, note=f"login {login}"
            )
            return Write(changes, [line]), SignedIn(user, session, self._tokens.token_of(session))

        return await self._room.change(decide)

    async def sign_out(self, principal: Principal) -> None:
        """End a session; its token and its sockets are dead on return."""

        def decide(book: Book, now: int) -> tuple[Write | None, None]:
            session = book.sessions.get(principal.key_id)
            if session is None:
                return None, None
            actor = Actor(principal.name, domain=principal.domain)
            line = audit_line(actor, now, "session.end", (sessions.KIND, session.jti), user=book.users[session.user_id])
            return Write([RecordChange(sessions.KIND, session.jti, None)], [line]), None

        await self._room.change(decide)

    async def sign_out_everywhere(self, user_id: int, *, by: Actor) -> int:
        """End all sessions of a user; how many there were."""

        def decide(book: Book, now: int) -> tuple[Write | None, int]:
            ended = endings(book, user_id)
            user = at_version(book, user_id, None)
            line = audit_line(
                by, now, "session.end_all", (users.KIND, user_id), user=user, note=f"{len(ended)} sessions"
            )
            return (Write(ended, [line]) if ended else None), len(ended)

        return await self._room.change(decide)

    async def change_password(self, principal: Principal, present: str, new: str, *, address: str) -> None:
        """Change one's own password; all other sessions are ended. A wrong `present` counts as a failure."""
        user = self._room.book.users[principal.user_id]
        if not user.may_change_password:
            raise IdentityRefused(
                IdentityCode.PASSWORD_CHANGE_FORBIDDEN, "the password of this account cannot be changed"
            )
        checked_password(new, field="new_password")
        async with self._limits.attempt(principal.account_id, address) as attempt:
            checked = await self._passwords.check(user.user_id, present)
            if not checked.is_right:
                attempt.failed()
                raise IdentityRefused(IdentityCode.PASSWORD_WRONG, "the present password is wrong")
            attempt.succeeded()
        if new == present:
            raise invalid("new_password", "is the present one")
        hashed = await self._passwords.hash(new)
        actor = Actor(user.email, ip=address, domain=user.domain)
        version = checked.version
        await self._room.change(lambda book, now: _with_password(book, now, principal, hashed, version, actor))

    async def set_password(self, user_id: int, new: str, *, by: Actor) -> None:
        """Give a user a password; all sessions are ended. For the house's own people."""
        hashed = await self._passwords.hash(checked_password(new))

        def decide(book: Book, now: int) -> tuple[Write | None, None]:
            user = at_version(book, user_id, None)
            line = audit_line(by, now, "user.password", (users.KIND, user_id), user=user)
            version = book.password_versions.get(user_id, 0) + 1
            changes = [password_change(user_id, hashed, version, now), *endings(book, user_id)]
            return Write(changes, [line]), None

        await self._room.change(decide)


def _with_password(
    book: Book, now: int, principal: Principal, hashed: str, version: int, by: Actor
) -> tuple[Write | None, None]:
    user_id = principal.user_id
    if book.password_versions.get(user_id) != version or principal.key_id not in book.sessions:
        raise IdentityRefused(IdentityCode.PASSWORD_WRONG, "the password was changed meanwhile")
    changes = [password_change(user_id, hashed, version + 1, now), *endings(book, user_id, but=principal.key_id)]
    line = audit_line(by, now, "user.password", (users.KIND, user_id), user=book.users[user_id])
    return Write(changes, [line]), None


def require_welcome(book: Book, user: User, login: AccountId) -> None:
    """IdentityRefused for a user who is inactive, or whose group is gone."""
    if not user.is_active:
        raise IdentityRefused(IdentityCode.USER_DISABLED, "this user is disabled")
    if user.group_of(login) not in book.groups:
        raise IdentityRefused(IdentityCode.GROUP_NOT_FOUND, "the group of this account is not known")


def credentials_wrong() -> IdentityRefused:
    """One answer for an unknown login and a wrong password."""
    return IdentityRefused(IdentityCode.CREDENTIALS_WRONG, "login or password is wrong")
