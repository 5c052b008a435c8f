"""The plug-in of the command line; see :mod:`neutral.plugins`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neutral.errors import UnsupportedError
from neutral.plugins.writer import check_options

if TYPE_CHECKING:
    import os
    from types import ModuleType

    from neutral.errors import NeutralError
    from neutral.store import Store
    from neutral_to_onnx.write import WrittenModel


_COMMON = ("outputs", "until", "opset", "shapes", "batch", "dtypes")


class OnnxWriter:
    """The writer of ONNX files; see :class:`neutral.plugins.Writer`.

    Each method calls the function of its name in :mod:`neutral_to_onnx`, whose documentation has all options. onnx is
    imported by the first call.

    Raises:
        UnsupportedError: By every method, where onnx is not installed.
    """

    name = "onnx"

    separate_weights = False
    """Whether weights are in a file of their own unless an option says so."""

    def require_installed(self) -> None:
        """Raise UnsupportedError if onnx is not installed."""
        _package()

    def preflight(self, store: Store, **cut: Any) -> NeutralError | None:
        """Return the error that :meth:`emit` would raise, or None; see :func:`neutral_to_onnx.preflight`.

        Args:
            store: A store with a graph.
            cut: The options of the function.

        Returns:
            The error, not raised.
        """
        check_options(self.name, cut, *_COMMON)
        error: NeutralError | None = _package().preflight(store, **cut)
        return error

    def emit(self, store: Store, path: str | os.PathLike[str], **options: Any) -> WrittenModel:
        """Write a store as an ONNX file; see :func:`neutral_to_onnx.write`.

        Args:
            store: A store with a graph.
            path: The file, which ends with ``.onnx``.
            options: The options of the function.

        Returns:
            The paths of the files, and how their content maps to the store.
        """
        check_options(self.name, options, *_COMMON, "external_data")
        written: WrittenModel = _package().write(store, path, **options)
        return written


def _package() -> ModuleType:
    """Return :mod:`neutral_to_onnx`, whose functions import onnx, or say that it is not installed."""
    import neutral_to_onnx

    try:
        import onnx  # noqa: F401
    except ModuleNotFoundError as error:
        raise UnsupportedError("onnx is not installed: pip install 'neutral-weights[onnx]'") from error
    return neutral_to_onnx


writer = OnnxWriter()
