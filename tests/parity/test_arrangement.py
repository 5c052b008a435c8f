"""Joining, cutting, repeating and padding against real MXNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def data(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(-3, 3, shape).astype(dtype)


CASES = [
    ("Concat", [(2, 3), (2, 4), (2, 1)], {}),
    ("Concat", [(2, 3, 4), (2, 3, 5)], {"dim": -1}),
    ("Concat", [(2, 3), (4, 3)], {"dim": 0}),
    ("Concat", [(2, 3)], {}),
    ("_rnn_param_concat", [(4,), (6,)], {"dim": 0}),
    ("stack", [(2, 3), (2, 3)], {}),
    ("stack", [(2, 3), (2, 3), (2, 3)], {"axis": -1}),
    ("stack", [(2, 3)], {"axis": 1}),
    ("SliceChannel", [(2, 4)], {"num_outputs": 2}),
    ("SliceChannel", [(2, 4)], {"num_outputs": 1}),
    ("SliceChannel", [(2, 4)], {"num_outputs": 4, "squeeze_axis": True}),
    ("SliceChannel", [(2, 4, 6)], {"num_outputs": 3, "axis": -1}),
    ("SliceChannel", [(2, 1)], {"num_outputs": 1, "squeeze_axis": True}),
    ("_split_v2", [(2, 6)], {"indices": (0, 2, 3)}),
    ("_split_v2", [(2, 6)], {"indices": (), "sections": 3}),
    ("_split_v2", [(2, 6)], {"indices": (), "sections": 4}),
    ("_split_v2", [(6, 2)], {"indices": (), "sections": 6, "axis": 0, "squeeze_axis": True}),
    ("_split_v2", [(2, 3, 2)], {"indices": (0, 1), "axis": -1, "squeeze_axis": True}),
    ("_split_v2", [(2, 6, 4)], {"indices": (0, 1), "axis": -1}),
    ("slice", [(5, 6, 7)], {"begin": (1,), "end": (3,)}),
    ("slice", [(5, 6, 7)], {"begin": (None, 1), "end": (None, 4)}),
    ("slice", [(5, 6, 7)], {"begin": (0, None), "end": (None, -1)}),
    ("slice", [(5, 6, 7)], {"begin": (0, 0, 0), "end": (None, None, 3)}),
    ("slice", [(5, 6, 7)], {"begin": (None,), "end": (None,)}),
    ("slice", [(5, 6, 7)], {"begin": (4,), "end": (0,), "step": (-1,)}),
    ("slice", [(5, 6, 7)], {"begin": (None,), "end": (None,), "step": (-1,)}),
    ("slice", [(5, 6, 7)], {"begin": (None,), "end": (None,), "step": (-2,)}),
    ("slice", [(5, 6, 7)], {"begin": (-1, 3), "end": (None, 1), "step": (-2, -1)}),
    ("slice", [(5, 6, 7)], {"begin": (10,), "end": (None,), "step": (-1,)}),
    ("slice", [(5, 6, 7)], {"begin": (3,), "end": (-9,), "step": (-1,)}),
    ("slice", [(5, 6, 7)], {"begin": (-10,), "end": (3,)}),
    ("slice", [(5, 6, 7)], {"begin": (1,), "end": (99,)}),
    ("slice", [(5, 6, 7)], {"begin": (None, None, None), "end": (None, 2, None), "step": (None, None, 2)}),
    ("slice_axis", [(5, 6, 7)], {"axis": 0, "begin": 1, "end": 3}),
    ("slice_axis", [(5, 6, 7)], {"axis": 1, "begin": -4, "end": -1}),
    ("slice_axis", [(5, 6, 7)], {"axis": -1, "begin": -3, "end": None}),
    ("slice_axis", [(5, 6, 7)], {"axis": -2, "begin": 0, "end": 2}),
    ("slice_axis", [(5, 6, 7)], {"axis": 2, "begin": 0, "end": None}),
    ("slice_like", [(5, 6, 7), (2, 3, 4)], {}),
    ("slice_like", [(5, 6, 7), (2, 3, 4)], {"axes": (1,)}),
    ("slice_like", [(5, 6, 7), (2, 3)], {"axes": (0, -2)}),
    ("slice_like", [(4, 5), (2, 3, 4)], {"axes": (-1,)}),
    ("Crop", [(2, 3, 4, 5)], {"h_w": (2, 3)}),
    ("Crop", [(2, 3, 4, 5)], {"h_w": (2, 3), "offset": (1, 2)}),
    ("Crop", [(2, 3, 4, 6)], {"h_w": (3, 3), "center_crop": True}),
    ("Crop", [(2, 3, 4, 5), (1, 9, 2, 2)], {}),
    ("Crop", [(2, 3, 4, 5), (1, 1, 3, 2)], {"center_crop": True}),
    ("Crop", [(2, 3, 4, 5), (1, 1, 3, 2)], {"offset": (1, 3)}),
    ("Pad", [(2, 3, 4, 5)], {"mode": "constant", "pad_width": (0, 0, 0, 0, 1, 2, 3, 0)}),
    ("Pad", [(2, 3, 4, 5)], {"mode": "constant", "pad_width": (0, 0, 0, 0, 0, 0, 3, 0), "constant_value": 2.5}),
    ("Pad", [(2, 3, 4, 5)], {"mode": "edge", "pad_width": (0, 0, 0, 0, 1, 2, 3, 0)}),
    ("Pad", [(2, 3, 4, 5)], {"mode": "edge", "pad_width": (0, 0, 0, 0, 0, 0, 7, 0)}),
    ("Pad", [(2, 3, 4, 5)], {"mode": "reflect", "pad_width": (0, 0, 0, 0, 1, 2, 3, 0)}),
    ("Pad", [(2, 3, 4, 5)], {"mode": "reflect", "pad_width": (0, 0, 0, 0, 0, 0, 0, 4)}),
    ("Pad", [(1, 2, 3, 4, 5)], {"mode": "constant", "pad_width": (0, 0, 0, 0, 1, 2, 0, 1, 2, 2)}),
    ("Pad", [(1, 2, 3, 4, 5)], {"mode": "edge", "pad_width": (0, 0, 0, 0, 1, 2, 0, 1, 2, 2)}),
    ("Pad", [(1, 2, 3, 4, 5)], {"mode": "reflect", "pad_width": (0, 0, 0, 0, 1, 2, 0, 1, 2, 2)}),
    ("tile", [(2, 3)], {"reps": (2,)}),
    ("tile", [(2, 3)], {"reps": (2, 1, 2)}),
    ("tile", [(2, 3)], {"reps": (1, 2)}),
    ("tile", [(2, 3)], {"reps": ()}),
    ("repeat", [(2, 3)], {"repeats": 2}),
    ("repeat", [(2, 3)], {"repeats": 3, "axis": -1}),
    ("repeat", [(2, 3)], {"repeats": 2, "axis": 0}),
    ("reverse", [(2, 3)], {"axis": (0, 1)}),
    ("reverse", [(2, 3)], {"axis": 1}),
    ("broadcast_to", [(1, 3, 1)], {"shape": (2, 0, 4)}),
    ("broadcast_to", [(1, 3, 1)], {"shape": (2, 3, 4)}),
    ("broadcast_axis", [(1, 3, 1)], {"axis": (0, 2), "size": (5, 6)}),
    ("broadcast_axis", [(1, 3, 1)], {"axis": 2, "size": 4}),
    ("broadcast_axis", [(1, 3, 1)], {"axis": (), "size": ()}),
    ("broadcast_like", [(1, 3, 1), (2, 3, 4)], {}),
    ("broadcast_like", [(1, 3, 1), (2, 3, 4)], {"lhs_axes": (0, -1), "rhs_axes": (0, 2)}),
    ("broadcast_like", [(1, 3, 1), (7, 9)], {"lhs_axes": (0,), "rhs_axes": (-1,)}),
    ("broadcast_like", [(1, 3, 1), (2, 3, 4)], {"lhs_axes": (0,)}),
    ("im2col", [(2, 2, 4, 5)], {"kernel": (2, 2)}),
    ("im2col", [(2, 2, 4, 5)], {"kernel": (2, 3), "stride": (2, 1), "dilate": (1, 2), "pad": (1, 0)}),
    ("col2im", [(1, 8, 12)], {"output_size": (4, 5), "kernel": (2, 2)}),
    ("col2im", [(2, 8, 6)], {"output_size": (4, 5), "kernel": (2, 2), "stride": (2, 2), "pad": (0, 1)}),
    ("_slice_assign", [(4, 5), (2, 5)], {"begin": (1,), "end": (3,)}),
    ("_slice_assign", [(4, 5), (4, 3)], {"begin": (None, 0), "end": (None, 5), "step": (None, 2)}),
    ("_slice_assign", [(4, 5), (2, 5)], {"begin": (3,), "end": (1,), "step": (-1,)}),
    ("_slice_assign_scalar", [(4, 5)], {"scalar": 9, "begin": (3,), "end": (0,), "step": (-2,)}),
    ("_slice_assign_scalar", [(4, 5)], {"begin": (0, 1), "end": (2, -1)}),
]


@pytest.mark.parametrize(("operator", "shapes", "attributes"), CASES, ids=str)
@pytest.mark.parametrize("declared", [False, True])
def test_arrangement(
    check_operator: Any, operator: str, shapes: list[tuple[int, ...]], attributes: dict[str, Any], declared: bool
) -> None:
    arrays = [data(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    check_operator(operator, arrays, declared=declared, **attributes)


@pytest.mark.parametrize("output", [0, 1, 2])
def test_one_part_of_several(check_operator: Any, output: int) -> None:
    check_operator("SliceChannel", [data(2, 6)], output=output, exact=True, num_outputs=3)
    check_operator("_split_v2", [data(2, 6)], output=output, exact=True, indices=(0, 2, 5))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_padding_of_float16(check_operator: Any, mode: str) -> None:
    x = data(2, 3, 4, 5, dtype="float16")
    check_operator("Pad", [x], exact=True, mode=mode, pad_width=(0, 0, 0, 0, 1, 2, 3, 0))


@pytest.mark.parametrize("dtype", ["float16", "int32"])
def test_other_dtypes(check_operator: Any, dtype: str) -> None:
    x = data(1, 3, 4, dtype=dtype)
    check_operator("Concat", [x, x], exact=True)
    check_operator("slice", [x], exact=True, begin=(0, None), end=(None, None), step=(1, -1))
    check_operator("tile", [x], exact=True, reps=(2, 1, 1))
    check_operator("broadcast_axis", [x], exact=True, axis=0, size=3)
    check_operator("_slice_assign_scalar", [x], exact=True, scalar=2.7, begin=(0, 1), end=(None, 2))
