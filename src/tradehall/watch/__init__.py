"""Price alerts: quotes become firings. Pure."""
