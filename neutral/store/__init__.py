"""Opening and writing stores, whatever the container."""

from __future__ import annotations

from neutral.store.store import SourceFile, Store, StoreSource, open_store

__all__ = ["SourceFile", "Store", "StoreSource", "open_store"]
