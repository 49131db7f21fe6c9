"""Reach: whose objects somebody may see and change. Outside of it an object does not exist."""

from typing import Protocol

from msgspec import Struct


class Owned(Protocol):
    """A record with an owner."""

    @property
    def user_id(self) -> int | None:
        """Whose it is; None: an operator's."""
        ...

    @property
    def domain(self) -> str:
        """The tenant it belongs to."""
        ...


class Reach(Struct, frozen=True):
    """One person's own objects (`user_id`), all of a tenant (`domain`), or all of the house (`is_house`)."""

    user_id: int | None = None
    domain: str = ""
    is_house: bool = False

    def covers(self, record: Owned) -> bool:
        """Whether the record exists for them."""
        if self.is_house:
            return True
        if self.user_id is not None:
            return record.user_id == self.user_id
        return bool(self.domain) and record.domain == self.domain


HOUSE = Reach(is_house=True)
