"""The versions of the standard operators that the rules are written for, and the one that is used by default."""

from __future__ import annotations

from functools import lru_cache

from neutral.errors import UsageError

OLDEST = 17
"""The oldest version: TensorRT and OpenVINO follow new ones late."""

NEWEST = 23
"""The newest version that the rules are tested with."""

DEFAULT = 21
"""The version that is written if none is asked for: onnxruntime has no kernels for operators of later ones, such as
RoiAlign, MaxRoiPool and DeformConv."""


@lru_cache(maxsize=None)
def newest_opset() -> int:
    """Return the newest version up to :data:`DEFAULT` that the installed onnx and onnxruntime know.

    Returns:
        The version; without onnxruntime, the newest that onnx knows.
    """
    from onnx import defs

    newest: int = min(DEFAULT, defs.onnx_opset_version())
    while newest > OLDEST and not _runs(newest):
        newest -= 1
    return newest


def _runs(opset: int) -> bool:
    """Return whether onnxruntime loads a model of a version; True if it is not installed."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return True
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "probe", [value], [])
    graph.output.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1]))
    imports = [helper.make_opsetid("", opset)]
    version = helper.find_min_ir_version_for(imports)
    model = helper.make_model(graph, opset_imports=imports, ir_version=version)
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception:  # its errors have no common class
        return False
    return True


def checked_opset(opset: int | None) -> int:
    """Return the version to write.

    Args:
        opset: The version that is asked for; None for the default.

    Returns:
        The version.

    Raises:
        UsageError: If the rules are not written for it.

    Example:
        >>> checked_opset(17)
        17
    """
    if opset is None:
        return newest_opset()
    from onnx import defs

    newest = min(NEWEST, defs.onnx_opset_version())
    if not OLDEST <= opset <= newest:
        raise UsageError(f"opset {opset} is not supported; expected {OLDEST} to {newest}.")
    return opset
