"""Partner domains: made, given new secrets, closed."""

import msgspec
from msgspec.structs import replace

from tradehall.app.identity.book import Book
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.app.identity.room import IdentityRoom, Write
from tradehall.app.identity.secrets import HouseSecrets
from tradehall.app.identity.user_rules import checked_domain
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.partners import KIND, Partner
from tradehall.ports.records import RecordChange


class Partners:
    """The tenants whose support desks call us."""

    def __init__(self, room: IdentityRoom, secrets: HouseSecrets) -> None:
        self._room = room
        self._secrets = secrets

    def all(self) -> list[Partner]:
        """All domains ever made, by name."""
        return [partner for _, partner in sorted(self._room.book.partners.items())]

    def secret(self, domain: str) -> str:
        """What the partner signs with, as text of 43 characters. IdentityRefused for an unknown domain."""
        partner = _open(self._room.book, domain)
        return self._secrets.partner(partner.domain, partner.generation).decode("ascii")

    async def create(self, domain: str, *, by: Actor) -> Partner:
        """Admit a domain. IdentityRefused where it is admitted already."""
        name = checked_domain(domain)

        def decide(book: Book, now: int) -> tuple[Write, Partner]:
            old = book.partners.get(name)
            if old is not None and old.revoked_at is None:
                raise IdentityRefused(IdentityCode.DOMAIN_TAKEN, f"domain {name} exists already")
            # A domain that comes back gets another secret than the one it lost.
            partner = Partner(name, now, 1 if old is None else old.generation + 1)
            return _write(by, now, "partner.create", old, partner), partner

        return await self._room.change(decide)

    async def renew_secret(self, domain: str, *, by: Actor) -> Partner:
        """A new secret; tokens signed with the old one are refused on return."""

        def decide(book: Book, now: int) -> tuple[Write, Partner]:
            old = _open(book, domain)
            partner = replace(old, generation=old.generation + 1)
            return _write(by, now, "partner.renew_secret", old, partner), partner

        return await self._room.change(decide)

    async def revoke(self, domain: str, *, by: Actor) -> Partner:
        """Close the door to a domain; its people stay."""

        def decide(book: Book, now: int) -> tuple[Write, Partner]:
            old = _open(book, domain)
            partner = replace(old, revoked_at=now)
            return _write(by, now, "partner.revoke", old, partner), partner

        return await self._room.change(decide)


def _open(book: Book, domain: str) -> Partner:
    partner = book.partners.get(domain.lower())
    if partner is None or partner.revoked_at is not None:
        raise IdentityRefused(IdentityCode.DOMAIN_NOT_FOUND, f"there is no domain {domain}")
    return partner


def _write(by: Actor, now: int, action: str, old: Partner | None, partner: Partner) -> Write:
    actor = replace(by, domain=partner.domain)
    line = audit_line(actor, now, action, (KIND, partner.domain), before=old, after=partner)
    return Write([RecordChange(KIND, partner.domain, msgspec.json.encode(partner))], [line])
