"""Which market a server listens to, and what to call it wherever people see its prices."""

from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.feeds.simulated import SimulatedFeed
from tradehall.config import Config
from tradehall.ports.clock import Clock
from tradehall.ports.feed import Feed, FeedError


def make_feed(config: Config, clock: Clock, folder: DataFolder) -> Feed:
    """The feed of the configuration. FeedError says what is wrong with it."""
    if config.feed == "sim":
        return SimulatedFeed(clock, seed=config.sim_seed, state_file=folder.simulated_market)
    raise FeedError(f"feed {config.feed} is not built in yet")


def label_of(config: Config, feed: Feed) -> str:
    """One loud line: where prices come from."""
    if isinstance(feed, SimulatedFeed):
        return f"SIMULATED MARKET, its prices are made up (seed {feed.anchor.seed})"
    return f"REPLAY of {config.feed.removeprefix('replay:')}, prices of the past"
