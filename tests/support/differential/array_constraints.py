"""Constraints of operators on arrays: positions, slices, shapes and reductions."""

from __future__ import annotations

import math
from typing import Sequence

from differential.draft import Constraint, Draft, Input


def spread(draft: Draft) -> Sequence[Input]:
    """A tensor and a shape it broadcasts to."""
    shape = draft.shape(1, 2, 3)
    narrow = tuple(1 if draft.random.random() < 0.5 else extent for extent in shape)
    draft.set(shape=shape)
    return [Input(narrow)]


def gather(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    depth = draft.between(1, len(shape))
    return [Input(shape), Input((depth, *draft.shape(1, 2)), ("indices", *shape[:depth]))]


def scatter(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    depth = draft.between(1, len(shape))
    count = draft.between(1, math.prod(shape[:depth]))
    draft.set(shape=shape)
    return [Input((count, *shape[depth:])), Input((depth, count), ("positions", *shape[:depth]))]


def index_copy(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    count = draft.between(1, shape[0])
    positions = Input((count,), ("distinct", shape[0]), draft.one("int32", "int64"))
    return [Input(shape), positions, Input((count, *shape[1:]))]


def take(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    draft.maybe(axis=[draft.axis(len(shape))], mode=["clip", "wrap"])
    bound = 7 if draft.dtype in ("uint8", "bool") else 6
    return [Input(shape), Input(draft.shape(1, 2), ("integers", 0 if bound == 7 else -6, bound))]


def pick(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    draft.maybe(axis=[draft.axis(len(shape))])
    axis = int(draft.attributes.get("axis", "-1")) % len(shape)
    others = tuple(1 if index == axis else extent for index, extent in enumerate(shape))
    if not draft.flag("keepdims"):
        others = others[:axis] + others[axis + 1 :]
    return [Input(shape), Input(others or (1,), ("integers", 0, 5))]


def batch_take(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(2)
    return [Input(shape), Input(shape[:1], ("integers", 0, shape[1] - 1), "int32")]


def slice_axis(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    axis = draft.axis(len(shape))
    begin = draft.between(0, shape[axis] - 1)
    end = draft.one("None", draft.between(begin + 1, shape[axis]))
    draft.set(axis=axis, begin=draft.one(begin, begin - shape[axis]), end=end)
    return [Input(shape)]


def slices(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    axes = draft.between(1, len(shape))
    starts, stops, steps = [], [], []
    for extent in shape[:axes]:
        low = draft.between(0, extent - 1)
        high, step = draft.between(low + 1, extent), draft.one(1, 1, 2, -1)
        first, last = (low, high) if step > 0 else (high - 1, low - 1 if low else None)
        starts.append(draft.one(first, None) if step > 0 else first)
        stops.append(draft.one(last, None) if step > 0 else last)
        steps.append(step)
    has_steps = any(step != 1 for step in steps)
    draft.set(begin=tuple(starts), end=tuple(stops), step=tuple(steps) if has_steps else None)
    return [Input(shape)]


def slice_like(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    draft.maybe(axes=[(0,), (-1,), tuple(range(len(shape)))])
    return [Input(shape), Input(tuple(draft.between(1, extent) for extent in shape))]


def reshape(draft: Draft) -> Sequence[Input]:
    shape = draft.one((2, 3, 4), (4, 6), (24,), (1, 2, 12), (2, 2, 2, 3))
    wanted = ["(24,)", "(-1,)", "(0, -1)", "(-1, 0)", "(2, 12)", "(4, 3, 2)", "(1, -1, 2)", "(-2,)", "(-3, -2)"]
    draft.set(shape=draft.one(*wanted, "(-4, 1, -1, -2)", "(0, 0, -1)"), target_shape=None, keep_highest=None)
    return [Input(shape)]


def numpy_reshape(draft: Draft) -> Sequence[Input]:
    draft.set(newshape=draft.one("(24,)", "(-1,)", "(2, -1)", "(4, 3, 2)", "(2, 12)"), order=None)
    return [Input(draft.one((2, 3, 4), (4, 6), (24,), (1, 2, 12), (2, 2, 2, 3)))]


def reshape_as(draft: Draft) -> Sequence[Input]:
    first, second = draft.one(((2, 3, 4), (6, 4)), ((24,), (2, 12)), ((4, 6), (2, 2, 6)))
    draft.set(lhs_begin=None, lhs_end=None, rhs_begin=None, rhs_end=None)
    if draft.has_optional and draft.random.random() < 0.4:
        draft.set(lhs_begin=0, lhs_end=2, rhs_begin=0, rhs_end=1)
        return [Input((2, 3, 4)), Input((6, 5))]
    return [Input(first), Input(second)]


def padded(draft: Draft) -> Sequence[Input]:
    rank = draft.one(4, 5)
    widths = [0, 0, 0, 0, *(draft.between(0, 2) for _ in range(2 * (rank - 2)))]
    draft.set(pad_width=tuple(widths))
    return [Input((2, 3, *(draft.between(3, 5) for _ in range(rank - 2))))]


def numpy_padded(draft: Draft) -> Sequence[Input]:
    rank = draft.one(1, 2, 3)
    widths = tuple((draft.between(0, 2), draft.between(0, 2)) for _ in range(rank))
    draft.set(pad_width=widths, reflect_type=None)
    draft.set(mode=draft.one("constant", "edge", "reflect", "maximum", "minimum", "symmetric"))
    draft.set(constant_values=None)
    if draft.attributes["mode"] == "constant":
        draft.maybe(constant_values=["1.5", "-2"])
    return [Input(tuple(draft.between(3, 5) for _ in range(rank)))]


def summed(draft: Draft) -> Sequence[Input]:
    count = draft.between(1, 3)
    draft.set(num_args=count)
    return [Input(draft.shape(1, 2))] * count


def columns(draft: Draft) -> Sequence[Input]:
    count, width = draft.between(1, 3), draft.between(1, 3)
    draft.set(num_args=count)
    return [Input((draft.between(1, 3), width)) for _ in range(count)]


def heads(parts: int) -> Constraint:
    def constraint(draft: Draft) -> Sequence[Input]:
        steps, batch, count = draft.between(1, 4), draft.between(1, 3), draft.between(1, 3)
        draft.set(heads=count)
        return [Input((steps, batch, parts * count * draft.between(1, 3)))]

    return constraint


def between_queries(draft: Draft) -> Sequence[Input]:
    count, size, batch = draft.between(1, 3), draft.between(1, 3), draft.between(1, 3)
    draft.set(heads=count)
    keys = Input((draft.between(1, 4), batch, 2 * count * size))
    return [Input((draft.between(1, 4), batch, count * size)), keys]


def attended(parts: int) -> Constraint:
    def constraint(draft: Draft) -> Sequence[Input]:
        (values,) = heads(parts)(draft) or ()
        steps, batch, _ = values.shape
        queries = steps if parts == 3 else draft.between(1, 4)
        return [values, Input((batch * int(draft.attributes["heads"]), queries, steps))]

    return constraint


def histogram(draft: Draft) -> Sequence[Input]:
    draft.set(bin_cnt=None, range=None)
    data = Input(draft.shape(1, 2, 3))
    if draft.random.random() < 0.5:
        return [data, Input((draft.between(2, 6),), ("increasing",))]
    draft.set(bin_cnt=draft.between(1, 5), range=draft.one("(-1.0, 2.0)", "(0.0, 3.0)"))
    return [data]


def bincount(draft: Draft) -> Sequence[Input]:
    draft.set(has_weights=None, minlength=None)
    draft.maybe(minlength=[0, 3, 9])
    data = Input(draft.shape(1), ("integers", 0, 5))
    if draft.has_optional and draft.random.random() < 0.4:
        draft.set(has_weights="True")
        return [data, Input(data.shape, (), draft.one("float32", "float64"))]
    return [data]


def masked(has_values: bool) -> Constraint:
    def constraint(draft: Draft) -> Sequence[Input]:
        shape = draft.shape(1, 2, 3)
        draft.set(start_axis=0)
        mask = Input(shape[: draft.between(1, len(shape))], ("mask",), "bool")
        if not has_values:
            draft.set(value=draft.one("1.5", "-2", "0"))
            return [Input(shape), mask]
        return [Input(shape), mask, Input((1,))]

    return constraint


def rows_of_mask(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    draft.set(axis=draft.one(None, 0) if draft.has_optional else None)
    return [Input(shape), Input(shape[:1], ("mask",))]


def average(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    draft.set(axis=None, returned=None, weighted=None)
    draft.maybe(axis=[(draft.axis(len(shape)),)], weighted=["False"])
    if not draft.flag("weighted", True):
        return [Input(shape)]
    return [Input(shape), Input(shape, ("uniform", 0.5, 2))]


def diagonal_of(draft: Draft) -> Sequence[Input]:
    size = draft.between(1, 4)
    return [Input((size,) * draft.one(2, 3))]


def placed(values: bool, positions: str) -> Constraint:
    """Deletion and insertion at a number, a slice or a list of positions."""

    def constraint(draft: Draft) -> Sequence[Input]:
        draft.set(start=None, stop=None, step=None, int_ind=None, axis=None, val=None)
        shape = draft.shape(1, 2)
        axis = draft.between(0, len(shape) - 1) if draft.has_optional else 0
        draft.set(axis=axis)
        if len(shape) == 1 and draft.has_optional and draft.random.random() < 0.4:
            draft.set(axis=None)
        extent, inputs = shape[axis], [Input(shape)]
        kind = draft.one("scalar", "slice", "tensor") if positions == "any" else positions
        count = 1
        if kind == "scalar":
            draft.set(int_ind=draft.between(-extent, extent - 1))
        elif kind == "slice":
            draft.set(start=0, stop=draft.between(1, extent), step=1)
            count = int(draft.attributes["stop"])
        if values:
            inputs.append(Input((1,) if len(shape) == 1 else tuple(1 if i == axis else s for i, s in enumerate(shape))))
        if kind == "tensor":
            count = draft.between(1, extent)
            inputs.append(Input((count,), ("distinct", extent), "int64"))
        return inputs

    return constraint


def differences(draft: Draft) -> Sequence[Input]:
    draft.set(to_begin_arr_given=None, to_end_arr_given=None, to_begin_scalar=None, to_end_scalar=None)
    inputs = [Input(draft.shape(1, 2))]
    for end in ("begin", "end"):
        kind = draft.one("none", "array", "number") if draft.has_optional else "none"
        if kind == "array":
            draft.set(**{f"to_{end}_arr_given": "True"})
            inputs.append(Input(draft.shape(1)))
        elif kind == "number":
            draft.set(**{f"to_{end}_scalar": draft.one("1.5", "2")})
    return inputs


def polynomial(draft: Draft) -> Sequence[Input]:
    return [Input((draft.between(1, 4),)), Input(draft.shape(1, 2))]


def rotated(draft: Draft) -> Sequence[Input]:
    draft.set(axes=draft.one("(0, 1)", "(1, 0)", "(-1, 0)"))
    draft.maybe(k=[0, 1, 2, 3, -1, 5])
    return [Input(draft.shape(2, 3))]


def percentile(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    draft.set(axis=None, q_scalar=None)
    draft.maybe(axis=[(draft.axis(len(shape)),)])
    if draft.random.random() < 0.5:
        draft.set(q_scalar=draft.one("50", "30", "99.5", "0"))
        return [Input(shape)]
    return [Input(shape), Input((draft.between(1, 3),), ("integers", 0, 100), draft.one("float32", "float64"))]


def unravel(draft: Draft) -> Sequence[Input]:
    draft.set(shape=(3, 4))
    return [Input(draft.shape(1), ("integers", 0, 11))]


def ravel(draft: Draft) -> Sequence[Input]:
    draft.set(shape=(3, 4))
    return [Input((2, draft.between(1, 4)), ("integers", 0, 2))]


def retained(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(2)
    return [Input(shape), Input((draft.between(1, shape[0]),), ("distinct", shape[0]), "int64")]


def square_sum(draft: Draft) -> Sequence[Input]:
    draft.set(axis=draft.one("(0,)", "(1,)"), exclude=None)
    return [Input(draft.shape(2))]


def true_numbers(draft: Draft) -> Sequence[Input]:
    return [Input(draft.shape(1, 2), ("constant", 1), "bool")]


def divided(broadcasts: bool) -> Constraint:
    """Give a divisor other than 0, by which MXNet crashes for integers."""

    def constraint(draft: Draft) -> Sequence[Input]:
        shape = draft.shape(1, 2, 3)
        narrow = tuple(1 if broadcasts and draft.random.random() < 0.4 else extent for extent in shape)
        return [Input(shape), _divisor(draft, narrow)]

    return constraint


def _divisor(draft: Draft, shape: tuple[int, ...]) -> Input:
    return Input(shape, () if draft.dtype.startswith("float") else ("integers", 1, 5))


def divisor(draft: Draft) -> Sequence[Input]:
    return [_divisor(draft, draft.shape(1, 2, 3))]


def cast_together(draft: Draft) -> Sequence[Input]:
    count = draft.between(2, 3)
    draft.set(num_outputs=count)
    return [Input(draft.shape(1, 2), (), draft.one(None, "float32", "float16") if i else None) for i in range(count)]


def moved_axes(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(2, 3)
    count = draft.between(1, len(shape))
    draft.set(source=tuple(draft.random.sample(range(len(shape)), count)))
    draft.set(destination=tuple(draft.random.sample(range(-len(shape), 0), count)))
    return [Input(shape)]


def assigned(draft: Draft) -> Sequence[Input]:
    (array,) = slices(draft)
    keys = zip(draft.tuple("begin"), draft.tuple("end"), draft.tuple("step", *(1,) * len(draft.tuple("begin"))))
    chosen = [len(range(*slice(*key).indices(extent))) for key, extent in zip(keys, array.shape)]
    return [array, Input((*chosen, *array.shape[len(chosen) :]))]


ARRAYS: dict[str, Constraint] = {
    "Pad": padded,
    "Reshape": reshape,
    "_contrib_boolean_mask": rows_of_mask,
    "_contrib_index_copy": index_copy,
    "_contrib_interleaved_matmul_encdec_qk": between_queries,
    "_contrib_interleaved_matmul_encdec_valatt": attended(2),
    "_contrib_interleaved_matmul_selfatt_qk": heads(3),
    "_contrib_interleaved_matmul_selfatt_valatt": attended(3),
    "_histogram": histogram,
    "_np_reshape": numpy_reshape,
    "_npi_average": average,
    "_npi_bincount": bincount,
    "_npi_boolean_mask_assign_scalar": masked(has_values=False),
    "_npi_boolean_mask_assign_tensor": masked(has_values=True),
    "_npi_broadcast_to": spread,
    "_npi_delete": placed(values=False, positions="any"),
    "_npi_diag_indices_from": diagonal_of,
    "_npi_ediff1d": differences,
    "_npi_insert_scalar": placed(values=True, positions="scalar"),
    "_npi_insert_slice": placed(values=True, positions="slice"),
    "_npi_insert_tensor": placed(values=True, positions="tensor"),
    **dict.fromkeys(("_np_moveaxis", "_npi_moveaxis"), moved_axes),
    "_npi_pad": numpy_padded,
    "_npi_percentile": percentile,
    "_npi_polyval": polynomial,
    "_npi_rot90": rotated,
    "_npi_unique": lambda draft: [Input(draft.shape(1, 2), ("integers", 0, 3))],
    "_npx_constraint_check": true_numbers,
    "_npx_nonzero": lambda draft: [Input(draft.shape(1, 2, 3), ("integers", 0, 2))],
    "_npx_reshape": numpy_reshape,
    "_ravel_multi_index": ravel,
    "_slice_assign": assigned,
    "_slice_assign_scalar": slices,
    "_sparse_retain": retained,
    "_square_sum": square_sum,
    "_unravel_index": unravel,
    "_rdiv_scalar": divisor,
    "amp_multicast": cast_together,
    "_scatter_elemwise_div": divided(broadcasts=False),
    "broadcast_div": divided(broadcasts=True),
    "elemwise_div": divided(broadcasts=False),
    "add_n": summed,
    "batch_take": batch_take,
    "broadcast_to": spread,
    "gather_nd": gather,
    "khatri_rao": columns,
    "pick": pick,
    "reshape_like": reshape_as,
    "scatter_nd": scatter,
    "slice": slices,
    "slice_axis": slice_axis,
    "slice_like": slice_like,
    "take": take,
}
"""Constraints of operators on arrays by operator."""
