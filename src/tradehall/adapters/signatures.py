"""Ed25519 by the OpenSSL that the interpreter itself brings along: no arithmetic of ours, no library more.

Python 3.10 and newer need OpenSSL 1.1.1 (PEP 644), which has Ed25519; the standard library only does not pass it on.
Which functions are called, and with what, is in its manual: EVP_PKEY_new(3), EVP_DigestSignInit(3) and
EVP_DigestVerifyInit(3).
"""

import _hashlib
import base64
import ctypes
import ctypes.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from tradehall.ports.signing import KEY_BYTES, SIGNATURE_BYTES, SigningUnavailable

_ED25519: Final = 1087  # NID_ED25519 of <openssl/obj_mac.h>: a number that never changes.
# What stands before the 32 bytes of any Ed25519 key (RFC 8410).
_INFO: Final = bytes.fromhex("302a300506032b6570032100")
_POINTER: Final = ctypes.c_void_p
_BYTES: Final = ctypes.c_char_p
_SIZE: Final = ctypes.c_size_t
_SIZES: Final = ctypes.POINTER(_SIZE)
# name: what it returns, what it takes
_FUNCTIONS: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "EVP_PKEY_new_raw_private_key": (_POINTER, (ctypes.c_int, _POINTER, _BYTES, _SIZE)),
    "EVP_PKEY_new_raw_public_key": (_POINTER, (ctypes.c_int, _POINTER, _BYTES, _SIZE)),
    "EVP_PKEY_get_raw_public_key": (ctypes.c_int, (_POINTER, _BYTES, _SIZES)),
    "EVP_PKEY_free": (None, (_POINTER,)),
    "EVP_MD_CTX_new": (_POINTER, ()),
    "EVP_MD_CTX_free": (None, (_POINTER,)),
    "EVP_DigestSignInit": (ctypes.c_int, (_POINTER, _POINTER, _POINTER, _POINTER, _POINTER)),
    "EVP_DigestSign": (ctypes.c_int, (_POINTER, _BYTES, _SIZES, _BYTES, _SIZE)),
    "EVP_DigestVerifyInit": (ctypes.c_int, (_POINTER, _POINTER, _POINTER, _POINTER, _POINTER)),
    "EVP_DigestVerify": (ctypes.c_int, (_POINTER, _BYTES, _SIZE, _BYTES, _SIZE)),
}


class Ed25519Signer:
    """See the port. `seed`: 32 secret bytes, from which the key follows."""

    __slots__ = ("_seed",)

    def __init__(self, seed: bytes) -> None:
        assert len(seed) == KEY_BYTES, f"the seed had {len(seed)} bytes, must have {KEY_BYTES}"
        self._seed = seed

    @property
    def public_key(self) -> bytes:
        """See the port."""
        crypto = _crypto()
        with _key(crypto.EVP_PKEY_new_raw_private_key, self._seed) as key:
            return _filled(KEY_BYTES, lambda found, size: crypto.EVP_PKEY_get_raw_public_key(key, found, size))

    def sign(self, message: bytes) -> bytes:
        """See the port."""
        crypto = _crypto()
        with _key(crypto.EVP_PKEY_new_raw_private_key, self._seed) as key, _context() as context:
            _must(crypto.EVP_DigestSignInit(context, None, None, None, key))
            return _filled(
                SIGNATURE_BYTES,
                lambda found, size: crypto.EVP_DigestSign(context, found, size, message, len(message)),
            )

    def __repr__(self) -> str:
        return "Ed25519Signer(…)"


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the key's of `message`; what is no key, or no signature, is not. SigningUnavailable."""
    if len(public_key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    crypto = _crypto()
    with _key(crypto.EVP_PKEY_new_raw_public_key, public_key) as key, _context() as context:
        _must(crypto.EVP_DigestVerifyInit(context, None, None, None, key))
        return bool(crypto.EVP_DigestVerify(context, signature, len(signature), message, len(message)) == 1)


def public_pem(public_key: bytes) -> str:
    """A public key as other programs read it: SubjectPublicKeyInfo (RFC 8410) in PEM."""
    text = base64.b64encode(_INFO + public_key).decode("ascii")
    return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"


@contextmanager
def _key(make: Callable[..., int | None], raw: bytes) -> Iterator[int]:
    key = make(_ED25519, None, raw, len(raw))
    _must(1 if key else 0)
    assert key is not None
    try:
        yield key
    finally:
        _crypto().EVP_PKEY_free(key)


@contextmanager
def _context() -> Iterator[int]:
    context = _crypto().EVP_MD_CTX_new()
    _must(1 if context else 0)
    try:
        yield context
    finally:
        _crypto().EVP_MD_CTX_free(context)


def _filled(length: int, fill: Callable[[Any, Any], int]) -> bytes:
    """What a function writes that is told where, and how much fits."""
    found, size = ctypes.create_string_buffer(length), _SIZE(length)
    _must(fill(found, ctypes.byref(size)))
    return found.raw[: size.value]


def _must(outcome: int) -> None:
    """OpenSSL says 1 when it did it. What we ask can only fail where Ed25519 was taken out, or memory is."""
    if outcome != 1:
        raise SigningUnavailable("this machine's OpenSSL refuses Ed25519: its configuration may not allow it")


@cache
def _crypto() -> Any:
    """The library, its functions told apart by name and types; found once."""
    for place in (getattr(_hashlib, "__file__", None), ctypes.util.find_library("crypto")):
        if place is not None and (library := _opened(place)) is not None:
            return library
    raise SigningUnavailable("this Python keeps its OpenSSL to itself: install the system's libcrypto")


def _opened(place: str) -> Any:
    try:
        library = ctypes.CDLL(place)
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    return library
