"""A file per command: check everything first, then emit. After the first event nothing may refuse."""
