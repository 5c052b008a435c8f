"""Build an ONNX graph: values with dtypes and shapes, nodes, constants, and extents that are known late."""

from __future__ import annotations

from neutral_to_onnx.building.builder import GraphBuilder
from neutral_to_onnx.building.extents import Extent
from neutral_to_onnx.building.value import OnnxValue

__all__ = ["Extent", "GraphBuilder", "OnnxValue"]
