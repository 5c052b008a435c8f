"""Makes the builders of this folder importable, and keeps torch on one thread."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
