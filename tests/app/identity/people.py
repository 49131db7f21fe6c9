"""Identity at work for tests: a real store and, where asked for, a real shard; hashes that cost little."""

import asyncio
import hashlib
from decimal import Decimal

from tests.app.shard import START, a_desk
from tradehall.adapters.memory import MemoryStore
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.adapters.tokens import JwtTokens
from tradehall.app.access import Access
from tradehall.app.identity.identity import Identity, IdentitySettings, Tools
from tradehall.app.identity.users import NewUser
from tradehall.app.records.audit import Actor

KEY = b"k" * 32
PASSWORD = "correct horse"
ADA = Actor("ada@support.test", role="admin", domain="demo.example", reason="a test asked for it")
HERE = "127.0.0.1"
SECOND = 1_000_000_000


class OwnClock:
    """A clock that stands until it is told otherwise."""

    def __init__(self):
        self.at = START

    def now(self):
        return self.at


class CountingHasher:
    """Cheap hashes; counts what a real one would have to work."""

    def __init__(self):
        self.hashes = 0
        self.checks = 0
        self.marker = "v1"

    def hash(self, password):
        self.hashes += 1
        return self._made(self.marker, password)

    def verify(self, hashed, password):
        self.checks += 1
        return hashed == self._made(hashed.partition("$")[0], password)

    def is_outdated(self, hashed):
        return not hashed.startswith(self.marker)

    def _made(self, marker, password):
        return f"{marker}${hashlib.sha256(password.encode('utf-8', 'surrogatepass')).hexdigest()}"


class KeptMail:
    """A mailer that keeps what it gets, or fails as it is told."""

    def __init__(self):
        self.sent = []
        self.faults = []

    async def send(self, mail):
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append(mail)


class Place:
    """Where identity lives in a test: its folder, clock, and everything that lies beside it."""

    def __init__(self, folder, *, clock=None):
        self.folder = folder
        self.clock = clock or OwnClock()
        self.hasher = CountingHasher()
        self.mailer = KeptMail()
        self.store = SqliteRecords(folder / "records.db")
        self.shard_store = MemoryStore()

    def identity(self, store=None, **settings):
        """Identity as a fresh process would have it."""
        tools = Tools(store or self.store, self.clock, self.hasher, JwtTokens(), self.mailer, KEY)
        return Identity(tools, IdentitySettings(deposit=Decimal(100_000), sign_up_is_open=True, **settings))

    def access(self, identity):
        """The doors' view of it."""
        access = Access(self.clock, house_account=700100, master_key=None, ring=identity.book.ring)
        access.admit_people(identity.book, identity.sessions, identity.partner_tokens)
        return access

    def desk(self):
        """A shard, not started."""
        return a_desk(self.shard_store, clock=self.clock)

    def elsewhere(self):
        """The same records as another process sees them."""
        return SqliteRecords(self.folder / "records.db")


def mira(**fields):
    """A wish for a user."""
    return NewUser(**{"email": "mira@example.test", "first_name": "Mira", "last_name": "Vogel", **fields})


async def until(is_so):
    """Let others run until something is so."""
    while not is_so():  # noqa: ASYNC110 - what is waited for tells nobody.
        await asyncio.sleep(0)
