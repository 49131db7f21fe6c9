"""Users: made, found, changed. What they may do with their credentials is written elsewhere."""

import uuid
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from tradehall.app.identity.account_steps import AccountSteps, step_change
from tradehall.app.identity.book import USER_COUNTER, Book
from tradehall.app.identity.correspondence import Correspondence, new_letter
from tradehall.app.identity.passwords import Passwords, checked_password, password_change
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused, invalid, user_not_found
from tradehall.app.identity.resets import cancelled_resets
from tradehall.app.identity.room import IdentityRoom, Write
from tradehall.app.identity.sign_in_limits import SignInLimits
from tradehall.app.identity.user_rules import (
    at_version,
    changed,
    checked_domain,
    checked_email,
    checked_phone,
    checked_text,
    counter,
    email_taken,
    free_login,
    next_login,
    user_change,
)
from tradehall.app.records.account_steps import AccountStep
from tradehall.app.records.audit import HOUSE, Actor, audit_line
from tradehall.app.records.groups import HEDGING_GROUP, Group
from tradehall.app.records.letters import Letter
from tradehall.app.records.resets import Delivery
from tradehall.app.records.users import (
    DEFAULT_DOMAIN,
    KIND,
    AccountLogin,
    Contact,
    SessionType,
    User,
)
from tradehall.domain.ids import AccountId
from tradehall.ports.records import RecordChange

ACCOUNTS_PER_USER_MAX: Final = 50
NAME_LENGTH_MAX: Final = 64
TEXT_LENGTH_MAX: Final = 200


class NewUser(Struct, frozen=True, kw_only=True):
    """A wish for a user with one account. `group` "": the first that fits the currency.

    `login`: only for accounts that the house knows by number. `is_demo` False: no deposit.
    """

    email: str
    first_name: str
    last_name: str = ""
    phone: str = ""
    contact: Contact = Contact()
    domain: str = DEFAULT_DOMAIN
    currency: str = "USD"
    leverage: int | None = None
    group: str = ""
    is_demo: bool = True
    login: AccountId | None = None
    session_type: SessionType = SessionType.USER
    email_verified: bool = False


class Made(Struct, frozen=True):
    """A user, and the account that was opened."""

    user: User
    login: AccountId


class ContactWish(Struct, frozen=True, kw_only=True):
    """New ways to reach a user; what is left out stays. `phone` "" removes it."""

    email: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    verified: bool = False
    notify_old: bool = True


