"""What callers send: every field may be left out here; what a request needs is asked for by name.

Prices are JSON numbers; `volume` is hundredths of a lot; times are unix seconds; 0 is "none" where the
contract says so.
"""

from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tradehall.app.records.scripts import ScriptKind, Visibility
from tradehall.domain.time import NS_PER_SECOND
from tradehall.faces.client.errors import invalid_data
from tradehall.faces.client.words import FRAMES
from tradehall.faces.kit import BadRequest, Request, WireNumber, decode, decode_query

# The last second of which our clocks, which count nanoseconds, have an idea.
SECOND_MAX: Final = 2**63 // NS_PER_SECOND - 1

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

Login = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Ticket = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Second = Annotated[int, Meta(ge=-(2**62), le=2**62)]
# Of an order: 0 is none. What is outside is refused by the rules of trading, not as malformed.
Expiration = Annotated[int, Meta(ge=-(2**62), le=2**62, extra_json_schema={"minimum": 0, "maximum": SECOND_MAX})]
Flag = Annotated[int, Meta(ge=0, le=1)]
Password = Annotated[str, Meta(min_length=6, max_length=64)]
Comment = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(max_length=256)]
Symbol = Annotated[str, Meta(min_length=1, max_length=40)]
SettingKey = Annotated[str, Meta(max_length=64, extra_json_schema={"pattern": r"^[a-z0-9_.-]{1,64}$"})]
_FILTER: Final = "^(all|read|unread|[0-9]{1,9})$"
ScriptKindText = Annotated[str, Meta(max_length=16, extra_json_schema={"enum": list(ScriptKind)})]
VisibilityText = Annotated[str, Meta(max_length=16, extra_json_schema={"enum": list(Visibility)})]

LIMIT_MAX: Final = 1_000
Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX)]
Offset = Annotated[int, Meta(ge=0, le=2**31)]


class SignIn(Struct, frozen=True):
    """Who wants in."""

    login: Login | None = None
    password: Password | None = None

    def __repr__(self) -> str:
        return f"SignIn(login={self.login})"


class SignUp(Struct, frozen=True):
    """Who wants an account; `demo` false: without a deposit."""

    name: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    email: Annotated[str, Meta(max_length=254)] | None = None
    password: Password | None = None
    country: Text | None = None
    phone: Text | None = None
    city: Text | None = None
    state: Text | None = None
    address: Text | None = None
    zipcode: Text | None = None
    currency: Annotated[str, Meta(max_length=8)] | None = None
    leverage: int | None = None
    group: Text | None = None
    demo: bool | None = None

    def __repr__(self) -> str:
        return f"SignUp(email={self.email})"


class ChangePassword(Struct, frozen=True):
    """The present password and the next."""

    password: Password | None = None
    new_password: Password | None = None

    def __repr__(self) -> str:
        return "ChangePassword(…)"


class OfLogin(Struct, frozen=True):
    """Whose account; staff must say it."""

    login: Login | None = None


class OpenTrade(Struct, frozen=True):
    """A market order (cmd 0, 1), or a pending one (cmd 2 to 5) with its `open_price`."""

    cmd: int | None = None
    symbol: Symbol | None = None
    volume: int | None = None
    sl: WireNumber | None = None
    tp: WireNumber | None = None
    open_price: WireNumber | None = None
    expiration: Expiration | None = None
    comment: Comment | None = None
    login: Login | None = None


class CloseTrade(Struct, frozen=True):
    """Close a ticket, or `volume` of it."""

    order: Ticket | None = None
    volume: int | None = None
    comment: Comment | None = None
    login: Login | None = None


class CancelTrade(Struct, frozen=True):
    """Take a pending ticket out."""

    order: Ticket | None = None
    login: Login | None = None


class ModifyTrade(Struct, frozen=True):
    """New prices of a ticket; 0 clears."""

    order: Ticket | None = None
    open_price: WireNumber | None = None
    sl: WireNumber | None = None
    tp: WireNumber | None = None
    expiration: Expiration | None = None
    login: Login | None = None


class Trades(Struct, frozen=True):
    """A page of tickets; the clauses are lists, or JSON text of lists in a query."""

    login: Login | None = None
    limit: Limit | None = None
    offset: Offset | None = None
    tradeType: Annotated[int, Meta(ge=0, le=4)] | None = None
    where: Any = None
    whereNot: Any = None
    whereIn: Any = None
    whereNotIn: Any = None
    whereBetween: Any = None
    whereNotBetween: Any = None


