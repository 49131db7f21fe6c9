"""What doors put around their handlers: refusals in the door's own words, the request's name on its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import update_wrapper
from typing import Any, TypeAlias

from tradehall.faces.kit.envelope import REQUEST_ID, request_id
from tradehall.faces.kit.errors import Problem
from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import Response

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


def like(wrapper: Handler, handler: Handler) -> Handler:
    """`wrapper` with the words of the function that `handler` binds: the documents read them."""
    update_wrapper(wrapper, getattr(handler, "func", handler))
    return wrapper


def refusing(handler: Handler, raised: tuple[type[Exception], ...], problem_of: Callable[[Any], Problem]) -> Handler:
    """`handler`, with what services raise as the door's own refusals."""

    async def told(request: Request) -> Response:
        try:
            return await handler(request)
        except raised as error:
            raise problem_of(error) from None

    return like(told, handler)


def named(handler: Handler) -> Handler:
    """`handler`, with the request's name on its answer."""

    async def answer(request: Request) -> Response:
        response = await handler(request)
        if not any(name == REQUEST_ID for name, _ in response.headers):
            response.headers = (*response.headers, (REQUEST_ID, request_id(request).encode()))
        return response

    return like(answer, handler)
