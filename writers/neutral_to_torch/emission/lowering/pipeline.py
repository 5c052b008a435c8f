"""Lower a store's graph to a program: the passes and their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from neutral.errors import UsageError
from neutral.graph import Graph
from neutral.rewriting import Pass, run_passes
from neutral.rewriting.cut import cut, eliminate_dead_code, remove_identities
from neutral.rewriting.input_shapes import infer_input_shapes
from neutral.rewriting.state_shapes import with_state_shapes
from neutral.store import Store
from neutral.store.structure import require_valid
from neutral_to_torch.emission.lowering.batch_first import fuse_batch_first
from neutral_to_torch.emission.lowering.class_rows import fuse_class_rows
from neutral_to_torch.emission.lowering.common_subexpressions import eliminate_common_subexpressions
from neutral_to_torch.emission.lowering.fold_fills import fold_fills
from neutral_to_torch.emission.lowering.fuse_activations import fuse_activations
from neutral_to_torch.emission.lowering.fuse_attention import fuse_attention
from neutral_to_torch.emission.lowering.like_operands import hoist_like_operands
from neutral_to_torch.emission.lowering.loop_steps import loop_steps
from neutral_to_torch.emission.lowering.lower import Lowering
from neutral_to_torch.emission.lowering.program import Program
from neutral_to_torch.emission.lowering.ranks import rank_rule_of

GRAPH_PASSES: tuple[Pass[Graph], ...] = (
    Pass("remove_identities", "Replace the outputs of identities by their operands.", remove_identities),
    Pass("eliminate_dead_code", "Drop nodes and inputs that no output depends on.", eliminate_dead_code),
    Pass("fuse_activations", "Write composed GELU, SiLU, hard swish and hard sigmoid as one node.", fuse_activations),
    Pass("fuse_attention", "Write attention without a mask as one node.", fuse_attention),
    Pass("fold_fills", "Select numbers instead of tensors that are filled with them.", fold_fills),
    Pass("fuse_batch_first", "Take the batch first in recurrent layers between swaps of axes.", fuse_batch_first),
    Pass(
        "fuse_class_rows", "Write rows of (class, score, box) that are joined class by class at once.", fuse_class_rows
    ),
    Pass("hoist_like_operands", "Take shapes from the earliest value that has them.", hoist_like_operands),
    Pass("eliminate_dead_code", "Drop the parts of fused nodes.", eliminate_dead_code),
)
"""The passes over the graph before its nodes are lowered, in their order."""

PROGRAM_PASSES: tuple[Pass[Program], ...] = (
    Pass("eliminate_common_subexpressions", "Compute equal expressions once.", eliminate_common_subexpressions),
    Pass("loop_steps", "Write steps that repeat along time as loops.", loop_steps),
)
"""The passes over the lowered program, in their order."""


def lower(store: Store, outputs: Sequence[str] | None = None, until: str | None = None) -> Program:
    """Return the program of a store's graph.

    Args:
        store: A store with a graph; no tensor is read.
        outputs: Nodes, or ``node:output``, that replace the graph's outputs.
        until: A single such output.

    Returns:
        The statements, inputs and outputs, ready to be structured.

    Raises:
        UsageError: The store has no graph, or a name is unknown.
        StoreError: The store contradicts the catalogue.
        UnsupportedError: With every problem there is, where operators have no exact equal in PyTorch.
    """
    if store.graph is None:
        raise UsageError(
            f"{store.path or 'the store'} has no graph, only layers: there is nothing to write source from. "
            "Load its weights into a module of your own with load_into."
        )
    require_valid(store)
    graph = with_state_shapes(cut(store.graph, outputs, until))
    graph = replace(graph, inputs=infer_input_shapes(graph, store.layers, store.tensors, rank_rule_of))
    graph = run_passes(graph, GRAPH_PASSES)
    lowering = Lowering(store)
    program = lowering.program(graph)
    lowering.raise_problems(store.path or "the model")
    return run_passes(program, PROGRAM_PASSES)
