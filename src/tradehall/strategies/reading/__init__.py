"""JSON becomes a definition, or a list of what is wrong with it and where."""

from tradehall.strategies.reading.whole import parse, parse_condition, validate

__all__ = ["parse", "parse_condition", "validate"]
