"""Constraints of operators that MXNet 2 added, renamed or changed."""

from __future__ import annotations

from typing import Sequence

from differential.array_constraints import gather, unravel
from differential.draft import Constraint, Draft, Input
from differential.image_constraints import image
from differential.layer_constraints import deformable
from differential.matrix_constraints import numpy_dot
from differential.region_constraints import adaptive, quantized_range, signed


def group_norm(draft: Draft) -> Sequence[Input]:
    groups = draft.one(1, 2, 3)
    draft.set(num_groups=groups if groups > 1 or draft.random.random() < 0.5 else None)
    shape = (2, groups * draft.between(1, 3), *draft.shape(1, 2))
    return [Input(shape), Input(shape[1:2]), Input(shape[1:2])]


def sized_adaptive(draft: Draft) -> Sequence[Input]:
    """An output size: MXNet 2 refuses its default."""
    inputs = adaptive(draft) or ()
    draft.set(output_size=draft.attributes.get("output_size", "(2, 2)"))
    return inputs


def dynamic_reshape(draft: Draft) -> Sequence[Input]:
    wanted = draft.one((24,), (-1,), (2, -1), (4, 3, 2), (2, 12), (0, -1), (-1, 12))
    shape = draft.one((2, 3, 4), (4, 6), (24,), (1, 2, 12))
    return [Input(shape), Input((len(wanted),), ("constant", *wanted), draft.one("int32", "int64"))]


def quantized_reshape(name: str) -> Constraint:
    def constraint(draft: Draft) -> Sequence[Input]:
        draft.set(**{name: draft.one("(24,)", "(2, 12)", "(4, 3, 2)", "(2, -1)")})
        draft.set(target_shape=None, keep_highest=None, order=None, reverse=None)
        return [signed(draft.one((2, 3, 4), (4, 6), (24,))), *quantized_range()]

    return constraint


def quantized_transpose(draft: Draft) -> Sequence[Input]:
    draft.set(axes=draft.one(None, "(1, 0, 2)", "(2, 1, 0)"))
    return [signed((2, 3, 4)), *quantized_range()]


def sliding_window(kind: str) -> Constraint:
    """Attention in a window: scores of queries and keys, their sums of values, and the mask of the scores."""

    def constraint(draft: Draft) -> Sequence[Input]:
        batch, steps, heads, depth, wide = 2, draft.between(3, 6), draft.between(1, 3), 2, draft.between(1, 2)
        draft.set(w=wide)
        window = 2 * wide + 1 if draft.flag("symmetric") else wide + 1
        vectors, scores = Input((batch, steps, heads, depth)), Input((batch, steps, heads, window))
        dilation = Input((heads,), ("integers", 1, 2), "int32")
        if kind == "mask":
            return [scores, dilation, Input((batch,), ("integers", 1, steps), "int32")]
        return [vectors if kind == "score" else scores, vectors, dilation]

    return constraint


def randomly_cropped_image(draft: Draft) -> Sequence[Input]:
    ranges = "(0, 1)", "(0.5, 0.5)", "(0, 0)", "(0.2, 0.8)"
    draft.set(width=draft.between(1, 4), height=draft.between(1, 4), interp=draft.one("0", "1", None))
    draft.maybe(xrange=ranges, yrange=ranges)
    return image(draft)


def indexing_with_several(draft: Draft) -> Sequence[Input]:
    array, indices = gather(draft) or ()
    return [array, Input(indices.shape, indices.values, draft.one("int32", "int64"))]


def indexed_update(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    depth, count = draft.between(1, len(shape)), draft.between(1, 3)
    indices = Input((depth, count), ("indices", *shape[:depth]), draft.one("int32", "int64"))
    return [Input(shape), indices, Input((draft.one(1, count), *shape[depth:]))]


def updated_once(draft: Draft) -> Sequence[Input]:
    """Distinct positions: of equal ones, any may be the last."""
    shape = draft.shape(1, 2, 3)
    depth = draft.between(1, len(shape))
    count = draft.between(1, min(shape[:depth]))
    indices = Input((depth, count), ("positions", *shape[:depth]), draft.one("int32", "int64"))
    return [Input(shape), indices, Input((count, *shape[depth:]))]


def masked_softmax(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    draft.maybe(axis=[draft.axis(len(shape))], temperature=["0.5", "2"])
    return [Input(shape), Input(draft.one(shape, (1,) * len(shape)), ("mask",), "bool")]


def interpolated(draft: Draft) -> Sequence[Input]:
    points = draft.between(1, 5)
    draft.set(period=None)
    draft.maybe(period=["3.5", "-2"])
    known = [Input((points,), ("increasing",)), Input((points,))]
    if draft.flag("x_is_scalar"):
        return known
    return [*known, Input(draft.shape(1, 2))]


def counts(draft: Draft) -> Sequence[Input]:
    batch = draft.shape(1)
    return [Input(batch, ("integers", 1, 5)), Input((*batch, 3), ("probabilities", -1))]


def cross(draft: Draft) -> Sequence[Input]:
    shape = (*draft.shape(0, 1, 2), 3)
    draft.set(axisa=None, axisb=None, axisc=None)
    return [Input(shape), Input(draft.one(shape, shape, (3,)))]


def window(draft: Draft) -> Sequence[Input]:
    draft.set(M=draft.between(1, 6))
    return []


def typed(draft: Draft) -> Sequence[Input]:
    """A stated dtype: MXNet 2 has no default in a graph."""
    draft.set(dtype=draft.dtype)
    return []


MXNET_2: dict[str, Constraint] = {
    **dict.fromkeys(("_arange", "_eye", "_full", "_linspace", "_ones", "_zeros"), typed),
    **dict.fromkeys(("_npi_blackman", "_npi_hamming", "_npi_hanning"), window),
    "GroupNorm": group_norm,
    "_contrib_AdaptiveAvgPooling2D": sized_adaptive,
    "_contrib_dynamic_reshape": dynamic_reshape,
    "_contrib_quantized_reshape": quantized_reshape("shape"),
    "_contrib_quantized_transpose": quantized_transpose,
    "_contrib_sldwin_atten_context": sliding_window("context"),
    "_contrib_sldwin_atten_mask_like": sliding_window("mask"),
    "_contrib_sldwin_atten_score": sliding_window("score"),
    "_image_random_crop": randomly_cropped_image,
    "_npi_advanced_indexing_multiple": indexing_with_several,
    "_npi_cross": cross,
    "_npi_dot": numpy_dot,
    "_npi_interp": interpolated,
    "_npi_unravel_index": unravel,
    "_npx_deformable_convolution": deformable(masked=False),
    "_npx_index_add": indexed_update,
    "_npx_index_update": updated_once,
    "_npx_modulated_deformable_convolution": deformable(masked=True),
    "_npx_quantized_reshape": quantized_reshape("newshape"),
    "_npx_quantized_transpose": quantized_transpose,
    "_sample_multinomial": counts,
    "masked_log_softmax": masked_softmax,
    "masked_softmax": masked_softmax,
}
"""Constraints of operators of MXNet 2 by operator."""
