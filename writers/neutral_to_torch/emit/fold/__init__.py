"""Finds what repeats in a program and makes one class of it.

A *region* is a part of the dataflow with one exit. Regions of the same form become instances of one block; what
differs between them becomes the arguments of its ``__init__``.
"""

from __future__ import annotations

from neutral_to_torch.emit.fold.folding import fold

__all__ = ["fold"]
