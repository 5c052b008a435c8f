"""Stores: layers, graph, provenance and tensors in one file or several, read lazily and written atomically."""

from __future__ import annotations

from neutral.source import Piece, SourceFile, StoreSource
from neutral.store.opening import open_store
from neutral.store.progress import Progress
from neutral.store.store import Store

__all__ = ["Piece", "Progress", "SourceFile", "Store", "StoreSource", "open_store"]
