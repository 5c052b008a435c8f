"""Loops and branches, whose bodies are graphs that use no other values than their inputs.

Layers of such a graph are layers of the store like all others.
"""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

_STATES = Attribute("states", "int", "The number of operands that are states.", minimum=0)

OPERATORS = (
    Operator(
        "foreach",
        "Run a graph for each position of the first axis of some sequences. The operands are the sequences, which "
        "have equal lengths, then the initial states, then constants. The inputs of the body are the current "
        "position of each sequence (without the axis), the states and the constants; its outputs are some "
        "results, then the next states. The outputs of this operator are the results of all positions, each "
        "stacked along a new first axis, then the last states.",
        inputs=("*inputs",),
        attributes=(
            Attribute("body", "graph", "The graph that is run for each position."),
            Attribute("sequences", "int", "The number of operands that are sequences.", minimum=0),
            _STATES,
        ),
        outputs=("*outputs",),
        output_rule=lambda attributes, operands: len(attributes["body"].outputs),
        family="control flow",
    ),
    Operator(
        "while_loop",
        "Run a graph as long as a condition holds. The operands are the initial states, then constants; both are "
        "the inputs of the condition and of the body. Before each step the condition computes one element; the "
        "loop ends if it is 0, or after max_iterations steps. The outputs of the body are some results, then the "
        "next states. The outputs of this operator are the results of all steps, each stacked along a new first "
        "axis and padded with zeros to max_iterations, then the last states.",
        inputs=("*inputs",),
        attributes=(
            Attribute("condition", "graph", "The graph that computes whether another step is run."),
            Attribute("body", "graph", "The graph that is run in each step."),
            _STATES,
            Attribute("max_iterations", "int", "The largest number of steps.", minimum=0),
        ),
        outputs=("*outputs",),
        output_rule=lambda attributes, operands: len(attributes["body"].outputs),
        family="control flow",
    ),
    Operator(
        "branch",
        "Run one of two graphs: `then` if the condition, which has one element, is not 0, else `otherwise`. The "
        "inputs of both graphs are the operands after the condition, and both have the same number of outputs.",
        inputs=("condition", "*inputs"),
        attributes=(
            Attribute("then", "graph", "The graph that is run if the condition is not 0."),
            Attribute("otherwise", "graph", "The graph that is run if the condition is 0."),
        ),
        outputs=("*outputs",),
        output_rule=lambda attributes, operands: len(attributes["then"].outputs),
        family="control flow",
    ),
)
