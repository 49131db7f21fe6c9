"""Price alerts and scanners: quotes and bars become matches. Pure."""
