"""The house's key: 32 bytes of chance in a file of its own, from which the other secrets follow."""

import os
import secrets
from pathlib import Path
from typing import Final

KEY_BYTES: Final = 32
_OTHERS: Final = 0o077


class HouseKeyRefused(Exception):
    """The key cannot be read or made; the text says why, and how to mend it."""


def house_key(path: Path) -> bytes:
    """The key in `path`, made by chance on the first call, readable by its owner alone."""
    try:
        _make(path)
        if path.stat().st_mode & _OTHERS:
            raise HouseKeyRefused(f"others may read {path}, which all sessions hang on: chmod 600 it")
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise HouseKeyRefused(f"{path} cannot be read or made: {error.strerror}") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise HouseKeyRefused(
            f"{path} is damaged; put its backup there, or remove it: then everybody signs in again,"
            " and partner domains get new secrets"
        )
    return key


def _make(path: Path) -> None:
    """Written beside and linked into place: of two processes that start at once, one wins whole."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