class Users:
    """The people of the house. `deposit` is what a demo account begins with."""

    def __init__(
        self, room: IdentityRoom, steps: AccountSteps, passwords: Passwords, limits: SignInLimits,
        letters: Correspondence, *,
        deposit: Decimal, sign_up_is_open: bool,
    ) -> None:  # fmt: skip
        self._room = room
        self._steps = steps
        self._passwords = passwords
        self._limits = limits
        self._letters = letters
        self._deposit = deposit
        self._sign_up_is_open = sign_up_is_open

    # Looking up.

    def get(self, user_id: int, *, domain: str | None = None) -> User:
        """A user by number; IdentityRefused where there is none in `domain` (None: anywhere)."""
        user = self._room.book.users.get(user_id)
        if user is None or domain not in (None, user.domain):
            raise user_not_found()
        return user

    def find(self, name: str, *, domain: str = DEFAULT_DOMAIN) -> User:
        """A user of a domain by number or e-mail, in any case; IdentityRefused where there is none."""
        if name.isascii() and name.isdigit() and len(name) < 19:
            return self.get(int(name), domain=domain)
        user = self._room.book.user_of_email(domain, name)
        if user is None:
            raise user_not_found()
        return user

    def of_login(self, login: AccountId) -> User | None:
        """Whose account that is."""
        return self._room.book.user_of_login(login)

    def all(self, *, domain: str | None = None) -> list[User]:
        """Everybody, or everybody of a domain, by number."""
        users = self._room.book.users.values()
        return sorted((user for user in users if domain in (None, user.domain)), key=lambda user: user.user_id)

    def signed_in_at(self, user_id: int) -> int | None:
        """When a user last signed in [ns UTC]."""
        return self._room.book.signed_in_at.get(user_id)

    def groups(self) -> dict[str, Group]:
        """All groups by name."""
        return dict(self._room.book.groups)

    # Making.

    async def sign_up(self, wish: NewUser, password: str, *, address: str) -> Made:
        """Somebody makes a user of himself; his account is open on return.

        ShardUnavailable: the user is there, the account will be opened later. An address that is taken in a
        group of several accounts opens one more, where the password is that user's.
        """
        if not self._sign_up_is_open:
            raise IdentityRefused(IdentityCode.SIGN_UP_DISABLED, "signing up is not possible here")
        checked_password(password)
        wish = checked(wish)
        group = group_for(self._room.book, wish, is_public=True)
        taken = self._room.book.user_of_email(wish.domain, wish.email)
        if taken is not None:
            return await self._second_account(taken, wish, group, password, address)
        hashed = await self._passwords.hash(password)
        actor = Actor(wish.email, ip=address, domain=wish.domain)
        return await self._make(wish, hashed, actor, is_public=True)

    async def create(self, wish: NewUser, *, by: Actor, password: str | None = None) -> Made:
        """Somebody else makes a user; without a password, a reset gives the first one."""
        wish = checked(wish)
        hashed = None if password is None else await self._passwords.hash(checked_password(password))
        return await self._make(wish, hashed, by, is_public=False)

    async def _make(self, wish: NewUser, hashed: str | None, by: Actor, *, is_public: bool) -> Made:
        made = await self._room.change(lambda book, now: self._made(book, now, wish, hashed, by, is_public=is_public))
        await self._steps.do(made.login)
        return made

    def _made(
        self, book: Book, now: int, wish: NewUser, hashed: str | None, by: Actor, *, is_public: bool
    ) -> tuple[Write, Made]:
        group = group_for(book, wish, is_public=is_public)
        if book.user_of_email(wish.domain, wish.email) is not None:
            raise email_taken()
        user_id = book.counters.get(USER_COUNTER, 1)
        login, counted = next_login(book) if wish.login is None else (free_login(book, wish.login), [])
        user = User(
            user_id=user_id, unique_key=str(uuid.uuid4()), domain=wish.domain, email=wish.email,
            first_name=wish.first_name, last_name=wish.last_name, created_at=now, updated_at=now,
            phone=wish.phone, contact=wish.contact, accounts=(AccountLogin(login, group.name),),
            session_type=wish.session_type, is_demo=wish.is_demo, email_verified=wish.email_verified,
        )  # fmt: skip
        changes = [user_change(user), counter(USER_COUNTER, user_id + 1), *counted]
        changes.append(self._opening(user, login, group, wish))
        if hashed is not None:
            changes.append(password_change(user_id, hashed, 1, now))
        line = audit_line(by, now, "user.create", (KIND, user_id), user=user, after=user)
        return Write(changes, [line]), Made(user, login)

    def _opening(self, user: User, login: AccountId, group: Group, wish: NewUser) -> RecordChange:
        terms = group.terms(login, owner=user.user_id, name=user.name, leverage=wish.leverage)
        return step_change(AccountStep(login, terms, self._deposit if wish.is_demo else Decimal(0)))

    async def _second_account(self, user: User, wish: NewUser, group: Group, password: str, address: str) -> Made:
        if group.one_account_per_email:
            raise email_taken()
        async with self._limits.attempt(wish.email, address) as attempt:
            checked = await self._passwords.check(user.user_id, password)
            if not checked.is_right or not user.is_active:
                attempt.failed()
                raise email_taken()
            attempt.succeeded()
        actor = Actor(user.email, ip=address, domain=user.domain)
        made = await self._room.change(lambda book, now: self._added(book, now, user.user_id, wish, actor))
        await self._steps.do(made.login)
        return made

    def _added(self, book: Book, now: int, user_id: int, wish: NewUser, by: Actor) -> tuple[Write, Made]:
        group = group_for(book, wish, is_public=True)
        user = book.users[user_id]
        if len(user.accounts) >= ACCOUNTS_PER_USER_MAX or not user.is_active:
            raise email_taken()
        login, counted = next_login(book)
        after = changed(user, now, accounts=(*user.accounts, AccountLogin(login, group.name)))
        changes = [user_change(after), *counted, self._opening(after, login, group, wish)]
        line = audit_line(by, now, "user.account", (KIND, user_id), user=user, before=user, after=after)
        return Write(changes, [line]), Made(after, login)

    # Changing.

    async def change_contact(
        self, user_id: int, wish: ContactWish, *, by: Actor, expected_version: int | None = None
    ) -> tuple[User, User]:
        """The user before and after; equal where the wish changes nothing. IdentityRefused for a taken e-mail.

        A changed e-mail or phone is verified only where the wish says so. The old address is told by mail, and resets
        that were mailed there are cancelled.
        """
        email = wish.email if wish.email is UNSET else checked_email(wish.email)
        phone = wish.phone if wish.phone is UNSET else checked_phone(wish.phone)

        def decide(book: Book, now: int) -> tuple[Write | None, tuple[User, User, Letter | None]]:
            user = at_version(book, user_id, expected_version)
            after = with_contact(user, now, email=email, phone=phone, verified=wish.verified)
            if after == user:
                return None, (user, user, None)
            if after.email != user.email and book.user_of_email(user.domain, after.email) is not None:
                raise email_taken()
            line = audit_line(by, now, "user.contact", (KIND, user_id), user=user, before=user, after=after)
            changes, letter = [user_change(after)], None
            if user.email != after.email:
                changes += cancelled_resets(book, user_id, {Delivery.EMAIL})  # Who reads the old address stays out.
                if wish.notify_old and not self._letters.is_full:
                    letter, kept = new_letter(user, now, old_email=user.email)
                    changes.append(kept)
            return Write(changes, [line]), (user, after, letter)

        before, after, letter = await self._room.change(decide)
        if letter is not None:
            self._letters.tell_old_address(letter, after)
        return before, after

    async def change_group(self, group: Group, *, by: Actor = HOUSE) -> None:
        """Change the terms on which accounts will be opened; those that are open keep theirs."""

        def decide(book: Book, now: int) -> tuple[Write | None, None]:
            before = book.groups.get(group.name)
            line = audit_line(by, now, "group.change", ("group", group.name), before=before, after=group)
            return Write([RecordChange("group", group.name, msgspec.json.encode(group))], [line]), None

        await self._room.change(decide)


