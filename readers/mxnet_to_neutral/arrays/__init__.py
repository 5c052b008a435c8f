"""Parse the parameter files of every MXNet version to names, dtypes, shapes and byte ranges, without MXNet or NumPy.

Any file gives an :class:`ArrayFile` or a ``NeutralError``. Elements are read only on request, and memory is
proportional to the number of arrays.
"""

from __future__ import annotations

from mxnet_to_neutral.arrays.array import Array, ArrayFile
from mxnet_to_neutral.arrays.parameter_file import format_of, read_arrays

__all__ = ["Array", "ArrayFile", "format_of", "read_arrays"]
