"""A plug-in with one complete operator: the worked example of ``docs/adding-an-operator.md``.

``neutral export MODEL -o model.safetensors --plugin square_difference.py``, and the same option with ``emit``.
"""

from neutral.operators import Operator

OPERATORS = (
    Operator(
        kind="square_difference",
        meaning="output = (input - other)^2.",
        inputs=("input", "other"),
        family="elementwise",
        elementwise=True,
        commutative=True,
        rank_rule="broadcast",
        dtype_rule="promote",
    ),
)


def mxnet(rule):
    @rule("_contrib_square_difference")
    def square_difference(context):
        """Convert ``_contrib_square_difference``: ``scale * (x - y)**2``.

        Raises:
            Refusal: ``scale`` is negative.
        """
        scale = context.attributes.float("scale", 1.0)
        if scale < 0:
            context.refuse(f"scale={scale} is negative")
        context.attributes.ignore("grad_scale")
        result = context.node("square_difference", context.input(0), context.input(1))
        return result if scale == 1 else context.node("multiply", result, scale)


def torch(rule):
    @rule("square_difference")
    def square_difference(node, x, y):
        return (x - y) ** 2
