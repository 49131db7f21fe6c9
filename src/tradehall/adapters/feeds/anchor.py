"""The anchor of the simulated market: the two numbers from which all its prices follow, kept in a file."""

import os
import secrets
from pathlib import Path

import msgspec
from msgspec import Struct

from tradehall.domain.time import NS_PER_MINUTE
from tradehall.ports.feed import FeedError


class Anchor(Struct, frozen=True, forbid_unknown_fields=True):
    """`seed` of all prices, and the `epoch` [ns UTC, a whole minute] at which they are the start prices."""

    seed: int
    epoch: int


def load_anchor(file: Path | None, *, seed: int | None, now: int) -> Anchor:
    """The anchor in `file`, or a new one written there: at `now`, with `seed` or one by chance.

    A `seed` other than the stored one begins a new market. FeedError if the file is damaged or cannot be
    written; without a file the market lasts as long as the process.
    """
    stored = _read(file) if file is not None and file.exists() else None
    if stored is not None and seed in {None, stored.seed}:
        return stored
    anchor = Anchor(secrets.randbits(63) if seed is None else seed, now - now % NS_PER_MINUTE)
    if file is not None:
        _write(file, anchor)
    return anchor


def _read(file: Path) -> Anchor:
    try:
        anchor = msgspec.json.decode(file.read_bytes(), type=Anchor)
    except (OSError, msgspec.DecodeError) as error:
        raise FeedError(
            f"the simulated market's state {file} cannot be read ({error}): "
            'expected {"seed": integer, "epoch": nanoseconds}; remove it to begin a new market'
        ) from error
    if anchor.epoch % NS_PER_MINUTE:
        raise FeedError(f"the simulated market's state {file} has epoch {anchor.epoch}: expected a whole minute")
    return anchor


def _write(file: Path, anchor: Anchor) -> None:
    part = file.with_name(file.name + ".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            stream.write(msgspec.json.encode(anchor))
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        raise FeedError(f"the simulated market's state {file} cannot be written: {error}") from error
