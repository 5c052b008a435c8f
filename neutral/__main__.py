"""Run the command line with ``python -m neutral``."""

from __future__ import annotations

import sys

from neutral.cli import main

if __name__ == "__main__":
    sys.exit(main())
