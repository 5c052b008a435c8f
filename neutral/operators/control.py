"""Loops and branches. What is computed in them is a graph of its own, which sees nothing but its inputs.

Layers of such a graph are layers of the store like all others.
"""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

_STATES = Attribute("states", "int", "How many of the inputs are states.")

OPERATORS = (
    Operator(
        "foreach",
        "A loop over the positions of the first axis. The inputs are sequences of equal length, then initial states, then "
        "constants. For each position the body gets that position of each sequence (without the axis), the states and the "
        "constants, and gives some outputs, then the next states, as many as there are states. The outputs of all "
        "positions, stacked along a new first axis, are this operator's outputs, and after them the last states.",
        inputs=("*inputs",),
        attributes=(
            Attribute("body", "graph", "What is computed for each position."),
            Attribute("sequences", "int", "How many of the inputs are sequences."),
            _STATES,
        ),
        outputs=("*outputs",),
        family="control flow",
    ),
    Operator(
        "while_loop",
        "A loop as long as a condition holds. The inputs are initial states, then constants; condition and body both get "
        "the states and the constants. Before each step the condition gives one element, and a 0 ends the loop, as do "
        "max_iterations steps. The body gives some outputs, then the next states. The outputs of all steps, stacked along "
        "a new first axis that is filled with zeros up to max_iterations, are this operator's outputs, and after them the "
        "last states.",
        inputs=("*inputs",),
        attributes=(
            Attribute("condition", "graph", "Whether there is another step."),
            Attribute("body", "graph", "What is computed in a step."),
            _STATES,
            Attribute("max_iterations", "int", "The most steps that are taken."),
        ),
        outputs=("*outputs",),
        family="control flow",
    ),
    Operator(
        "branch",
        "One of two graphs, chosen by the condition, which has one element: then where it is not 0, else otherwise. Both "
        "get the further inputs and give as many outputs.",
        inputs=("condition", "*inputs"),
        attributes=(
            Attribute("then", "graph", "What is computed where the condition holds."),
            Attribute("otherwise", "graph", "What is computed where it does not."),
        ),
        outputs=("*outputs",),
        family="control flow",
    ),
)