class History(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """Ended tickets by when they ended, both ends inclusive."""

    login: Login | None = None
    since: Second | None = None
    until: Second | None = None
    limit: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    offset: Offset | None = None


class OfSymbol(Struct, frozen=True):
    """One symbol, for one login."""

    symbol: Symbol | None = None
    login: Login | None = None


class WatchList(Struct, frozen=True):
    """Symbols that begin with `prefix`."""

    login: Login | None = None
    prefix: Annotated[str, Meta(max_length=40)] | None = None


class Candles(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """Bars of a symbol."""

    symbol: Symbol | None = None
    frame: Annotated[str, Meta(max_length=8, extra_json_schema={"enum": list(FRAMES)})] | None = None
    since: Second | None = None
    until: Second | None = None
    count: Annotated[int, Meta(ge=1, le=5_000)] | None = None
    login: Login | None = None


class Scripts(Struct, frozen=True):
    """Whose scripts; `format` table: with columns; `visibility` public: everybody's public ones."""

    login: Login | None = None
    format: Annotated[str, Meta(max_length=16)] | None = None
    visibility: VisibilityText | None = None


class Script(Struct, frozen=True):
    """A script, or a change of one."""

    id: Ticket | None = None
    name: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    script: Annotated[str, Meta(min_length=1, max_length=200_000)] | None = None
    autostart: Flag | None = None
    enabled: Flag | None = None
    description: Annotated[str, Meta(max_length=2_000)] | None = None
    kind: ScriptKindText | None = None
    visibility: VisibilityText | None = None
    login: Login | None = None


class ById(Struct, frozen=True):
    """Something by its number."""

    id: Ticket | None = None
    login: Login | None = None


class ReadSettings(Struct, frozen=True):
    """One setting, or those whose key begins with `prefix`."""

    key: Annotated[str, Meta(max_length=64)] | None = None
    prefix: Annotated[str, Meta(max_length=64)] | None = None
    login: Login | None = None


class WriteSettings(Struct, frozen=True):
    """One setting, or many."""

    key: SettingKey | None = None
    value: msgspec.Raw | UnsetType = UNSET
    settings: dict[str, msgspec.Raw] | None = None
    login: Login | None = None


class PriceAlerts(Struct, frozen=True):
    """Which alerts."""

    status: Annotated[int, Meta(ge=0, le=4)] | None = None
    symbol: Symbol | None = None
    login: Login | None = None


class PriceAlert(Struct, frozen=True):
    """An alert, or a change of one."""

    id: Ticket | None = None
    symbol: Symbol | None = None
    side: Flag | None = None
    condition: Annotated[int, Meta(ge=0, le=12)] | None = None
    repeat_mode: Flag | None = None
    target_price: WireNumber | None = None
    channel_low: WireNumber | None = None
    channel_high: WireNumber | None = None
    move_threshold: WireNumber | None = None
    expires_at: Second | None = None
    reference_price: WireNumber | None = None
    reference_time: Second | None = None
    indicator_name: Annotated[str, Meta(max_length=64)] | None = None
    message: Text | None = None
    comment: Text | None = None
    status: int | None = None
    login: Login | None = None


class AlertLogs(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """Which firings."""

    limit: Limit | None = None
    offset: Offset | None = None
    alert_id: Ticket | None = None
    symbol: Symbol | None = None
    since: Second | None = None
    until: Second | None = None
    login: Login | None = None


class Notifications(Struct, frozen=True):
    """Which notifications; `filter` is `read`, `unread` or a level."""

    limit: Limit | None = None
    offset: Offset | None = None
    filter: Annotated[str, Meta(max_length=32, extra_json_schema={"pattern": _FILTER})] | int | None = None
    login: Login | None = None


class ReadNotification(Struct, frozen=True):
    """One notification, or all."""

    id: Ticket | None = None
    all: bool | None = None
    login: Login | None = None


def body_of(request: Request, wanted: type[S]) -> S:
    """The JSON body of a request that writes."""
    return decode(request, wanted)


def parameters_of(request: Request, wanted: type[S]) -> S:
    """Query parameters, and for what they leave out the same fields in a JSON body."""
    queried = decode_query(request, wanted)
    if not request.body:
        return queried
    body = decode(request, wanted)
    fields = {name: _either(getattr(queried, name), getattr(body, name)) for name in wanted.__struct_fields__}
    return wanted(**fields)


def _either(first: Any, second: Any) -> Any:
    return second if first is None else first


def needed(value: T | None, name: str) -> T:
    """A field that the request cannot do without."""
    if value is None:
        raise BadRequest(name, f"{name} is required")
    return value


def as_json(value: Any, name: str) -> Any:
    """A list of a query, where it is JSON text, or of a body."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value.encode())
    except (ValueError, RecursionError):
        raise invalid_data(f"{name} must be JSON") from None
