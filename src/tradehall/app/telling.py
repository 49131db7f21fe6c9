"""Telling: what became of what was written, heard by the loop's thread in the order in which it was written."""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable

News = Callable[[], None]


class Telling:
    """A line of news: each is told once, alone, and after all before it, whoever brings it and whenever he comes.

    News that break are for the loop, or for who brought the next; those behind them are told all the same.
    """

    def __init__(self) -> None:
        self._untold: deque[News] = deque()
        self._is_under_way = False
        self._loop: AbstractEventLoop | None = None

    def bind(self, loop: AbstractEventLoop) -> None:
        """Use `loop`, which is running."""
        self._loop = loop

    def post(self, news: News) -> None:
        """Have `news` told; from any thread."""
        assert self._loop is not None, "bind comes first"
        self._untold.append(news)
        self._loop.call_soon_threadsafe(self._tell)

    def soon(self, news: News) -> None:
        """Have `news` told when the loop gets to it."""
        assert self._loop is not None, "bind comes first"
        self._untold.append(news)
        self._loop.call_soon(self._tell)

    def now(self, news: News) -> None:
        """Tell `news`, behind what is being told, if something is."""
        self._untold.append(news)
        self._tell()

    def _tell(self) -> None:
        if self._is_under_way:
            return  # Who looked from within what is told: that goes first.
        self._is_under_way = True
        try:
            while self._untold:
                self._untold.popleft()()
        finally:
            self._is_under_way = False
            if self._untold and self._loop is not None:
                self._loop.call_soon(self._tell)
