"""Numbers of orders, positions and fills: one counter each, printed by the faces.

A position has the number of the order that opened it. The shard takes the high bits, so that two
shards never give out one number; shard 0, the embedded house, counts from the bases below.
"""

from typing import Final

OrderId = int
PositionId = int
FillId = int
AccountId = int

SHARD_SHIFT: Final = 48
FIRST_ORDER_ID: Final = 7_300_001
FIRST_FILL_ID: Final = 900_001


def first_id(base: int, shard: int) -> int:
    """First number of a counter in `shard` (0 to 32767); `base` is one of the constants above."""
    assert 0 <= shard < 1 << 15, f"shard was {shard}, must be from 0 to 32767"
    return (shard << SHARD_SHIFT) + base
