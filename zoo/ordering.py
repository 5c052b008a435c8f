"""Compare the values that a model sorts, compares or rounds, before it does: small errors change the order."""

from __future__ import annotations

from typing import Any


def error_before_ordering(store: Any, golden: str) -> float | None:
    """Return the largest error of the first values that are sorted, compared or rounded while the whole model runs.

    None if there are none.
    """
    import torch

    import neutral_to_torch
    from neutral.rewriting.cut import cut, eliminate_dead_code
    from neutral.verification.comparison import compare
    from neutral.verification.golden import open_golden

    recorded = open_golden(golden)
    known = {value: recorded.internals.get((value.node, value.output)) for value in first_ordered(store.graph)}
    keys = {f"{value.node}:{value.output}": key for value, key in known.items() if key is not None}
    if not keys:
        return None
    module = neutral_to_torch.build(store, outputs=list(keys))
    inputs = {item.name: torch.from_numpy(recorded.array(item.key)) for item in recorded.inputs}
    used = eliminate_dead_code(cut(store.graph, list(keys))).inputs
    with torch.no_grad():
        results = module(*(inputs[item.name] for item in used))
    pairs = zip(results if isinstance(results, tuple) else (results,), keys.values())
    return max(compare(value.numpy(), recorded.array(key)).scaled_error for value, key in pairs)


def first_ordered(graph: Any) -> list[Any]:
    """Return the operands of discontinuous operators that do not depend on an earlier such operator."""
    from neutral.graph import Value
    from neutral.operators import catalogue

    ordered: set[str] = set()
    first: dict[Any, None] = {}
    for node in graph.nodes:
        used = [operand for operand in (*node.inputs, *node.computed.values()) if isinstance(operand, Value)]
        if any(value.node in ordered for value in used):
            ordered.add(node.name)
        elif node.kind in catalogue and catalogue[node.kind].discontinuous:
            ordered.add(node.name)
            first.update(dict.fromkeys(used))
    return list(first)
