"""How each symbol of the demo moves: start prices, volatility, spreads and sizes."""

from typing import Final

from tradehall.adapters.feeds.price_path import Shape

# Sizes show some tens of millions of dollars on each side, so that every order a demo account can pay for
# fills in full at the touch.


def _share(start: int, volatility: float, volume: int) -> Shape:
    """`start` in cents; one to three cents of spread."""
    return Shape(
        start,
        volatility,
        spread=(1, 3),
        size=(20_000_000 // start * 100, 80_000_000 // start * 100),
        volume=volume,
    )


def _coin(start: int, spread: tuple[int, int], volume: int) -> Shape:
    """`start` in cents, sizes in ten-thousandths of a coin."""
    size = (20_000_000 * 100 // start * 10_000, 80_000_000 * 100 // start * 10_000)
    return Shape(start, 0.00070, spread=spread, size=size, volume=volume, size_digits=4)


def _pair(start: int, spread: tuple[int, int], volatility: float = 0.00010) -> Shape:
    """`start` in ticks, sizes in units."""
    return Shape(start, volatility, spread=spread, size=(20_000_000, 80_000_000), volume=6_000_000)


DEMO_SHAPES: Final[dict[str, Shape]] = {
    "AAPL": _share(150_00, 0.00035, 12_000),
    "MSFT": _share(400_00, 0.00032, 6_000),
    "GOOG": _share(170_00, 0.00038, 9_000),
    "AMZN": _share(180_00, 0.00040, 10_000),
    "TSLA": _share(250_00, 0.00065, 15_000),
    "NVDA": _share(800_00, 0.00060, 11_000),
    "BTCUSD": _coin(50_000_00, (50, 400), 180_000),
    "ETHUSD": _coin(3_000_00, (5, 40), 2_000_000),
    # Never leaves 1.0822 to 1.0918: a stop at 1.0800 and a target at 1.0950 stay on their sides for ever.
    "EURUSD": Shape(1_08700, 0.00006, (6, 12), size=(20_000_000, 80_000_000), volume=8_000_000, pull=0.5, bound=0.0044),
    "GBPUSD": _pair(1_27000, (8, 16)),
    "USDJPY": _pair(150_000, (8, 15)),
}
