"""Rules for losses, and for training heads as their inference outputs.

MXNet's sources: src/operator/softmax_output.cc, regression_output.cc, svm_output.cc, loss_binary_op.cc,
nn/ctc_loss.cc, plugin/warpctc. A head's output does not depend on its label, so the label leaves the graph.
"""

from __future__ import annotations

from mxnet_to_neutral.context import NodeContext
from mxnet_to_neutral.operators.registry import rule
from mxnet_to_neutral.operators.unary import note_gradient
from neutral.graph import Operand

_TRAINING = (
    "grad_scale", "ignore_label", "use_ignore", "normalization", "out_grad", "smooth_alpha", "margin",
    "regularization_coefficient", "use_linear", "label_length", "input_length",
)  # fmt: skip


@rule("SoftmaxOutput")
def softmax_output(context: NodeContext) -> Operand:
    """Convert ``SoftmaxOutput``: softmax over the channels, the last axis, or by default the whole sample.

    In one case oneDNN's CPU builds of 1.9 differ at inference, which a note says: for float32 data of four dimensions
    they normalise the last axis. Training, other dtypes and ranks, and earlier releases agree with this rule.
    """
    context.attributes.ignore(*_TRAINING)
    if context.attributes.bool("multi_output", False):
        context.attributes.ignore("preserve_shape")
        return context.node("softmax", context.input(0), axis=1)
    if context.attributes.bool("preserve_shape", False):
        return context.node("softmax", context.input(0), axis=-1)
    shape = context.shape(0)
    if shape is not None and len(shape) == 4:
        context.note(
            "SoftmaxOutput: without multi_output and preserve_shape, MXNet normalizes the whole sample, as the store "
            "does; but its CPU builds with oneDNN normalize the last axis of float32 data of four dimensions at "
            "inference, and what they compute differs"
        )
    return context.node("softmax_of_sample", context.input(0))


@rule("WarpCTC")
def warp_ctc(context: NodeContext) -> Operand:
    """Convert ``WarpCTC``: softmax over the last axis."""
    context.attributes.ignore(*_TRAINING)
    return context.node("softmax", context.input(0), axis=-1)


@rule("LinearRegressionOutput", "MAERegressionOutput", "SVMOutput")
def identity_output(context: NodeContext) -> Operand:
    """Convert ``LinearRegressionOutput``, ``MAERegressionOutput`` and ``SVMOutput`` to the identity."""
    context.attributes.ignore(*_TRAINING)
    if context.operator == "SVMOutput":
        note_gradient(context, "its gradient is that of the hinge loss of its label")
    return context.node("identity", context.input(0))


@rule("LogisticRegressionOutput")
def logistic_output(context: NodeContext) -> Operand:
    """Convert ``LogisticRegressionOutput``: sigmoid."""
    context.attributes.ignore(*_TRAINING)
    return context.node("sigmoid", context.input(0))


@rule("softmax_cross_entropy")
def softmax_cross_entropy(context: NodeContext) -> Operand:
    """Convert ``softmax_cross_entropy``: the sum of the cross entropies of a batch."""
    return context.node("softmax_cross_entropy", context.input(0), context.input(1))


@rule("CTCLoss")
def ctc_loss(context: NodeContext) -> Operand:
    """Convert ``CTCLoss``: connectionist temporal classification."""
    position = 2
    lengths: list[Operand] = []
    for name in ("use_data_lengths", "use_label_lengths"):
        used = context.attributes.bool(name, False)
        lengths.append(context.input(position) if used else None)
        position += used
    blank = context.attributes.str("blank_label", "first", ("first", "last"))
    return context.node("ctc_loss", context.input(0), context.input(1), *lengths, blank=blank)


@rule("pick")
def pick(context: NodeContext) -> Operand:
    """Convert ``pick``: one element along an axis by index.

    Raises:
        Refusal: There is no axis.
    """
    axis = context.attributes.optional_int("axis", -1)
    if axis is None:
        context.refuse("axis None, which MXNet refuses itself")
    mode = context.attributes.str("mode", "clip", ("clip", "wrap"))
    return context.node(
        "pick",
        context.input(0),
        context.input(1),
        axis=axis,
        keepdim=context.attributes.bool("keepdims", False),
        out_of_range="clamp" if mode == "clip" else mode,
    )
