"""Rules for loops and branches: src/operator/control_flow.cc, python/mxnet/symbol/contrib.py."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from mxnet_to_neutral.subgraph import Subgraph
from neutral.graph import Operand, Value


@rule("_foreach", "_npx_foreach")
def foreach(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_foreach``: run a subgraph on every step of sequences, and pass states from step to step.

    Returns:
        The stacked outputs of all steps, then the final states.

    Raises:
        Refusal: The file does not bind the node's inputs to the subgraph's.
    """
    context.attributes.ignore("num_outputs")
    _check(context, "remain_locs")
    sequences, states = context.attributes.ints("in_data_locs", ()), context.attributes.ints("in_state_locs", ())
    arguments = (*sequences, *states, *context.attributes.ints("remain_locs", ()))
    outputs = context.attributes.int("num_out_data") + len(states)
    if sorted(arguments) != list(range(context.count)):
        context.refuse(f"its inputs {arguments} do not bind to those of its subgraph")
    bound = [arguments.index(position) for position in range(context.count)]
    varying = range(len(sequences) + len(states))
    body = Subgraph(context, 0, bound, varying)
    inputs = [*varying, *sorted(body.needed - set(varying))]
    value = context.node(
        "foreach",
        *map(context.input, inputs),
        bodies={"body": body.with_inputs(inputs)},
        sequences=len(sequences),
        states=len(states),
    )
    return _outputs(context, value, outputs, body)


@rule("_while_loop", "_npx_while_loop")
def while_loop(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_while_loop``: run a subgraph while a condition on its states holds, at most ``max_iterations`` times.

    Returns:
        The stacked outputs of all iterations, then the final states.

    Raises:
        Refusal: The file does not bind the node's inputs to the subgraphs'.
    """
    context.attributes.ignore("num_outputs")
    _check(context, "func_input_locs")
    bound = context.attributes.ints("func_input_locs")
    positions = context.attributes.ints("func_var_locs")
    if not all(0 <= position < len(bound) for position in positions):
        context.refuse(f"its states {positions} are not among the {len(bound)} inputs of its subgraph")
    states = [bound[position] for position in positions]
    condition = Subgraph(context, 0, context.attributes.ints("cond_input_locs"), states)
    body = Subgraph(context, 1, bound, states)
    inputs = [*states, *sorted((condition.needed | body.needed) - set(states))]
    value = context.node(
        "while_loop",
        *map(context.input, inputs),
        bodies={"condition": condition.with_inputs(inputs), "body": body.with_inputs(inputs)},
        states=len(states),
        max_iterations=context.attributes.int("max_iterations"),
    )
    return _outputs(context, value, context.attributes.int("num_out_data") + len(states), body)


@rule("_cond", "_npx_cond")
def branch(context: NodeContext) -> Sequence[Operand]:
    """Convert ``_cond``: run one of two subgraphs. The condition's subgraph becomes part of the outer graph.

    Returns:
        The outputs of the subgraph that runs.

    Raises:
        Refusal: The file does not bind the node's inputs to the subgraphs'.
    """
    _check(context, "cond_input_locs")
    condition = Subgraph(context, 0, context.attributes.ints("cond_input_locs")).inline(context)
    then = Subgraph(context, 1, context.attributes.ints("then_input_locs", ()))
    otherwise = Subgraph(context, 2, context.attributes.ints("else_input_locs", ()))
    inputs = sorted(then.needed | otherwise.needed)
    value = context.node(
        "branch",
        condition,
        *map(context.input, inputs),
        bodies={"then": then.with_inputs(inputs), "otherwise": otherwise.with_inputs(inputs)},
    )
    return _outputs(context, value, context.attributes.int("num_outputs"), then)


def _check(context: NodeContext, attribute: str) -> None:
    """Refuse a node without an attribute that binds its inputs: MXNet 2.0's export of a block drops them all."""
    if not context.attributes.given(attribute):
        context.refuse("the file does not say how its inputs bind to its subgraphs; MXNet cannot load it either")


def _outputs(context: NodeContext, value: Value, count: int, body: Subgraph) -> list[Operand]:
    """Return the outputs of a node; refuse a number of outputs that its subgraph does not have."""
    available = len(body.conversion.outputs)
    if not 1 <= count <= available:
        context.refuse(f"it has {count} outputs; expected 1 to {available}, as its subgraph has")
    return [Value(value.node, output) for output in range(count)]
