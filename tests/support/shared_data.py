"""Where the folder of real data is: ``shared/data`` beside the project, or NEUTRAL_TEST_DATA."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def shared_data_folder() -> Path:
    return Path(os.environ.get("NEUTRAL_TEST_DATA", ROOT.parent / "shared" / "data"))
