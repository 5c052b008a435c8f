"""Small models with regions and warping in real MXNet: a two-stage detector, a spatial transformer, optical flow."""

from __future__ import annotations

from typing import Any, Mapping

import mxnet as mx
import numpy as np

from mxnet_side.operators import run_symbol


def _run(symbol: mx.sym.Symbol, inputs: Mapping[str, np.ndarray], prefix: str) -> list[Any]:
    """Save a model with random parameters that keep deltas and displacements small."""
    random = np.random.RandomState(0)
    shapes, _, _ = symbol.infer_shape(**{name: array.shape for name, array in inputs.items()})
    arrays = {
        name: 0.1 * random.randn(*shape).astype("float32") for name, shape in zip(symbol.list_arguments(), shapes)
    }
    arrays.update(inputs)
    return run_symbol(symbol, arrays, prefix, [name for name in arrays if name not in inputs])


def detector(prefix: str, data: np.ndarray, images: np.ndarray) -> list[Any]:
    """Build R-FCN with deformable regions: proposals, offsets from pooled maps, class scores from voting bins."""
    classes, size, anchors = 4, 3, 6
    body = mx.sym.var("data")
    for index, filters in enumerate((8, 16)):
        body = mx.sym.Convolution(
            body, kernel=(3, 3), stride=(2, 2), pad=(1, 1), num_filter=filters, name=f"body{index}"
        )
        body = mx.sym.Activation(body, act_type="relu")
    logits = mx.sym.Convolution(body, kernel=(1, 1), num_filter=2 * anchors, name="rpn_score")
    scores = mx.sym.softmax(mx.sym.Reshape(logits, shape=(0, 2, -1, 0)), axis=1)
    scores = mx.sym.reshape_like(scores, logits)
    deltas = mx.sym.Convolution(body, kernel=(1, 1), num_filter=4 * anchors, name="rpn_delta")
    rpn = {"feature_stride": 4, "scales": (2, 4, 8), "ratios": (0.5, 2), "rpn_min_size": 4}
    rois = mx.sym.contrib.MultiProposal(
        scores, deltas, mx.sym.var("images"), rpn_pre_nms_top_n=60, rpn_post_nms_top_n=10, name="proposals", **rpn
    )
    common = {"spatial_scale": 0.25, "group_size": size, "pooled_size": size}
    maps = mx.sym.Convolution(body, kernel=(1, 1), num_filter=2 * size**2, name="offset_maps")
    still = mx.sym.contrib.DeformablePSROIPooling(maps, rois, output_dim=2, no_trans=True, sample_per_part=4, **common)
    offsets = mx.sym.FullyConnected(still, num_hidden=2 * size**2, name="offsets")
    offsets = mx.sym.Reshape(offsets, shape=(-1, 2, size, size))
    maps = mx.sym.Convolution(body, kernel=(1, 1), num_filter=classes * size**2, name="score_maps")
    deformed = mx.sym.contrib.DeformablePSROIPooling(
        maps, rois, offsets, output_dim=classes, trans_std=0.1, sample_per_part=4, **common
    )
    plain = mx.sym.contrib.PSROIPooling(maps, rois, output_dim=classes, name="plain", **common)
    votes = mx.sym.Pooling(deformed + plain, kernel=(size, size), global_pool=True, pool_type="avg")
    return _run(mx.sym.Group([rois, mx.sym.softmax(mx.sym.Flatten(votes))]), {"data": data, "images": images}, prefix)


def transformer(prefix: str, data: np.ndarray) -> list[Any]:
    """Build a classifier that transforms its image by the outputs of a small network."""
    image = mx.sym.var("data")
    where = mx.sym.Convolution(image, kernel=(5, 5), num_filter=4, stride=(2, 2), name="where")
    where = mx.sym.FullyConnected(mx.sym.Activation(where, act_type="relu"), num_hidden=6, name="affine")
    turned = mx.sym.SpatialTransformer(
        image, where, target_shape=(12, 14), transform_type="affine", sampler_type="bilinear", name="turned"
    )
    features = mx.sym.Convolution(turned, kernel=(3, 3), num_filter=4, name="body")
    return _run(mx.sym.softmax(mx.sym.FullyConnected(features, num_hidden=5, name="classes")), {"data": data}, prefix)


def flow(prefix: str, first: np.ndarray, second: np.ndarray) -> list[Any]:
    """Build an optical flow network: displacements from the correlation of two images, and the second image warped."""
    weight, bias = mx.sym.var("features_weight"), mx.sym.var("features_bias")
    images = [mx.sym.var(name) for name in ("first", "second")]
    maps = [
        mx.sym.Convolution(image, weight, bias, kernel=(3, 3), pad=(1, 1), num_filter=8, name=f"features_{index}")
        for index, image in enumerate(images)
    ]
    alike = mx.sym.Correlation(*maps, max_displacement=4, stride2=2, pad_size=4, name="alike")
    moves = mx.sym.Convolution(alike, kernel=(3, 3), pad=(1, 1), num_filter=2, name="moves")
    grid = mx.sym.GridGenerator(moves, transform_type="warp", name="grid")
    back = mx.sym.BilinearSampler(images[1], grid, name="back")
    return _run(mx.sym.Group([moves, back]), {"first": first, "second": second}, prefix)
