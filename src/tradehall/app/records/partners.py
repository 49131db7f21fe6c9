"""Partner domains: tenants whose own servers sign the tokens with which their support desk calls."""

from typing import Final

from msgspec import Struct

KIND: Final = "partner"


class Partner(Struct, frozen=True, omit_defaults=True):
    """A tenant. Its secret is not kept: it follows from the house's key, the domain and `generation`."""

    domain: str
    created_at: int
    generation: int = 1
    revoked_at: int | None = None
