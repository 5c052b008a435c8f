"""Make stores from stores: cast to another dtype, slice to some layers, merge.

Nothing is read before the result is saved. The result keeps the source files that it can still restore; a note
records name, size and digest of each of the others.
"""

from __future__ import annotations

from neutral.edit.casting import CastError, cast, cast_errors
from neutral.edit.merging import merge
from neutral.edit.slicing import slice_layers

__all__ = ["CastError", "cast", "cast_errors", "merge", "slice_layers"]