# Rules.


def group_for(book: Book, wish: NewUser, *, is_public: bool) -> Group:
    """The group that a wish names, or the first that fits it; IdentityRefused where none does."""
    groups = [group for group in book.groups.values() if group.is_open or not is_public]
    if wish.group:
        group = next((group for group in groups if group.name == wish.group), None)
    else:
        groups.sort(key=lambda group: group.name != HEDGING_GROUP)
        group = next((group for group in groups if group.currency == wish.currency), None)
    if group is None:
        raise IdentityRefused(IdentityCode.GROUP_NOT_FOUND, "there is no such group to sign up for")
    if group.currency != wish.currency:
        raise invalid("currency", f"was {wish.currency}, accounts of {group.name} are in {group.currency}")
    if wish.leverage is not None and not 1 <= wish.leverage <= group.leverage_max:
        raise invalid("leverage", f"was {wish.leverage}, must be from 1 to {group.leverage_max}")
    return group


def checked(wish: NewUser) -> NewUser:
    """`wish` in its usual spelling; IdentityRefused for what cannot be."""
    for field in ("first_name", "last_name"):
        checked_text(field, getattr(wish, field), NAME_LENGTH_MAX)
    for field in Contact.__struct_fields__:
        checked_text(field, getattr(wish.contact, field), TEXT_LENGTH_MAX)
    if not wish.first_name.strip():
        raise invalid("name", "is empty")
    return replace(
        wish,
        email=checked_email(wish.email),
        phone=checked_phone(wish.phone, is_strict=False),
        domain=checked_domain(wish.domain),
    )


def split_name(name: str) -> tuple[str, str]:
    """First and last name of a name in one piece; put together again it is the same."""
    first, _, last = name.strip().partition(" ")
    return first, last


def with_contact(user: User, now: int, *, email: str | UnsetType, phone: str | UnsetType, verified: bool) -> User:
    """The user with another e-mail or phone; the same one where neither differs."""
    fields: dict[str, object] = {}
    if email is not UNSET and email != user.email:
        fields |= {"email": email, "email_verified": verified}
    if phone is not UNSET and phone != user.phone:
        fields |= {"phone": phone, "phone_verified": verified and bool(phone)}
    return changed(user, now, **fields) if fields else user
