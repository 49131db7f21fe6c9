"""Manners of writes: `If-Match` against a change that was not seen, `Idempotency-Key` for a repeat.

replays = Replays(store, clock, EnvelopeErrors())
Route("POST", "/things", replays.guarded(partial(post_thing, room), space_of), …)
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

from tradehall.domain.time import NS_PER_HOUR
from tradehall.faces.kit.door import ErrorDialect
from tradehall.faces.kit.envelope import EnvelopeProblem
from tradehall.faces.kit.errors import BadRequest, Problem
from tradehall.faces.kit.kept_answers import KeptAnswers
from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import Response
from tradehall.faces.kit.wrapping import Handler, like
from tradehall.ports.answers import AnswerStore, KeptAnswer
from tradehall.ports.clock import Clock

KEEP_NS: Final = 24 * NS_PER_HOUR
IN_FLIGHT_MAX: Final = 10_000
# In a request's scope: what is kept instead of the answer's body, which holds a secret that is told once.
KEPT_BODY: Final = "tradehall.kept_body"
_KEY: Final = re.compile(r"[\x20-\x7e]{1,128}")
_VERSION: Final = re.compile(r'(?:W/)?"(\d{1,15})"|(\d{1,15})')
# These say nothing about the wish itself.
_PASSING: Final = frozenset({401, 403, 429})


def expected_version(request: Request) -> int | None:
    """The version that `If-Match` asks for; None: any."""
    sent = request.header(b"if-match").strip()
    if sent in ("", "*"):
        return None
    found = _VERSION.fullmatch(sent)
    if found is None:
        raise BadRequest("If-Match", 'must be a version in quotes, such as "3"', found=sent[:32], place="header")
    return int(found[1] or found[2])


class Replays:
    """Gives the first answer to a write again, for 24 hours, to who repeats its key.

    What tells the request from others is kept with the answer, made with `secret`: where requests hold passwords, a
    guess cannot be held against it by who has no more than the file.
    """

    def __init__(self, store: AnswerStore, clock: Clock, errors: ErrorDialect, *, secret: bytes = b"") -> None:
        self._kept = KeptAnswers(store)
        self._secret = secret
        self._clock = clock
        self._errors = errors
        self._in_flight: dict[tuple[str, str], None] = {}

    def guarded(self, handler: Handler, space_of: Callable[[Request], str]) -> Handler:
        """`handler`, asked once for each key of a space; without a key every time."""

        async def answer(request: Request) -> Response:
            key = request.header(b"idempotency-key")
            if not key:
                return await handler(request)
            if _KEY.fullmatch(key) is None:
                raise BadRequest("Idempotency-Key", "must have 1 to 128 printable characters", place="header")
            return await self._once(handler, request, (space_of(request), key))

        return like(answer, handler)

    async def _once(self, handler: Handler, request: Request, name: tuple[str, str]) -> Response:
        if name in self._in_flight or len(self._in_flight) >= IN_FLIGHT_MAX:
            raise EnvelopeProblem("IDEMPOTENCY_IN_FLIGHT", 409, "The first request with this key is still running")
        self._in_flight[name] = None
        try:
            return await self._answered(handler, request, name)
        finally:
            del self._in_flight[name]

    async def _answered(self, handler: Handler, request: Request, name: tuple[str, str]) -> Response:
        since = self._clock.now() - KEEP_NS
        kept = await self._kept.find(*name, since=since)
        fingerprint = _fingerprint(request, self._secret)
        if kept is not None:
            if kept.fingerprint != fingerprint:
                raise EnvelopeProblem("IDEMPOTENCY_MISMATCH", 422, "This key was used for another request")
            headers = ((b"idempotent-replayed", b"true"),)
            return Response(kept.status, kept.body, content_type=kept.content_type, headers=headers)
        try:
            response = await handler(request)
        except Problem as problem:
            response = self._errors.render(problem, request)
            response.headers = (*response.headers, *problem.headers)
        if response.status < 500 and response.status not in _PASSING:
            body = request.scope.get(KEPT_BODY, response.body)
            answer = KeptAnswer(self._clock.now(), fingerprint, response.status, response.content_type, body)
            await self._kept.keep(*name, answer, since=since)
        return response


def _fingerprint(request: Request, secret: bytes) -> bytes:
    wish = (request.method.encode(), request.path.encode(), request.query_string, request.body)
    return hmac.digest(secret, b"".join(hashlib.sha256(part).digest() for part in wish), hashlib.sha256)
