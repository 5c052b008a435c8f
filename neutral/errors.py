"""Every error Neutral raises on purpose, and the exit code the command line gives it.

    NeutralError                 1
    ├── UsageError               2   a call that cannot be meant
    ├── SourceError              3   the input cannot be had or is not what it should be
    │   ├── FormatError              bytes that break their format: file and offset are named
    │   └── MismatchError            parts that do not belong together: parameters, symbol, shapes
    ├── StoreError               4   a store that breaks its own format, or fails its digests
    │   └── PlainTensorsError        a safetensors file of tensors without Neutral's manifest
    ├── UnsupportedError         5   understood, but it cannot be expressed exactly; every case is listed
    ├── MatchError               6   a store and a module that do not fit each other
    ├── VerificationError        7   outputs differ by more than the tolerance
    └── TargetError              8   the output cannot be written

An error's message says where (file, layer or offset), what was found, what was expected and what to do.
"""

from __future__ import annotations


class NeutralError(Exception):
    """The root of all errors raised on purpose."""

    exit_code = 1


class UsageError(NeutralError):
    """The call itself is wrong: an unknown option value, a mapping that names nothing."""

    exit_code = 2


class SourceError(NeutralError):
    """The input cannot be read: missing, a directory, a pickle, a Git LFS pointer."""

    exit_code = 3


class FormatError(SourceError):
    """Bytes that break the format they claim. ``file`` and ``offset`` (bytes) say where."""

    def __init__(self, file: str, offset: int | None, problem: str, advice: str = "") -> None:
        where = file if offset is None else f"{file}, byte {offset}"
        super().__init__(f"{where}: {problem}" + (f" {advice}" if advice else ""))
        self.file = file
        self.offset = offset


class MismatchError(SourceError):
    """Inputs that are each well-formed but contradict each other."""


class StoreError(NeutralError):
    """A store that is malformed, or whose bytes do not match its digests."""

    exit_code = 4


class PlainTensorsError(StoreError):
    """A safetensors file without a manifest: tensors, of which no layers are known."""


class UnsupportedError(NeutralError):
    """What Neutral understands but cannot express exactly. ``problems`` lists every case."""

    exit_code = 5

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join((message, *(f"  - {problem}" for problem in problems))))
        self.problems = problems


class MatchError(NeutralError):
    """A store and a module that do not fit; nothing has been loaded."""

    exit_code = 6


class VerificationError(NeutralError):
    """Outputs differ from the golden file by more than the tolerance."""

    exit_code = 7


class TargetError(NeutralError):
    """The output cannot be written; what stood there before is untouched."""

    exit_code = 8
