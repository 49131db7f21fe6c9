"""The tables of trips, the sums that follow every row of them, and a trip as a row."""

import struct
from collections.abc import Callable
from typing import Any, Final

import msgspec

from tradehall.domain.ids import OrderId
from tradehall.domain.money import minor_unit
from tradehall.ports.trips import FLOATS, NAMED, Execution, Overlay, Trip, TripStatus, result_of

SCHEMA: Final = 3
TABLES: Final = """
CREATE TABLE state (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE item (key TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE name (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE trip (
    trip_id       INTEGER PRIMARY KEY,
    account_id    INTEGER NOT NULL,
    deployment_id INTEGER NOT NULL,
    keygen        TEXT NOT NULL,
    symbol        TEXT NOT NULL,
    side          TEXT NOT NULL,
    status        TEXT NOT NULL,
    result        TEXT NOT NULL,
    adjusted      INTEGER NOT NULL,
    taken_at      INTEGER NOT NULL,
    closed_at     INTEGER,
    net           INTEGER NOT NULL,
    fees          INTEGER NOT NULL,
    swaps         INTEGER NOT NULL,
    traded        REAL NOT NULL,
    currency      TEXT NOT NULL,
    body          BLOB NOT NULL,
    place         INTEGER
) STRICT;
CREATE INDEX trip_taken ON trip (account_id, taken_at, status, result, adjusted, currency, net, symbol, side);
CREATE INDEX trip_closed ON trip (account_id, closed_at);
CREATE INDEX trip_net ON trip (account_id, net);
CREATE INDEX trip_deployment ON trip (deployment_id, closed_at) WHERE deployment_id <> 0;
CREATE INDEX trip_open ON trip (deployment_id, taken_at) WHERE status = 'open';
CREATE TABLE sums (
    account_id INTEGER NOT NULL, deployment_id INTEGER NOT NULL, keygen TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, status TEXT NOT NULL, result TEXT NOT NULL, adjusted INTEGER NOT NULL, currency TEXT NOT NULL,
    count INTEGER NOT NULL, net INTEGER NOT NULL,
    PRIMARY KEY (account_id, deployment_id, keygen, symbol, side, status, result, adjusted, currency)
) STRICT, WITHOUT ROWID;
"""


_GROUP: Final = ("account_id", "deployment_id", "keygen", "symbol", "side", "status", "result", "adjusted", "currency")


def _trigger(event: str, row: str, sign: str) -> str:
    """Sums follow every row, so that totals of a million trips need not look at them."""
    values = ", ".join(f"{row}.{name}" for name in _GROUP)
    return (
        f"INSERT INTO sums VALUES ({values}, {sign}1, {sign}{row}.net)"
        f" ON CONFLICT DO UPDATE SET count = count + {sign}1, net = net + {sign}{row}.net;"
    )


TRIGGERS: Final = "".join(
    f"CREATE TRIGGER sums_{event.lower()} AFTER {event} ON trip BEGIN {body} END;"
    for event, body in (
        ("INSERT", _trigger("INSERT", "NEW", "")),
        ("DELETE", _trigger("DELETE", "OLD", "-")),
        ("UPDATE", _trigger("UPDATE", "OLD", "-") + _trigger("UPDATE", "NEW", "")),
    )
)
PUT: Final = (
    "INSERT INTO trip VALUES {rows} ON CONFLICT (trip_id) DO UPDATE SET "
    + ", ".join(
        f"{name} = excluded.{name}"
        for name in (
            "deployment_id", "keygen", "status", "result", "adjusted", "taken_at", "closed_at", "net", "fees", "swaps",
            "traded", "side", "body", "place",
        )
    )
)  # fmt: skip

# Columns of an execution, the names left out.
_CELLS: Final = struct.Struct("=" + "".join("d" if name in FLOATS else "q" for name in Execution._fields))
NAMED_AT: Final = tuple(number for number, name in enumerate(Execution._fields) if name in NAMED)

_encode: Final = msgspec.json.Encoder().encode
decode_trip: Final[Callable[[bytes], Trip]] = msgspec.json.Decoder(Trip).decode


def row_of(trip: Trip, overlay: Overlay | None) -> tuple[Any, ...]:
    """A trip as it is found: with what is laid over it. Its money is never another."""
    unit = minor_unit(trip.currency)
    said = overlay if overlay is not None and overlay.is_adjusted else Overlay(trip_id=trip.trip_id)
    closed_at = trip.closed_at if said.closed_at is None else said.closed_at
    status = TripStatus.CLOSED if said.result is not None else trip.status
    return (
        trip.trip_id, trip.account_id, trip.deployment_id or 0, trip.keygen or "", trip.symbol, trip.side.value.lower(),
        status.value, said.result or result_of(trip) or "", int(said.is_adjusted),
        trip.taken_at if said.taken_at is None else said.taken_at, closed_at, int(trip.net_pnl / unit),
        int(trip.fees / unit), int(trip.swaps / unit), float(trip.traded_value), trip.currency, _encode(trip),
    )  # fmt: skip


def cells_of(execution: Execution) -> tuple[OrderId, tuple[str, ...], bytes]:
    """An execution as the columns have it: its number, its names, which have numbers there, and its cells."""
    cells: list[Any] = [*execution]
    names = tuple(str(cells[at]) for at in NAMED_AT)
    for at in NAMED_AT:
        cells[at] = 0
    return execution.order_id, names, _CELLS.pack(*cells)
