"""What parameter files can hold, and what to say of those that hold something else."""

MAX_NDIM = 32
"""MXNet makes arrays of at most 32 dimensions."""

MAX_ARRAYS = 1 << 17
"""More arrays than any model has; it bounds what a crafted file can make the reader remember."""

TRUNCATED = "The file is cut short or damaged: get it again."
DAMAGED = "The file is damaged, or was not written by MXNet: get it again."
