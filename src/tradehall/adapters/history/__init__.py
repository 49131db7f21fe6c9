"""Files of past quotes and bars: reading, replaying and importing them."""
