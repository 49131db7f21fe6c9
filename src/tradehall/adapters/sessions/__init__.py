"""Recorded sessions as files: segments of JSON lines, each batch a gzip member; docs/parity.md."""
