"""Chance without chance: a fixed sequence of numbers, the same at every run."""


class Dice:
    """Lehmer's generator: good enough to walk prices."""

    def __init__(self, seed: int) -> None:
        self.number = seed * 7919

    def roll(self, sides: int) -> int:
        """A number from 0 to `sides` - 1."""
        self.number = self.number * 48271 % 2147483647
        return self.number % sides
