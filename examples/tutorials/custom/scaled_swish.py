"""A plug-in with the operator ``scaled_swish`` of this folder's network: ``x * sigmoid(beta * x)``."""

OPERATORS = ()


def mxnet(rule):
    @rule("Custom:scaled_swish")
    def scaled_swish(context):
        beta = context.attributes.float("beta", 1.0)
        x = context.input(0)
        return context.node("multiply", x, context.node("sigmoid", context.node("multiply", x, beta)))


def torch(rule):
    """Emit nothing new: both kinds are of the catalogue."""
