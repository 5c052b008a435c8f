"""Remove nodes and inputs that no output depends on."""

from __future__ import annotations

from mxnet_to_neutral.drafts import Conversion
from neutral.rewriting import reachable


def drop_unused(conversion: Conversion) -> Conversion:
    """Remove unused drafts and graph inputs, such as labels of training heads and helpers that were fused away.

    Args:
        conversion: The converted symbol; it is changed in place.

    Returns:
        The same conversion.
    """
    conversion.drafts, needed = reachable(conversion.drafts, conversion.outputs)
    conversion.inputs = [item for item in conversion.inputs if item.name in needed]
    return conversion
