"""The book: all identity records in memory, as the store holds them. Changed by `apply` alone."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from tradehall.app.identity.key_ring import KeyRing
from tradehall.app.records import account_steps, api_keys, groups, letters, partners, resets, sessions, users
from tradehall.app.records.account_steps import AccountStep
from tradehall.app.records.api_keys import ApiKey
from tradehall.app.records.groups import Group
from tradehall.app.records.letters import Letter
from tradehall.app.records.partners import Partner
from tradehall.app.records.resets import Reset, ResetStatus
from tradehall.app.records.room import read_at_once
from tradehall.app.records.sessions import Session
from tradehall.app.records.users import PasswordRecord, User
from tradehall.domain.account import AccountStatus
from tradehall.domain.ids import AccountId
from tradehall.ports.records import RecordChange, RecordStore

COUNTER_KIND: Final = "counter"
USER_COUNTER: Final = "user_id"
LOGIN_COUNTER: Final = "login"


class Book:
    """What is known of people and their credentials; read by everyone, between two awaits of the loop."""

    def __init__(self) -> None:
        self.epoch: bytes | None = None
        self.users: dict[int, User] = {}
        self.owners: dict[AccountId, int] = {}
        self.emails: dict[tuple[str, str], int] = {}
        self.password_versions: dict[int, int] = {}
        self.signed_in_at: dict[int, int] = {}
        self.sessions: dict[str, Session] = {}
        self.sessions_of: dict[int, dict[str, None]] = {}
        self.resets: dict[str, Reset] = {}
        self.pending_resets: dict[str, str] = {}
        self.resets_of: dict[int, dict[str, None]] = {}
        self.letters: dict[str, Letter] = {}
        self.partners: dict[str, Partner] = {}
        self.groups: dict[str, Group] = dict(groups.BUILT_IN)
        self.steps: dict[AccountId, AccountStep] = {}
        self.statuses_before: dict[AccountId, AccountStatus] = {}
        self.counters: dict[str, int] = {}
        self.ring = KeyRing()

    # Looking up.

    def user_of_login(self, login: AccountId) -> User | None:
        """Whose account that is."""
        user_id = self.owners.get(login)
        return None if user_id is None else self.users.get(user_id)

    def user_of_email(self, domain: str, email: str) -> User | None:
        """Whose address that is in a domain, in any case."""
        user_id = self.emails.get((domain, email.lower()))
        return None if user_id is None else self.users.get(user_id)

    def keys_of(self, user: User) -> list[ApiKey]:
        """All keys of their accounts, at all doors."""
        return [key for login in user.logins for key in self.ring.of_account(login)]

    # Changing.

    def apply(self, changes: Iterable[RecordChange]) -> None:
        """Be what the store is after these changes."""
        for change in changes:
            READERS[change.kind](self, change.key, change.body)

    def _user(self, key: str, body: bytes | None) -> None:
        user_id = int(key)
        if (old := self.users.pop(user_id, None)) is not None:
            self.emails.pop((old.domain, old.email), None)
            for login in old.logins:
                self.owners.pop(login, None)
        if body is None:
            return
        user = _decode_user(body)
        self.users[user_id] = user
        self.emails[user.domain, user.email] = user_id
        self.owners.update((login, user_id) for login in user.logins)

    def _session(self, key: str, body: bytes | None) -> None:
        if (old := self.sessions.pop(key, None)) is not None:
            self.sessions_of[old.user_id].pop(key)
            if not self.sessions_of[old.user_id]:
                del self.sessions_of[old.user_id]
        if body is not None:
            session = self.sessions[key] = _decode_session(body)
            self.sessions_of.setdefault(session.user_id, {})[key] = None

    def _reset(self, key: str, body: bytes | None) -> None:
        if (old := self.resets.pop(key, None)) is not None:
            self.pending_resets.pop(old.digest, None)
            self.resets_of[old.user_id].pop(key)
        if body is None:
            return
        reset = self.resets[key] = _decode_reset(body)
        self.resets_of.setdefault(reset.user_id, {})[key] = None
        if reset.status is ResetStatus.PENDING:
            self.pending_resets[reset.digest] = key

    def _password(self, key: str, body: bytes | None) -> None:
        # The hash itself is read when it is needed, and not kept in memory.
        put(self.password_versions, int(key), None if body is None else _decode_password(body).version)

    def _key(self, key: str, body: bytes | None) -> None:
        assert body is not None, f"{key} was removed, keys are revoked"
        self.ring.put(_decode_key(body))

    def _epoch(self, key: str, body: bytes | None) -> None:
        self.epoch = body

    def _group(self, key: str, body: bytes | None) -> None:
        put(self.groups, key, groups.BUILT_IN.get(key) if body is None else msgspec.json.decode(body, type=Group))


def put(place: dict[Any, Any], key: Any, value: Any) -> None:
    """Set, or remove for None."""
    if value is None:
        place.pop(key, None)
    else:
        place[key] = value


def _simple(name: str, read_key: Callable[[str], Any], kind: Any) -> Callable[[Book, str, bytes | None], None]:
    decode = msgspec.json.Decoder(kind).decode

    def read(book: Book, key: str, body: bytes | None) -> None:
        put(getattr(book, name), read_key(key), None if body is None else decode(body))

    return read


_decode_user: Final = msgspec.json.Decoder(User).decode
_decode_session: Final = msgspec.json.Decoder(Session).decode
_decode_reset: Final = msgspec.json.Decoder(Reset).decode
_decode_password: Final = msgspec.json.Decoder(PasswordRecord).decode
_decode_key: Final = msgspec.json.Decoder(ApiKey).decode

READERS: Final[dict[str, Callable[[Book, str, bytes | None], None]]] = {
    api_keys.EPOCH_KIND: Book._epoch,
    users.KIND: Book._user,
    users.PASSWORD_KIND: Book._password,
    users.SIGN_IN_KIND: _simple("signed_in_at", int, int),
    sessions.KIND: Book._session,
    resets.KIND: Book._reset,
    letters.KIND: _simple("letters", str, Letter),
    partners.KIND: _simple("partners", str, Partner),
    groups.KIND: Book._group,
    account_steps.KIND: _simple("steps", int, AccountStep),
    account_steps.STATUS_KIND: _simple("statuses_before", int, AccountStatus),
    api_keys.KIND: Book._key,
    COUNTER_KIND: _simple("counters", str, int),
}


def read_book(store: RecordStore) -> Book:
    """The book as the store holds it at one moment."""

    def read() -> Book:
        book = Book()
        for kind in READERS:
            book.apply(RecordChange(kind, key, body) for key, body in store.all(kind).items())
        return book

    return read_at_once(store, api_keys.EPOCH_KIND, read)
