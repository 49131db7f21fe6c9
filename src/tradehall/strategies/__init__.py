"""Block graphs and indicators: bars become signals. Pure."""
