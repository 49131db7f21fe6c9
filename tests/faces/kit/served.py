"""A server for test_serve.py: prints its ports, then serves until it is told to stop.

python -m tests.faces.kit.served [SECOND_PORT]
"""

from __future__ import annotations

import asyncio
import sys

from tests.faces.kit.doors import ROUTES, a_door
from tradehall.faces.kit import (
    WEBSOCKET,
    App,
    Frame,
    Listening,
    Outbox,
    Request,
    Response,
    Route,
    Session,
    Upgrade,
    json_response,
    serve,
)

BIG = Frame(b"x" * 60_000)


async def flood(session: Session) -> None:
    """Sends what it is told to, times 60 kB."""
    async with Outbox(session) as outbox:
        async for count in session:
            for _ in range(int(count)):
                outbox.post(BIG)


async def open_stream(request: Request) -> Upgrade:
    return Upgrade(flood)


async def take_a_while(request: Request) -> Response:
    """Says that it has begun, and is done half a second later."""
    print("begun", flush=True)
    await asyncio.sleep(0.5)
    return json_response("done")


def main() -> None:
    routes = (*ROUTES, Route(WEBSOCKET, "/ws", open_stream), Route("POST", "/while", take_a_while))
    app = App([a_door(routes=routes)])
    second_port = int(sys.argv[1]) if len(sys.argv) > 1 else None
    serve(
        app,
        Listening(port=0, second_port=second_port),
        on_stopping=app.close_sessions,
        on_listening=lambda sockets: print(*(s.getsockname()[1] for s in sockets), flush=True),
    )
    print("stopped in order", flush=True)


if __name__ == "__main__":
    main()
