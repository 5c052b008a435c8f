"""The errors of Neutral, with the exit code of the command line for each.

    NeutralError                 1
    ├── UsageError               2   invalid arguments or options
    ├── SourceError              3   an input is missing, unreadable or of another format than expected
    │   ├── FormatError              bytes that violate their format; names file and offset
    │   └── MismatchError            inputs that contradict each other: parameters, symbol, shapes
    ├── StoreError               4   a store that violates its format or fails its digests
    │   └── PlainTensorsError        a safetensors file without Neutral's manifest
    ├── UnsupportedError         5   a valid input that cannot be expressed exactly; lists every case
    ├── MatchError               6   a store and a module that do not match
    ├── VerificationError        7   outputs that differ by more than the tolerance
    ├── TargetError              8   an output that cannot be written
    └── UnsavedAttributesError   9   attributes of a module that its weights do not hold

A message names the file, layer or offset, the value found, the value expected, and the remedy.
"""

from __future__ import annotations


class NeutralError(Exception):
    """Base class of all errors that Neutral raises on purpose.

    Attributes:
        exit_code: The exit code of the command line.
    """

    exit_code = 1


class UsageError(NeutralError):
    """Invalid arguments or options, such as an unknown value or a mapping to a layer that does not exist."""

    exit_code = 2


class SourceError(NeutralError):
    """An input that cannot be read: missing, a directory, a pickle, a Git LFS pointer."""

    exit_code = 3


class FormatError(SourceError):
    """Bytes that violate the format of their file.

    Args:
        file: The name of the file.
        offset: The position of the first wrong byte; None if there is no single position.
        problem: The value that was found and the expected one, a sentence.
        advice: The remedy, a sentence.

    Example:
        >>> str(FormatError("a.params", 8, "unknown magic 0x0.", "Copy the file again."))
        'a.params, byte 8: unknown magic 0x0. Copy the file again.'
    """

    def __init__(self, file: str, offset: int | None, problem: str, advice: str = "") -> None:
        place = file if offset is None else f"{file}, byte {offset}"
        super().__init__(f"{place}: {problem}" + (f" {advice}" if advice else ""))
        self.file = file
        self.offset = offset


class MismatchError(SourceError):
    """Inputs that are well-formed each but contradict each other."""


class StoreError(NeutralError):
    """A store that is malformed, or whose bytes do not match its digests."""

    exit_code = 4


class PlainTensorsError(StoreError):
    """A safetensors file without a manifest: its layers are unknown."""


class UnsupportedError(NeutralError):
    """A valid input that cannot be expressed exactly.

    Args:
        message: The summary.
        problems: Every case, one line each.

    Example:
        >>> print(UnsupportedError("2 operators are unsupported:", ("Custom", "IdentityAttachKLSparseReg")))
        2 operators are unsupported:
          - Custom
          - IdentityAttachKLSparseReg
    """

    exit_code = 5

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join((message, *(f"  - {problem}" for problem in problems))))
        self.problems = problems


class MatchError(NeutralError):
    """A store and a module that do not match; nothing has been loaded.

    Args:
        message: The message, which may show a few of the problems only.
        problems: Every problem, one line each.

    Example:
        >>> MatchError("the store does not fit Net", ("stored fc not used",)).problems
        ('stored fc not used',)
    """

    exit_code = 6

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class VerificationError(NeutralError):
    """Outputs that differ from the golden file by more than the tolerance."""

    exit_code = 7


class TargetError(NeutralError):
    """An output that cannot be written; an existing file is unchanged."""

    exit_code = 8


class UnsavedAttributesError(NeutralError):
    """Attributes were set on a module that a file of its weights does not hold; the file was not written.

    Args:
        message: The summary.
        problems: Every attribute with the change of the source, one line each.

    Example:
        >>> print(UnsavedAttributesError("w.pth was not written:", ("conv: stride is (2, 2)",)))
        w.pth was not written:
          - conv: stride is (2, 2)
    """

    exit_code = 9

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join((message, *(f"  - {problem}" for problem in problems))))
        self.problems = problems
