"""The terminal door: REST and stream for scripts that speak in tickets and lots.

    executions = Executions(desk)
    terminal = Terminal(desk=desk, market=board, access=access, keys=identity.keys, streams=streams,
                        executions=executions, memory=Memory(answers, clock), settings=TerminalSettings())
    stream = TerminalStream(terminal)
    door = make_door(terminal, stream)

`board.subscribe(stream)`; `desk.listen` to `streams` and `executions`; `identity.room.listen(stream)`;
`stream.start` and `stream.stop` with the app, `stream.say_goodbye` before its sessions are closed.
`stream.speaker` is its part of a path that doors share.
"""

from tradehall.faces.terminal.errors import TerminalErrors
from tradehall.faces.terminal.executions import Executions
from tradehall.faces.terminal.memory import Memory
from tradehall.faces.terminal.routes import make_door
from tradehall.faces.terminal.stream import TerminalStream
from tradehall.faces.terminal.terminal import Terminal, TerminalSettings

__all__ = ["Executions", "Memory", "Terminal", "TerminalErrors", "TerminalSettings", "TerminalStream", "make_door"]
