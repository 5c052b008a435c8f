"""The options by which a model is composed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Sequence


@dataclass(frozen=True)
class ModelOptions:
    """The outputs, the input shapes and the operators of a model.

    Attributes:
        outputs: Nodes, or ``node:output``, that replace the graph's outputs.
        until: A single such output.
        opset: The version of the standard operators, 17 or newer; None for the newest that onnxruntime runs.
        shapes: Shapes of inputs by name, which replace those of the graph; -1 leaves an axis as it is, 0 frees it.
        batch: The extent of the first axis of every input; None leaves it free.
        dtypes: Dtypes by name of inputs for which the graph states none.
        fp16: Write the weights of convolutions, linear layers and embeddings as float16, and compute in it from there
            on; inputs, outputs, normalizations and softmax stay in float32.

    Example:
        >>> ModelOptions(opset=17, shapes={"data": (1, 3, 224, 224)}).batch is None
        True
    """

    outputs: Sequence[str] | None = None
    until: str | None = None
    opset: int | None = None
    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    batch: int | None = None
    dtypes: Mapping[str, str] = field(default_factory=dict)
    fp16: bool = False
