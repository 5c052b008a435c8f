"""The plug-in of the command line; see :mod:`neutral.plugins`."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Mapping

from neutral.errors import UnsupportedError
from neutral.plugins.requirements import check_options
from neutral_to_onnx.options import ModelOptions

if TYPE_CHECKING:
    import os
    from types import ModuleType

    from neutral.errors import NeutralError
    from neutral.matching import Mappable
    from neutral.matching.plan import Plan
    from neutral.store import Store
    from neutral.verification.report import Report
    from neutral_to_onnx.verification.sessions import OnnxModel
    from neutral_to_onnx.writing import WrittenModel


_MODEL_OPTIONS = tuple(field.name for field in fields(ModelOptions))


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
        check_options(self.name, cut, *_MODEL_OPTIONS)
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
        check_options(self.name, options, *_MODEL_OPTIONS, "external_data")
        written: WrittenModel = _package().write(store, path, **options)
        return written

    def build(self, store: Store) -> OnnxModel:
        """Return the model in memory; see :func:`neutral_to_onnx.build`.

        Args:
            store: A store with a graph.

        Returns:
            The model.
        """
        model: OnnxModel = _package().build(store)
        return model

    def plan_of(self, store: Store) -> Mapping[str, str]:
        """Return the name of the value of each layer and node; see :func:`neutral_to_onnx.plan_of`.

        Args:
            store: A store with a graph.

        Returns:
            Names by layer and node.
        """
        names: Mapping[str, str] = _package().plan_of(store)
        return names

    def make_plan(self, module: OnnxModel, store: Store, mapping: Mappable = None, **options: Any) -> Plan:
        """Return the plan that pairs each layer with its value; see :func:`neutral_to_onnx.make_plan`.

        Args:
            module: The model.
            store: The store.
            mapping: The names of the values by layer.
            options: Ignored.

        Returns:
            The plan.
        """
        plan: Plan = _package().make_plan(module, store, mapping, **options)
        return plan

    def verify(
        self,
        module: OnnxModel | str,
        golden: str | os.PathLike[str],
        plan: Plan | None = None,
        *,
        store: Store | None = None,
        tolerance: float | None = None,
        end_to_end: float | None = None,
    ) -> Report:
        """Compare a model's values and outputs with recorded ones; see :func:`neutral_to_onnx.verify`.

        Args:
            module: The model, or the path of its file.
            golden: The golden file.
            plan: Not needed: the values have the names of the nodes.
            store: Not needed.
            tolerance: The largest allowed error of a value.
            end_to_end: The largest allowed error of an output.

        Returns:
            A row for each comparison.
        """
        report: Report = _package().verify(module, golden, tolerance=tolerance, end_to_end=end_to_end)
        return report


def _package() -> ModuleType:
    """Return :mod:`neutral_to_onnx`, whose functions import onnx, or say that it is not installed."""
    import neutral_to_onnx

    try:
        import onnx  # noqa: F401
    except ModuleNotFoundError as error:
        raise UnsupportedError("onnx is not installed: pip install onnx") from error
    return neutral_to_onnx


writer = OnnxWriter()
