"""What fills, when, and at which price."""

import pytest

from tests.venue.floor import (
    ABSOLUTE,
    BUY,
    FOK,
    IOC,
    LIMIT,
    MARKET,
    PERCENT,
    SELL,
    STOP,
    STOP_LIMIT,
    TRAILING,
    TradingFloor,
    wish,
)

# An order placed at 100.00/100.02; then quotes; then its fills (a star: as maker).
TABLE = [
    # what                                          the order                                                        quotes after it                        fills
    ("a market order takes the ask",                wish(),                                                          [],                                    ["10@100.02"]),
    ("a market order to sell takes the bid",        wish(side=SELL),                                                 [],                                    ["10@100"]),
    ("a limit that crosses fills at the touch",     wish(type=LIMIT, limit_price="100.05"),                          [],                                    ["10@100.02"]),
    ("a limit at the touch crosses",                wish(side=SELL, type=LIMIT, limit_price="100"),                  [],                                    ["10@100"]),
    ("a limit rests until it is reached",           wish(type=LIMIT, limit_price="99.50"),                           ["99.49 99.51"],                       []),
    ("a resting limit fills at its own price",      wish(type=LIMIT, limit_price="99.50"),                           ["99.48 99.50"],                       ["10@99.5*"]),
    ("a gap through a limit gives its price",       wish(type=LIMIT, limit_price="99.50"),                           ["98.00 98.02"],                       ["10@99.5*"]),
    ("a sell limit looks at the bid",               wish(side=SELL, type=LIMIT, limit_price="100.50"),               ["100.49 100.51", "100.50 100.52"],    ["10@100.5*"]),
    ("a buy stop looks at the ask",                 wish(type=STOP, stop_price="101"),                               ["100.99 101.00"],                     ["10@101"]),
    ("a buy stop does not look at the bid",         wish(type=STOP, stop_price="101"),                               ["100.97 100.99"],                     []),
    ("a sell stop looks at the bid",                wish(side=SELL, type=STOP, stop_price="99"),                     ["99.01 99.03", "99.00 99.02"],        ["10@99"]),
    ("a gap through a stop costs",                  wish(side=SELL, type=STOP, stop_price="99"),                     ["95.00 95.02"],                       ["10@95"]),
    ("a stop on the wrong side goes at once",       wish(side=SELL, type=STOP, stop_price="101"),                    [],                                    ["10@100"]),
    ("a triggered stop-limit may take",             wish(type=STOP_LIMIT, stop_price="101", limit_price="101.10"),   ["101.00 101.05"],                     ["10@101.05"]),
    ("a stop-limit that gapped rests",              wish(type=STOP_LIMIT, stop_price="101", limit_price="101.10"),   ["102.00 102.02"],                     []),
    ("and fills as a limit when it comes back",     wish(type=STOP_LIMIT, stop_price="101", limit_price="101.10"),   ["102.00 102.02", "101.00 101.02"],    ["10@101.1*"]),
    ("a stop-limit ignores its limit before",       wish(type=STOP_LIMIT, stop_price="101", limit_price="101.10"),   ["99.00 99.02"],                       []),
    ("a trailing stop follows, then sells",         wish(side=SELL, type=TRAILING, trailing_distance="1", trailing_type=ABSOLUTE), ["103.00 103.02", "102.01 102.03", "102.00 102.02"], ["10@102"]),
    ("its peak is at least the bid it began at",    wish(side=SELL, type=TRAILING, trailing_distance="1", trailing_type=ABSOLUTE), ["99.01 99.03", "98.99 99.01"], ["10@98.99"]),
    ("a buying one follows the ask down",           wish(type=TRAILING, trailing_distance="1", trailing_type=ABSOLUTE), ["97.98 98.00", "98.97 98.99", "98.99 99.01"], ["10@99.01"]),
    ("percent is of the peak",                      wish(side=SELL, type=TRAILING, trailing_distance="10", trailing_type=PERCENT), ["200.00 200.02", "180.01 180.03", "180.00 180.02"], ["10@180"]),
    ("IOC takes or goes",                           wish(type=LIMIT, limit_price="99", time_in_force=IOC),           ["98.00 98.02"],                       []),
    ("FOK takes or goes",                           wish(type=LIMIT, limit_price="99", time_in_force=FOK),           ["98.00 98.02"],                       []),
    ("FOK takes all",                               wish(type=LIMIT, limit_price="101", time_in_force=FOK),          [],                                    ["10@100.02"]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "order", "quotes", "fills"), TABLE, ids=[row[0] for row in TABLE])
def test_fills_follow_the_touch(what, order, quotes, fills):
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    floor.place(**order)
    for quote in quotes:
        floor.quote(*quote.split())
    assert floor.fills() == fills


def test_every_fill_says_which_quote_it_was_made_on_and_how_old_that_was():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    floor.place(type=MARKET, side=BUY)
    (fill,) = floor.fill_events
    assert (str(fill.bid), str(fill.ask), fill.quote_age_ns) == ("100.00", "100.02", 1000)
    assert fill.venue_fill_id == f"{fill.order_id}-1"
