"""What the gate runs besides the well-known linters: each a program of its own, `python tools/NAME.py`."""
