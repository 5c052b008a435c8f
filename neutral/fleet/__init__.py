"""Many checkpoints at once: found in trees, converted by any executor, catalogued, resumed."""

from __future__ import annotations

from neutral.fleet.archive import Summary, archive
from neutral.fleet.entry import Entry

__all__ = ["Entry", "Summary", "archive"]
