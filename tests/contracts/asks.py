"""What wishes are said in: requests in the words of each door, and what they must come to."""

from typing import Any, NamedTuple

from tradehall.app.records.groups import NETTING_GROUP


class Ask(NamedTuple):
    """One request: method, path below the door's prefix, body, headers."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    headers: dict[str, str] = {}


class Not(NamedTuple):
    """Why a door does not have a wish."""

    why: str


class Quote(NamedTuple):
    """EURUSD goes there."""

    bid: str
    ask: str


class Wish(NamedTuple):
    """One row. `after`: wishes that each door was sent before; `then`: where the market goes afterwards.

    `events`: what the wish alone, and the market after it, must come to at every door; `netting`: on a netting
    account, where that is something else. `refusal`: the engine's reason, where it is refused. `in_any_order`:
    doors may take the same steps in another order.
    """

    name: str
    gateway: Ask | Not
    client: Ask | Not
    terminal: Ask | Not
    events: str
    after: tuple[str, ...] = ()
    then: tuple[Quote, ...] = ()
    refusal: str | None = None
    in_any_order: bool = False
    netting: str | None = None

    def events_of(self, group: str) -> list[str]:
        """What it must come to on an account of `group`."""
        events = self.events if self.netting is None or group != NETTING_GROUP else self.netting
        return events.split()


def order(**fields: Any) -> Ask:
    """The gateway's order: a market buy of 10,000 euros, unless said otherwise."""
    body = {"symbol": "EUR/USD", "side": "BUY", "quantity": "10000", "order_type": "MARKET"} | fields
    return Ask("POST", "/orders", body)


def ticket(**fields: Any) -> Ask:
    """The client's market order: buy 0.10 lots, unless said otherwise."""
    return Ask("POST", "/trade/open", {"cmd": 0, "symbol": "EURUSD", "volume": 10, "sl": 0, "tp": 0} | fields)


def pending(cmd: int, at: float, **fields: Any) -> Ask:
    """The client's pending ticket of 0.10 lots."""
    body = {"cmd": cmd, "symbol": "EURUSD", "volume": 10, "open_price": at, "sl": 0, "tp": 0} | fields
    return Ask("POST", "/trade/open/pending", body)


def trade(**fields: Any) -> Ask:
    """The terminal's market order: buy 0.10 lots, unless said otherwise."""
    return Ask("POST", "/trade", {"symbol": "EURUSD", "action": "buy", "volume": 0.1} | fields)


def resting(kind: int, at: float, **fields: Any) -> Ask:
    """The terminal's pending order of 0.10 lots."""
    return Ask("POST", "/orders", {"symbol": "EURUSD", "type": kind, "volume": 0.1, "price": at} | fields)
