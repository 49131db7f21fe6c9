"""People of a house: identity on its store, its key and its post."""

from decimal import Decimal

from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.house_key import house_key
from tradehall.adapters.mail import make_mailer
from tradehall.adapters.passwords import Argon2Passwords
from tradehall.adapters.tokens import JwtTokens
from tradehall.app.access import Access
from tradehall.app.demo import DEMO_DEPOSIT, HOUSE_ACCOUNT, DemoSheet, sheet_from
from tradehall.app.identity.identity import Identity, IdentitySettings, Tools
from tradehall.config import Config
from tradehall.ports.clock import Clock
from tradehall.ports.records import RecordStore

RESET_PAGE = "/ui/reset"


def make_identity(config: Config, folder: DataFolder, store: RecordStore, clock: Clock, *, demo: bool) -> Identity:
    """People and their credentials. HouseKeyRefused where the key cannot be read."""
    tools = Tools(
        store=store,
        clock=clock,
        hasher=Argon2Passwords(),
        tokens=JwtTokens(),
        mailer=make_mailer(config.mail_server, folder.outbox, config.mail_from),
        house_key=house_key(folder.house_key),
    )
    settings = IdentitySettings(
        deposit=DEMO_DEPOSIT if demo else Decimal(0),
        sign_up_is_open=demo if config.sign_up is None else config.sign_up == "open",
        is_live=config.mode == "live",
        link_base=config.reachable_url + RESET_PAGE,
    )
    return Identity(tools, settings)


def make_access(config: Config, identity: Identity, clock: Clock) -> Access:
    """How the doors recognise callers."""
    access = Access(clock, house_account=HOUSE_ACCOUNT, master_key=config.api_key, ring=identity.book.ring)
    access.admit_people(identity.book, identity.sessions, identity.partner_tokens)
    return access


def read_sheet(folder: DataFolder) -> DemoSheet | None:
    """The demo sheet of an earlier start, None where there is none that can be read."""
    try:
        return sheet_from(folder.demo_sheet.read_bytes())
    except OSError:
        return None
