"""Strategies: made, validated, changed, copied, published; and those whose programs trade from outside."""
