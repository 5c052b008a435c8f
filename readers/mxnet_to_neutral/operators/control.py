"""Loops and branches: src/operator/control_flow.cc, python/mxnet/symbol/contrib.py."""

from __future__ import annotations

from typing import Sequence

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from mxnet_to_neutral.subgraph import Subgraph, inlined
from neutral.graph import Operand, Value


@rule("_foreach", "_npx_foreach")
def foreach(op: Op) -> Sequence[Operand]:
    op.attributes.ignore("num_outputs")
    _check(op, "remain_locs")
    sequences, states = op.attributes.ints("in_data_locs", ()), op.attributes.ints("in_state_locs", ())
    arguments = (*sequences, *states, *op.attributes.ints("remain_locs", ()))
    outputs = op.attributes.int("num_out_data") + len(states)
    if sorted(arguments) != list(range(op.count)):
        op.refuse(f"its inputs {arguments} do not bind to those of its subgraph")
    bound = [arguments.index(position) for position in range(op.count)]
    varying = range(len(sequences) + len(states))
    body = Subgraph(op, 0, bound, varying)
    inputs = [*varying, *sorted(body.needed - set(varying))]
    value = op.node(
        "foreach",
        *map(op.input, inputs),
        bodies={"body": body.with_inputs(inputs)},
        sequences=len(sequences),
        states=len(states),
    )
    return _outputs(value, outputs)


@rule("_while_loop", "_npx_while_loop")
def while_loop(op: Op) -> Sequence[Operand]:
    op.attributes.ignore("num_outputs")
    _check(op, "func_input_locs")
    bound = op.attributes.ints("func_input_locs")
    states = [bound[position] for position in op.attributes.ints("func_var_locs")]
    condition = Subgraph(op, 0, op.attributes.ints("cond_input_locs"), states)
    body = Subgraph(op, 1, bound, states)
    inputs = [*states, *sorted((condition.needed | body.needed) - set(states))]
    value = op.node(
        "while_loop",
        *map(op.input, inputs),
        bodies={"condition": condition.with_inputs(inputs), "body": body.with_inputs(inputs)},
        states=len(states),
        max_iterations=op.attributes.int("max_iterations"),
    )
    return _outputs(value, op.attributes.int("num_out_data") + len(states))


@rule("_cond", "_npx_cond")
def branch(op: Op) -> Sequence[Operand]:
    _check(op, "cond_input_locs")
    condition = inlined(op, Subgraph(op, 0, op.attributes.ints("cond_input_locs")))
    then = Subgraph(op, 1, op.attributes.ints("then_input_locs", ()))
    otherwise = Subgraph(op, 2, op.attributes.ints("else_input_locs", ()))
    inputs = sorted(then.needed | otherwise.needed)
    value = op.node(
        "branch",
        condition,
        *map(op.input, inputs),
        bodies={"then": then.with_inputs(inputs), "otherwise": otherwise.with_inputs(inputs)},
    )
    return _outputs(value, op.attributes.int("num_outputs"))


def _check(op: Op, attribute: str) -> None:
    """Refuse what MXNet 2.0's export of a block writes: it forgets every attribute of these operators."""
    if not op.attributes.given(attribute):
        op.refuse("the file does not say how its inputs bind to its subgraphs; MXNet cannot load it either")


def _outputs(value: Value, count: int) -> list[Operand]:
    return [Value(value.node, output) for output in range(count)]
