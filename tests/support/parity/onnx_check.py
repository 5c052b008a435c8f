"""Running a store as ONNX by onnxruntime, beside the torch module and the reference.

Where ONNX or onnxruntime is not installed, nothing is run: Pythons before 3.11 have no package of the opsets that are
written. The other comparisons of a test stay.
"""

from __future__ import annotations

import io
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Mapping, Sequence

import numpy as np

from neutral.errors import UnsupportedError
from neutral.store import Store
from parity.onnx_refusals import NO_DOUBLE_KERNEL, unexpected

if TYPE_CHECKING:
    from neutral_to_onnx.composing import ComposedModel

INSTALLED = all(find_spec(name) is not None for name in ("onnx", "onnxruntime"))


def model_bytes(composed: ComposedModel) -> bytes:
    """The file of a model."""
    from neutral_to_onnx.files import write_model

    file = io.BytesIO()
    write_model(composed.model, composed.initializers, file)
    return file.getvalue()


def composed_for(store: Store, given: Mapping[str, np.ndarray], **options: Any) -> ComposedModel | None:
    """Compose the model with free dimensions, or, where a rule needs them, with those of the arrays; None where it is
    refused for a recorded reason."""
    from neutral_to_onnx.composing import compose
    from neutral_to_onnx.options import ModelOptions

    dtypes = {name: array.dtype.name for name, array in given.items()}
    try:
        try:
            free = {name: (-1,) * array.ndim for name, array in given.items()}
            return compose(store, ModelOptions(shapes=free, dtypes=dtypes, **options))
        except UnsupportedError as error:
            if not any("--shape" in problem for problem in error.problems):
                raise
            shapes = {name: array.shape for name, array in given.items()}
            return compose(store, ModelOptions(shapes=shapes, dtypes=dtypes, **options))
    except UnsupportedError as error:
        assert not unexpected(error.problems), error
        return None


def run_onnx(store: Store, given: Mapping[str, np.ndarray], **options: Any) -> list[np.ndarray] | None:
    """The outputs by onnxruntime, drawn with a fixed seed; None where the writer or onnxruntime refuses for a recorded
    reason, or where a package is missing."""
    if not INSTALLED:
        return None
    import onnxruntime
    from onnx import TensorProto

    onnxruntime.set_default_logger_severity(3)
    onnxruntime.set_seed(0)
    composed = composed_for(store, given, **options)
    if composed is None:
        return None
    try:
        session = onnxruntime.InferenceSession(model_bytes(composed), providers=["CPUExecutionProvider"])
    except Exception as error:
        missing = re.search(r"NOT_IMPLEMENTED.*implementation for (\w+)\(", str(error))
        doubles = any(item.type.tensor_type.elem_type == TensorProto.DOUBLE for item in composed.model.graph.value_info)
        doubles = doubles or "float64" in {array.dtype.name for array in given.values()}
        assert missing and missing[1] in NO_DOUBLE_KERNEL and doubles, error
        return None
    names = {item.name for item in session.get_inputs()}
    outputs: Sequence[Any] = session.run(None, {name: array for name, array in given.items() if name in names})
    return list(outputs)
