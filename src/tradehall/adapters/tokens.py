"""Tokens by PyJWT."""

from collections.abc import Mapping
from typing import Any, Final

import jwt
import msgspec

from tradehall.ports.tokens import Peek, TokenMalformed

ALGORITHM: Final = "HS256"
LENGTH_MAX: Final = 8_192

_jws: Final = jwt.PyJWS(algorithms=[ALGORITHM])


class JwtTokens:
    """See the port."""

    def sign(self, claims: Mapping[str, Any], secret: bytes) -> str:
        """See the port."""
        return _jws.encode(msgspec.json.encode(claims), secret, algorithm=ALGORITHM)

    def peek(self, token: str) -> Peek:
        """See the port."""
        if len(token) > LENGTH_MAX or token.count(".") != 2:
            raise TokenMalformed
        try:
            parts = _jws.decode_complete(token, options={"verify_signature": False})
            return Peek(str(parts["header"].get("alg")), msgspec.json.decode(parts["payload"], type=dict[str, Any]))
        except (jwt.InvalidTokenError, msgspec.MsgspecError, ValueError, RecursionError):
            raise TokenMalformed from None

    def is_signed(self, token: str, secret: bytes) -> bool:
        """See the port."""
        try:
            _jws.decode_complete(token, secret, algorithms=[ALGORITHM])
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return False
        return True
