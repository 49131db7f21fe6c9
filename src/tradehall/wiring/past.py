"""The past that a backtest runs through: its recording, checked, and what the configuration asks of it."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from tradehall.adapters.feeds.replay import ReplayOptions, parse_replay
from tradehall.adapters.history.recording import FileRecording
from tradehall.app.paced.bars import grain_of
from tradehall.app.paced.script import Period, Script
from tradehall.config import Config
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import TIMEFRAME_NS
from tradehall.ports.feed import FeedError
from tradehall.ports.recording import SILENCE_NS_MAX
from tradehall.wiring.feeds import REPLAY

PLATFORM: Final = "backtest"


class Past:
    """What was recorded of the symbols and the period of the configuration. FeedError says what is wrong with it."""

    def __init__(self, config: Config) -> None:
        options = parse_replay(config.feed.removeprefix(REPLAY))
        if options != ReplayOptions(options.paths):
            raise FeedError("replay options (speed, loop, shift, align) have no meaning in a backtest: leave them out")
        self.recording = FileRecording(options.paths, only=config.backtest_symbols)
        if (complaint := self.recording.complaint()) is not None:
            raise FeedError(f"the recording cannot be true: {complaint}")
        self.spans: Mapping[str, int | None] = self.recording.spans
        self.period = Period(config.from_, config.to)
        self.script = Script(self.recording, self.spans, self.period)
        self.instruments = {
            symbol: _of_the_past(instrument, self.spans[symbol])
            for symbol, instrument in self.recording.instruments.items()
        }

    def described(self) -> str:
        """The symbols and how they are told, for people."""
        told = []
        for symbol, span in self.spans.items():
            grain = grain_of(span)
            told.append(f"{symbol} {grain.timeframe}" if grain.is_recorded else f"{symbol} quotes")
        rest = f" and {len(told) - 8} more" if len(told) > 8 else ""
        return f"{', '.join(told[:8])}{rest}, {self.period}"


def _of_the_past(instrument: Instrument, span_ns: int | None) -> Instrument:
    """Between two prices of a bar, and of two bars, lies as much time as was recorded: none of them is too old."""
    if span_ns is None:
        return instrument
    return replace(instrument, quote_age_ns_max=SILENCE_NS_MAX + TIMEFRAME_NS[grain_of(span_ns).timeframe])
