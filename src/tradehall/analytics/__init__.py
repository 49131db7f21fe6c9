"""Performance, drawdown, slippage, latency: events become numbers. Pure."""
