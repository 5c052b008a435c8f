"""Constraints of operators with weights, of windows, and of recurrent layers."""

from __future__ import annotations

from typing import Sequence

from differential.draft import Constraint, Draft, Input


def _window(draft: Draft, rank: int, *, dilates: bool = True) -> None:
    """Give a kernel for some spatial axes, and a stride, padding and dilation that fit it."""
    kernel = tuple(draft.between(1, 3) for _ in range(rank))
    draft.set(kernel=kernel)
    drawn = [tuple(draft.between(1, 2) for _ in range(rank)) for _ in range(2)]
    padding = tuple(draft.between(0, extent // 2) for extent in kernel)
    draft.maybe(stride=[drawn[0]], pad=[padding])
    if dilates:
        draft.maybe(dilate=[drawn[1]])


def _spatial(draft: Draft, rank: int) -> tuple[int, ...]:
    return tuple(draft.between(5, 8) for _ in range(rank))


def _bias(draft: Draft, channels: int, default: bool = False) -> list[Input]:
    return [] if draft.flag("no_bias", default) else [Input((channels,))]


def convolution(draft: Draft) -> Sequence[Input]:
    rank = 2 if draft.attributes.get("layout") or draft.random.random() < 0.6 else draft.one(1, 3)
    _window(draft, rank)
    groups, inputs, outputs = draft.one(1, 1, 2), 2 * draft.between(1, 2), 2 * draft.between(1, 3)
    draft.set(num_filter=outputs, num_group=groups if groups > 1 else None, layout=None)
    draft.maybe(no_bias=["True", "False"])
    kernel = draft.tuple("kernel")
    return [
        Input((draft.between(1, 2), inputs, *_spatial(draft, rank))),
        Input((outputs, inputs // groups, *kernel)),
        *_bias(draft, outputs),
    ]


def old_convolution(draft: Draft) -> Sequence[Input]:
    draft.set(layout="NCHW")
    return convolution(draft)


def deconvolution(draft: Draft) -> Sequence[Input]:
    rank = draft.one(1, 2, 2, 3)
    _window(draft, rank, dilates=False)
    groups, inputs, outputs = draft.one(1, 1, 2), 2 * draft.between(1, 2), 2 * draft.between(1, 3)
    draft.set(num_filter=outputs, num_group=groups if groups > 1 else None)
    draft.set(layout=None, target_shape=None, dilate=None, adj=None)
    draft.maybe(no_bias=["True", "False"])
    if draft.has_optional and "stride" in draft.attributes:
        stride = draft.tuple("stride")
        draft.maybe(adj=[tuple(draft.between(0, step - 1) for step in stride)])
    kernel = draft.tuple("kernel")
    return [
        Input((draft.between(1, 2), inputs, *_spatial(draft, rank))),
        Input((inputs, outputs // groups, *kernel)),
        *_bias(draft, outputs, default=True),
    ]


def pooling(draft: Draft) -> Sequence[Input]:
    rank = draft.one(1, 2, 2, 3)
    _window(draft, rank, dilates=False)
    draft.set(dilate=None, layout=None, p_value=None)
    if draft.attributes.get("pool_type") == "lp":
        draft.set(p_value=draft.one(1, 2, 3))
    return [Input((2, 3, *_spatial(draft, rank)))]


def old_pooling(draft: Draft) -> Sequence[Input]:
    _window(draft, 2, dilates=False)
    return [Input((2, 3, *_spatial(draft, 2)))]


def deformable(masked: bool) -> Constraint:
    def constraint(draft: Draft) -> Sequence[Input]:
        _window(draft, 2)
        kernel = draft.tuple("kernel")
        steps = {name: draft.tuple(name, 1, 1) for name in ("stride", "dilate")}
        padding = draft.tuple("pad", 0, 0)
        groups, offset_groups = draft.one(1, 1, 2), draft.one(1, 1, 2)
        draft.set(num_filter=4, layout=None, im2col_step=None)
        draft.set(num_group=groups if groups > 1 else None)
        draft.set(num_deformable_group=offset_groups if offset_groups > 1 else None)
        draft.maybe(no_bias=["True"])
        spatial = _spatial(draft, 2)
        extents = zip(spatial, kernel, steps["stride"], steps["dilate"], padding)
        out = tuple((size + 2 * pad - dilate * (k - 1) - 1) // stride + 1 for size, k, stride, dilate, pad in extents)
        taps = offset_groups * kernel[0] * kernel[1]
        return [
            Input((2, 4, *spatial)),
            Input((2, 2 * taps, *out), ("uniform", -1.5, 1.5)),
            *([Input((2, taps, *out), ("uniform", 0, 1))] if masked else []),
            Input((4, 4 // groups, *kernel)),
            *_bias(draft, 4),
        ]

    return constraint


def unfold(draft: Draft) -> Sequence[Input]:
    rank = draft.one(1, 2, 3)
    _window(draft, rank)
    return [Input((2, 3, *_spatial(draft, rank)))]


def fold(draft: Draft) -> Sequence[Input]:
    rank = draft.one(1, 2, 3)
    _window(draft, rank)
    kernel = draft.tuple("kernel")
    stride, dilate = (draft.tuple(name, *(1,) * rank) for name in ("stride", "dilate"))
    padding = draft.tuple("pad", *(0,) * rank)
    spatial = _spatial(draft, rank)
    draft.set(output_size=spatial)
    columns, taps = 1, 1
    for size, k, step, spread, pad in zip(spatial, kernel, stride, dilate, padding):
        columns *= (size + 2 * pad - spread * (k - 1) - 1) // step + 1
        taps *= k
    return [Input((2, 3 * taps, columns))]


def correlation(draft: Draft) -> Sequence[Input]:
    displacement = draft.between(1, 3)
    draft.set(kernel_size=draft.one(1, 3), max_displacement=displacement, pad_size=displacement + draft.between(0, 2))
    draft.maybe(stride1=[1, 2], stride2=[1, 2], is_multiply=["True", "False"])
    shape = (2, 3, draft.between(6, 9), draft.between(6, 9))
    return [Input(shape), Input(shape)]


def batch_norm(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(2, 3, 4, 5)
    axis = draft.axis(len(shape)) if "axis" in draft.attributes and draft.has_optional else 1
    if axis != 1:
        draft.set(axis=axis)
    else:
        draft.set(axis=None)
    if "min_calib_range" in draft.attributes or "max_calib_range" in draft.attributes:
        draft.set(min_calib_range=None, max_calib_range=None)
    channels, dtype = (shape[axis],), "float32" if draft.dtype == "float16" else None
    parameters = [Input(channels, (), dtype) for _ in range(3)]
    return [Input(shape), *parameters, Input(channels, ("uniform", 0.2, 2), dtype)]


def batch_norm_with_relu(draft: Draft) -> Sequence[Input]:
    """Images: MXNet has no other kernel."""
    draft.set(axis=None, min_calib_range=None, max_calib_range=None)
    shape = draft.shape(4)
    return [Input(shape), *(Input(shape[1:2]) for _ in range(3)), Input(shape[1:2], ("uniform", 0.2, 2))]


def old_batch_norm(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(2, 4)
    return [Input(shape), *(Input(shape[1:2]) for _ in range(3)), Input(shape[1:2], ("uniform", 0.2, 2))]


def layer_norm(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(2, 3, 4)
    draft.maybe(axis=[draft.axis(len(shape))])
    channels = shape[int(draft.attributes.get("axis", "-1"))]
    return [Input(shape), Input((channels,)), Input((channels,))]


def instance_norm(draft: Draft) -> Sequence[Input]:
    shape = (2, draft.between(1, 4), *draft.shape(1, 2, 3))
    return [Input(shape), Input(shape[1:2]), Input(shape[1:2])]


def group_norm(draft: Draft) -> Sequence[Input]:
    groups = draft.one(1, 2, 3)
    draft.set(num_groups=groups if groups > 1 or draft.random.random() < 0.5 else None)
    shape = (2, groups * draft.between(1, 3), *draft.shape(1, 2))
    return [Input(shape), Input((groups,)), Input((groups,))]


def local_response(draft: Draft) -> Sequence[Input]:
    draft.set(nsize=draft.one(1, 3, 5))
    return [Input((2, draft.between(1, 6), *draft.shape(2)))]


def leaky(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3, 4)
    if draft.attributes.get("act_type") == "prelu":
        return [Input(shape), Input((draft.one(1, shape[1] if len(shape) > 1 else shape[0]),))]
    return [Input(shape)]


def dense(draft: Draft) -> Sequence[Input]:
    shape, hidden = draft.shape(1, 2, 3, 4), draft.between(1, 4)
    draft.set(num_hidden=hidden)
    draft.maybe(flatten=["True", "False"], no_bias=["True", "False"])
    inputs = shape[-1]
    if draft.flag("flatten", True):
        inputs = 1
        for extent in shape[1:]:
            inputs *= extent
    return [Input(shape), Input((hidden, inputs)), *_bias(draft, hidden)]


def embedding(draft: Draft) -> Sequence[Input]:
    rows, columns = draft.between(2, 6), draft.between(1, 4)
    draft.set(input_dim=rows, output_dim=columns, sparse_grad=None, dtype=None)
    draft.set(dtype=draft.dtype if draft.dtype != "float32" else None)
    return [Input(draft.shape(1, 2, 3), ("integers", 0, rows + 1)), Input((rows, columns))]


GATES = {"rnn_relu": 1, "rnn_tanh": 1, "gru": 3, "lstm": 4}


def recurrent(draft: Draft) -> Sequence[Input]:
    mode, layers, size = draft.one(*GATES), draft.between(1, 2), draft.between(1, 4)
    draft.set(mode=mode, num_layers=layers, state_size=size, use_sequence_length=None, p=None)
    draft.set(projection_size=None, lstm_state_clip_min=None, lstm_state_clip_max=None, lstm_state_clip_nan=None)
    draft.maybe(bidirectional=["True", "False"], state_outputs=["True", "False"])
    directions = 2 if draft.flag("bidirectional") else 1
    steps, batch, inputs = draft.between(1, 5), draft.between(1, 3), draft.between(1, 4)
    projected = size
    if mode == "lstm" and draft.has_optional and size > 1 and draft.random.random() < 0.3:
        projected = draft.between(1, size - 1)
        draft.set(projection_size=projected)
    count, wide = 0, inputs
    for _ in range(layers):
        count += directions * GATES[mode] * size * (wide + projected + 2)
        count += directions * projected * size if projected != size else 0
        wide = projected * directions
    state = Input((layers * directions, batch, projected))
    cell = [Input((layers * directions, batch, size))] if mode == "lstm" else []
    return [Input((steps, batch, inputs)), Input((count,), ("uniform", -0.7, 0.7)), state, *cell]


def softmax(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3, 4)
    draft.maybe(axis=[draft.axis(len(shape))], temperature=["0.5", "2", "1.5"])
    axis = int(draft.attributes.get("axis", "-1"))
    if not draft.flag("use_length"):
        return [Input(shape)]
    others = tuple(extent for index, extent in enumerate(shape) if index != axis % len(shape))
    return [Input(shape), Input(others, ("integers", 1, shape[axis]), "int32")]


def softmax_output(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(2, 3, 4)
    draft.set(out_grad=None)
    if draft.flag("multi_output"):
        label = (shape[0], *shape[2:])
    else:
        label = shape[:-1] if draft.flag("preserve_shape") else shape[:1]
    return [Input(shape), Input(label, ("integers", 0, 1))]


def cross_entropy(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(2)
    return [Input(shape), Input(shape[:1], ("integers", 0, shape[1] - 1))]


def ctc(draft: Draft) -> Sequence[Input]:
    steps, batch, labels = draft.between(4, 8), draft.between(1, 3), draft.between(3, 5)
    length = draft.between(1, 2)
    flags = [draft.flag("use_data_lengths"), draft.flag("use_label_lengths")]
    return [
        Input((steps, batch, labels)),
        Input((batch, length), ("integers", 1, labels - 2)),
        *([Input((batch,), ("integers", 4, steps))] if flags[0] else []),
        *([Input((batch,), ("integers", 1, length))] if flags[1] else []),
    ]


def sequence(draft: Draft) -> Sequence[Input]:
    draft.maybe(use_sequence_length=["True"], axis=["0", "1"])
    shape = (draft.between(1, 5), draft.between(1, 5), *draft.shape(1, 2))
    axis = int(draft.attributes.get("axis", "0"))
    if not draft.flag("use_sequence_length"):
        return [Input(shape)]
    return [Input(shape), Input((shape[1 - axis],), ("integers", 1, shape[axis]))]


def sequence_reverse(draft: Draft) -> Sequence[Input]:
    draft.set(axis=None)
    draft.maybe(use_sequence_length=["True"])
    shape = (draft.between(1, 5), draft.between(1, 5), *draft.shape(1, 2))
    lengths = [Input((shape[1],), ("integers", 1, shape[0]))] if draft.flag("use_sequence_length") else []
    return [Input(shape), *lengths]


def regression(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    return [Input(shape), Input(shape)]


LAYERS: dict[str, Constraint] = {
    "BatchNorm": batch_norm,
    "BatchNorm_v1": old_batch_norm,
    "CTCLoss": ctc,
    "Convolution": convolution,
    "Convolution_v1": old_convolution,
    "Correlation": correlation,
    "Deconvolution": deconvolution,
    "Embedding": embedding,
    "FullyConnected": dense,
    "GroupNorm": group_norm,
    "IdentityAttachKLSparseReg": lambda draft: [Input(draft.shape(2)), Input((1,))],
    "InstanceNorm": instance_norm,
    "LRN": local_response,
    "LayerNorm": layer_norm,
    "LeakyReLU": leaky,
    "LinearRegressionOutput": regression,
    "LogisticRegressionOutput": regression,
    "MAERegressionOutput": regression,
    "Pooling": pooling,
    "Pooling_v1": old_pooling,
    "RNN": recurrent,
    "SequenceLast": sequence,
    "SequenceMask": sequence,
    "SequenceReverse": sequence_reverse,
    "SoftmaxOutput": softmax_output,
    "_contrib_BatchNormWithReLU": batch_norm_with_relu,
    "_contrib_DeformableConvolution": deformable(masked=False),
    "_contrib_ModulatedDeformableConvolution": deformable(masked=True),
    "_contrib_SparseEmbedding": embedding,
    "col2im": fold,
    "im2col": unfold,
    "log_softmax": softmax,
    "softmax": softmax,
    "softmax_cross_entropy": cross_entropy,
    "softmin": softmax,
}
"""Constraints of layers by operator."""
