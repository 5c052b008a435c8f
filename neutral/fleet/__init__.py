"""Convert many checkpoints at once: discovery in trees and buckets, any executor, a catalogue, resumable."""

from __future__ import annotations

from neutral.fleet._archive import Summary, archive
from neutral.fleet.entry import Entry

__all__ = ["Entry", "Summary", "archive"]
