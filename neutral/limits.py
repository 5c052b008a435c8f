"""The limits that keep small hostile files from taking much memory, disk or time; a user can raise each.

A limit is read from an environment variable when it is used, so that it holds in child processes too.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from neutral.errors import UsageError

_SIZE = r"(?i)([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*(?:([KMGT])(I?))?B?"


def parse_size(text: str) -> int:
    """Parse a size in bytes.

    Args:
        text: A number with or without a unit; ``5GB`` is decimal, ``5GiB`` binary.

    Returns:
        Bytes, rounded down.

    Raises:
        UsageError: If the text is not a size, or less than a byte.

    Example:
        >>> parse_size("1.5kB"), parse_size("2 KiB")
        (1500, 2048)
    """
    match = re.fullmatch(_SIZE, text.strip())
    if match is None:
        raise UsageError(f"invalid size {text!r}; expected for example 500MB or 5GiB.")
    number, unit, binary = match.groups()
    size = int(float(number) * (1024 if binary else 1000) ** " KMGT".index((unit or " ").upper()))
    if size == 0:
        raise UsageError(f"invalid size {text!r}; expected one byte at least.")
    return size


@dataclass(frozen=True)
class Limit:
    """A limit on the resources that an input may make Neutral use.

    Attributes:
        name: The name in messages and documents.
        default: The value where the user sets none.
        unit: The unit that is counted.
        meaning: The purpose of the limit, as the table of docs/limits.md states it.

    Example:
        >>> Limit("row-count", 5, "rows", "Rows of a table").variable
        'NEUTRAL_LIMIT_ROW_COUNT'
    """

    name: str
    default: int
    unit: str
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable that replaces the default."""
        return f"NEUTRAL_LIMIT_{self.name.upper().replace('-', '_')}"

    @property
    def value(self) -> int:
        """The value that holds now.

        Raises:
            UsageError: If the environment variable is not a number.
        """
        text = os.environ.get(self.variable)
        if text is None:
            return self.default
        try:
            return parse_size(text)
        except UsageError:
            raise UsageError(f"{self.variable}={text!r}: expected a number, such as 5000, 500MB or 5GiB.") from None

    @property
    def advice(self) -> str:
        """The sentence that ends the message about an input that exceeds the limit."""
        return (
            f"The limit {self.name} is {self.value} {self.unit}; if you trust the file, raise it with the environment "
            f"variable {self.variable} (docs/limits.md)."
        )

    @property
    def hint(self) -> str:
        """The value and the environment variable, for the middle of a message."""
        return f"{self.value} {self.unit} ({self.variable} raises this limit)"


MANIFEST_BYTES = Limit("manifest-bytes", 1 << 28, "bytes", "The manifest of an HDF5 store, or an index of shards")
HDF5_BLOCK_BYTES = Limit(
    "hdf5-block-bytes", 1 << 28, "bytes", "What the chunks of an HDF5 dataset force to be unpacked at once"
)
HDF5_MEMORY_BYTES = Limit(
    "hdf5-memory-bytes",
    2 << 30,
    "bytes",
    "Address space that the process that reads HDF5 takes beside what it starts with",
)
HDF5_STEP_SECONDS = Limit(
    "hdf5-step-seconds", 10, "seconds", "CPU time to read one group, dataset, attribute or block of an HDF5 file"
)
UNPACKED_BASE = Limit(
    "unpacked-base", 1 << 30, "bytes", "What an archive or compressed HDF5 file may unpack to, however small it is"
)
UNPACKED_GROWTH = Limit(
    "unpacked-growth", 64, "times", "What it may unpack to beside `unpacked-base`, for each of its own bytes"
)
UNPACKED_BYTES = Limit("unpacked-bytes", 1 << 40, "bytes", "What an archive may unpack to, however large it is")
DENSE_BYTES = Limit("dense-bytes", 1 << 30, "bytes", "A sparse array with its zeros filled in, however small it is")
DENSE_TOTAL_BYTES = Limit("dense-total-bytes", 4 << 30, "bytes", "All sparse arrays of a file, zeros filled in")
DENSE_GROWTH = Limit(
    "dense-growth", 1024, "times", "What sparse arrays may take beyond these two, for each byte that is stored of them"
)
ARRAY_COUNT = Limit("array-count", 1 << 17, "arrays", "Arrays in a parameter file of less than 32 bytes for each")
GRAPH_BYTES = Limit("graph-bytes", 16 << 20, "bytes", "The JSON of a symbol, about 100,000 nodes")
SUBGRAPH_DEPTH = Limit("subgraph-depth", 16, "levels", "Subgraphs within subgraphs of a symbol")
LAYER_COUNT = Limit("layer-count", 1 << 10, "layers", "Layers of one recurrent operator (`num_layers`)")
OUTPUT_COUNT = Limit("output-count", 1 << 16, "outputs", "Outputs of an operator (`num_outputs`, `sections`)")
INPUT_COUNT = Limit("input-count", 1 << 16, "inputs", "Inputs that an operator announces (`num_args`)")
OUTPUT_NUMBER = Limit("output-number", 1 << 20, "outputs", "The number of an output that a node takes")
ITEM_COUNT = Limit("item-count", 1 << 12, "items", "Items of an attribute that is a tuple")
CONSTANT_BYTES = Limit("constant-bytes", 1 << 28, "bytes", "A constant of the graph that emitted weights get")
CONSTANT_TOTAL_BYTES = Limit("constant-total-bytes", 1 << 30, "bytes", "All constants that emitted weights get")
PATTERN_SECONDS = Limit("pattern-seconds", 10, "seconds", "CPU time to compare the patterns of a mapping with names")


def unpacked_limit(size: int) -> int:
    """Return the bytes that a compressed file may unpack to.

    Args:
        size: The size of the file in bytes.

    Returns:
        Bytes: a base and a multiple of the size, up to an absolute limit.

    Example:
        >>> unpacked_limit(1 << 20) - (1 << 30)
        67108864
    """
    return min(UNPACKED_BYTES.value, UNPACKED_BASE.value + UNPACKED_GROWTH.value * size)
