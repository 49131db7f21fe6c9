"""Audit: who asked for a change of a record, and what the change was, without what is secret."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from tradehall.app.records.users import User
from tradehall.ports.records import AuditLine

# Never told, not even as changed.
SECRET_FIELDS: Final = frozenset({"digest", "hash", "password", "token", "secret"})


class Actor(Struct, frozen=True, omit_defaults=True):
    """Who does something: `name` is a login, an e-mail, a key; `domain` is the tenant they act in."""

    name: str
    role: str = ""
    ip: str = ""
    request_id: str = ""
    domain: str = ""
    reason: str = ""


HOUSE: Final = Actor("house")


def audit_line(
    actor: Actor,
    at: int,
    action: str,
    entity: tuple[str, object],
    *,
    user: User | None = None,
    note: str = "",
    before: Struct | None = None,
    after: Struct | None = None,
) -> AuditLine:
    """The line that goes with a change; `entity` is kind and key, `user` the person it is about.

    Of `before` and `after` it keeps the differences.
    """
    was, became = differences(before, after)
    return AuditLine(
        at, actor.name, action, entity[0], str(entity[1]), note,
        domain=actor.domain if user is None else user.domain,
        user_id=None if user is None else user.user_id,
        role=actor.role, ip=actor.ip, request_id=actor.request_id, reason=actor.reason, before=was, after=became,
    )  # fmt: skip


def differences(before: Struct | None, after: Struct | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields in which two states of a record differ, and their values in each; secrets left out."""
    was, became = _fields(before), _fields(after)
    if not was:
        became = {name: value for name, value in became.items() if value not in (None, "", {}, [])}
    names = [name for name in {**was, **became} if was.get(name) != became.get(name)]
    return (
        {name: was[name] for name in names if name in was},
        {name: became[name] for name in names if name in became},
    )


def _fields(state: Struct | None) -> dict[str, Any]:
    if state is None:
        return {}
    names = [name for name in state.__struct_fields__ if name not in SECRET_FIELDS]
    return {name: msgspec.to_builtins(getattr(state, name)) for name in names}
