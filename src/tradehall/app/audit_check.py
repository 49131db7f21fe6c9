"""Holding a store's whole trail against its chains: the house's, and those of its tenants."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from tradehall.app.audit import verify_chain
from tradehall.ports.audit import AuditEntry, AuditStore, ChainedBody, audit_checksum, audit_genesis


class TrailCheck(Struct, frozen=True):
    """What was looked at, and the first thing wrong with it, "" if nothing is."""

    entries: int
    tenants: int
    fault: str = ""


def check_trail(store: AuditStore) -> TrailCheck:
    """Look through the trail from its first entry: each is chained, and every tenant's once more among its own."""
    tenants: dict[str, _Tenant] = {}
    try:
        report = verify_chain(_passing_by(store, tenants))
    except msgspec.DecodeError:
        return TrailCheck(0, len(tenants), "an entry is no line of an audit at all: it was altered")
    faults = [report.fault, *(tenant.fault or tenant.surplus() for tenant in tenants.values())]
    return TrailCheck(report.count, len(tenants), next(filter(None, faults), ""))


def _passing_by(store: AuditStore, tenants: "dict[str, _Tenant]") -> Iterator[AuditEntry]:
    for entry in store.entries():
        domain = entry.line.domain
        if domain:
            if domain not in tenants:
                tenants[domain] = _Tenant(domain, store.links(domain))
            tenants[domain].hold(entry)
        yield entry


class _Tenant:
    """A tenant's chain, followed while the house's goes by."""

    def __init__(self, domain: str, links: Iterator[ChainedBody]) -> None:
        self.fault = ""
        self._domain = domain
        self._links = links
        self._number = 0
        self._checksum = audit_genesis(domain)

    def hold(self, entry: AuditEntry) -> None:
        """The next link must be this entry."""
        if self.fault:
            return
        self._number += 1
        self._checksum = audit_checksum(self._checksum, self._number, entry.body)
        link = next(self._links, None)
        if link != (self._number, entry.body, self._checksum):
            self.fault = f"entry {entry.seq} is not link {self._number} of the chain of {self._domain}"

    def surplus(self) -> str:
        """A link that no entry has."""
        link = next(self._links, None)
        return "" if link is None else f"link {link.seq} of the chain of {self._domain} is no entry of the house's"
