"""`python -m tradehall`, the same as `tradehall`."""

import sys

from tradehall.cli import main

if __name__ == "__main__":
    sys.exit(main())
