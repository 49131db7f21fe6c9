"""The gateway door: orders, positions and quotes for algorithms."""
