"""Run the command line with ``python -m neutral``.

``-m`` puts the current folder first on the import path, and a file there must not stand in for a package. Only
``--into`` and ``--plugin`` run code of the user's, and they name it.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    if sys.path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]

    from neutral.cli import main

    sys.exit(main())
