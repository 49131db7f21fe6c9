"""Which market a server listens to, and what to call it wherever people see its prices."""

import logging
from typing import Final

from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.feeds.replay import ReplayFeed, parse_replay
from tradehall.adapters.feeds.simulated import SimulatedFeed
from tradehall.adapters.history.recording import FileRecording
from tradehall.config import Config
from tradehall.ports.clock import Clock
from tradehall.ports.feed import Feed

REPLAY: Final = "replay:"

_log: Final = logging.getLogger("tradehall.feeds")


def make_feed(config: Config, clock: Clock, folder: DataFolder) -> Feed:
    """The feed of the configuration. FeedError says what is wrong with it."""
    if config.feed.startswith(REPLAY):
        options = parse_replay(config.feed.removeprefix(REPLAY))
        feed = ReplayFeed(FileRecording(options.paths), options, clock)
        for note in feed.notes:
            _log.warning(note)
        return feed
    assert config.feed == "sim", f"feed {config.feed} passed the check of the configuration"
    return SimulatedFeed(clock, seed=config.sim_seed, state_file=folder.simulated_market)


def label_of(config: Config, feed: Feed) -> str:
    """One loud line: where prices come from."""
    if isinstance(feed, SimulatedFeed):
        return f"SIMULATED MARKET: all prices are made up (seed {feed.anchor.seed})."
    return f"REPLAY of {config.feed.removeprefix(REPLAY)}: recorded prices, not today's."
