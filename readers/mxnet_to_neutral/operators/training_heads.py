"""Training heads by what they give at inference, and losses: src/operator/softmax_output.cc, regression_output.cc,
svm_output.cc, loss_binary_op.cc, nn/ctc_loss.cc, plugin/warpctc.

The label of a head takes no part in its output: it is not asked for, and leaves the graph with it.
"""

from __future__ import annotations

from mxnet_to_neutral.context import Op
from mxnet_to_neutral.operators.registry import rule
from neutral.graph import Operand

_TRAINING = (
    "grad_scale", "ignore_label", "use_ignore", "normalization", "out_grad", "smooth_alpha", "margin",
    "regularization_coefficient", "use_linear", "label_length", "input_length",
)  # fmt: skip


@rule("SoftmaxOutput")
def softmax_output(op: Op) -> Operand:
    """Without an axis, all axes but the first are normalised together.

    The CPU builds of 1.9 with oneDNN do otherwise at inference in just one case, float32 data of four dimensions: there
    they normalise the last axis. Their own training, other types and ranks, and the builds before do not.
    """
    op.attributes.ignore(*_TRAINING)
    if op.attributes.bool("multi_output", False):
        op.attributes.ignore("preserve_shape")
        return op.node("softmax", op.input(0), axis=1)
    if op.attributes.bool("preserve_shape", False):
        return op.node("softmax", op.input(0), axis=-1)
    return op.node("softmax_of_sample", op.input(0))


@rule("WarpCTC")
def warp_ctc(op: Op) -> Operand:
    op.attributes.ignore(*_TRAINING)
    return op.node("softmax", op.input(0), axis=-1)


@rule("LinearRegressionOutput", "MAERegressionOutput", "SVMOutput")
def identity_output(op: Op) -> Operand:
    op.attributes.ignore(*_TRAINING)
    return op.node("identity", op.input(0))


@rule("LogisticRegressionOutput")
def logistic_output(op: Op) -> Operand:
    op.attributes.ignore(*_TRAINING)
    return op.node("sigmoid", op.input(0))


@rule("softmax_cross_entropy")
def softmax_cross_entropy(op: Op) -> Operand:
    return op.node("softmax_cross_entropy", op.input(0), op.input(1))


@rule("CTCLoss")
def ctc_loss(op: Op) -> Operand:
    position = 2
    lengths: list[Operand] = []
    for name in ("use_data_lengths", "use_label_lengths"):
        used = op.attributes.bool(name, False)
        lengths.append(op.input(position) if used else None)
        position += used
    blank = op.attributes.str("blank_label", "first", ("first", "last"))
    return op.node("ctc_loss", op.input(0), op.input(1), *lengths, blank=blank)


@rule("pick")
def pick(op: Op) -> Operand:
    axis = op.attributes.optional_int("axis", -1)
    if axis is None:
        op.refuse("axis None, which MXNet refuses itself")
    mode = op.attributes.str("mode", "clip", ("clip", "wrap"))
    return op.node(
        "pick",
        op.input(0),
        op.input(1),
        axis=axis,
        keepdim=op.attributes.bool("keepdims", False),
        out_of_range="clamp" if mode == "clip" else mode,
    )
